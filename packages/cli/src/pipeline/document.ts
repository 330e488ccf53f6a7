/** The document of a pipeline: read from JSON or a module. */

import { dirname, resolve } from 'node:path';
import type { PipelineRun } from '@sparsevit/config';
import { parsePipelineRun } from '@sparsevit/config';
import { SparseViTError } from '@sparsevit/windows';
import { quote } from '../errors';
import { readDocument } from '../train/document';

/**
 * Reads a pipeline from `.json`, or from a `.js` or `.mjs` whose default export it is.
 *
 * @throws SparseViTError for a file that is missing or holds none, with the path of what is wrong
 */
export async function readPipelineDocument(
  file: string,
): Promise<{ readonly run: PipelineRun; readonly resolvePath: (path: string) => string }> {
  const document = await readDocument(file);
  try {
    return { run: parsePipelineRun(document), resolvePath: (path) => resolve(dirname(file), path) };
  } catch (error) {
    if (!SparseViTError.isInstance(error)) throw error;
    throw new SparseViTError(error.code, `--config ${quote(file)}: ${error.message}`, { cause: error });
  }
}
