/** The document of a run: read from JSON or a module, its paths made absolute. */

import { dirname, extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { TrainingRun } from '@sparsevit/config';
import { parseTrainingRun } from '@sparsevit/config';
import { checkInputFile, parseJson, readInputFile } from '@sparsevit/pipeline/files';
import { absoluteSource } from '@sparsevit/pipeline/node';
import { SparseViTError } from '@sparsevit/windows';
import { inputError, quote } from '../errors';

/** A run and the file that it comes from. */
export interface RunDocument {
  readonly file: string;
  /** Paths are absolute. */
  readonly run: TrainingRun;
  /** The data as they were written: the same wherever the folder lies. */
  readonly writtenData: TrainingRun['data'];
}

/**
 * Reads a run from `.json`, or from a `.js` or `.mjs` whose default export it is; its paths are relative to the file.
 *
 * @throws SparseViTError for a file that is missing or holds no run, with the path of what is wrong
 */
export async function readRunDocument(file: string): Promise<RunDocument> {
  const document = await readDocument(file);
  let run: TrainingRun;
  try {
    run = parseTrainingRun(document);
  } catch (error) {
    if (!SparseViTError.isInstance(error)) throw error;
    throw new SparseViTError(error.code, `--config ${quote(file)}: ${error.message}`, { cause: error });
  }
  const from = (path: string): string => resolve(dirname(file), path);
  const { model, data } = run;
  return {
    file,
    writtenData: data,
    run: {
      ...run,
      model: { ...model, ...(model.weights === undefined ? {} : { weights: from(model.weights) }) },
      data: {
        ...data,
        train: absoluteSource(data.train, from),
        ...(data.validation === undefined ? {} : { validation: absoluteSource(data.validation, from) }),
      },
      output: from(run.output),
    },
  };
}

/** What a `.json` holds, or a module exports. */
export async function readDocument(file: string): Promise<unknown> {
  const extension = extname(file).toLowerCase();
  if (extension === '.json') {
    const text = new TextDecoder().decode(await readInputFile(file, '--config'));
    return parseJson(text, `--config: expected JSON in ${quote(file)}`);
  }
  if (extension !== '.js' && extension !== '.mjs') {
    throw inputError(`--config: expected a name that ends with .json, .js or .mjs, got ${quote(file)}.`);
  }
  await checkInputFile(file, '--config');
  let loaded: { default?: unknown };
  try {
    loaded = (await import(/* @vite-ignore */ pathToFileURL(resolve(file)).href)) as { default?: unknown };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw inputError(`--config: expected a module in ${quote(file)}, got an error: ${reason}.`, { cause });
  }
  if (loaded.default !== undefined) return loaded.default;
  throw inputError(
    `--config: expected a default export in ${quote(file)}, got none. Write \`export default { ... }\`.`,
  );
}
