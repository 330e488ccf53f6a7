/** Tables of latencies and predictors, read from files as hostile input. */

import type { LatencyTable } from '@sparsevit/config';
import { parseLatencyTable } from '@sparsevit/config';
import type { LatencyPredictor } from '@sparsevit/latency';
import { predictorFromJSON } from '@sparsevit/latency';
import { SparseViTError } from '@sparsevit/windows';
import { inputError, quote } from './errors';
import { readJsonFile } from './json';

/** As many pixels as the decoder of photos takes. */
const maxPixels = 100_000_000;
/** Counting what a model does takes longer the more blocks it has. */
const mostBlocks = 256;

/**
 * Reads a table.
 *
 * @throws SparseViTError for a file that holds none, with its name
 */
export async function readLatencyTable(file: string, option: string): Promise<LatencyTable> {
  return tableOf(await readDocument(file, option), file, option);
}

/**
 * Reads a table or a predictor, whichever the file holds.
 *
 * @throws SparseViTError for a file that holds neither, with its name
 */
export async function readTableOrPredictor(
  file: string,
  option: string,
): Promise<{ readonly table: LatencyTable } | { readonly predictor: LatencyPredictor }> {
  const document = await readDocument(file, option);
  const isPredictor =
    typeof document === 'object' &&
    document !== null &&
    'format' in document &&
    document.format === 'sparsevit-latency-predictor';
  if (!isPredictor) return { table: tableOf(document, file, option) };
  return { predictor: named(file, option, () => predictorFromJSON(document)) };
}

function tableOf(document: unknown, file: string, option: string): LatencyTable {
  const table = named(file, option, () => parseLatencyTable(document));
  const { batch, height, width } = table.input;
  const blocks = table.model.architecture.depths.reduce((sum, depth) => sum + depth, 0);
  if (batch * height * width > maxPixels || blocks > mostBlocks) {
    throw inputError(
      `${option}: expected at most ${maxPixels} pixels and ${mostBlocks} blocks in ${quote(file)}, got ${batch} images of ${height}x${width} and ${blocks} blocks.`,
    );
  }
  return table;
}

async function readDocument(file: string, option: string): Promise<unknown> {
  return readJsonFile(file, option);
}

/** Does something with a file's content; what is wrong with it is said with the file's name. */
export function named<T>(file: string, option: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!SparseViTError.isInstance(error)) throw error;
    throw new SparseViTError(error.code, `${option} ${quote(file)}: ${error.message}`, { cause: error });
  }
}
