/** Where predictions come from: a table that predictors are fitted to, or a predictor that was saved. */

import type { LatencyTable } from '@sparsevit/config';
import type { LatencyPredictor, NoiseFloor, PredictorScore } from '@sparsevit/latency';
import { choosePredictor, fingerprintKey, noiseFloorOf } from '@sparsevit/latency';
import { named, readTableOrPredictor } from './latency-documents';

/** A predictor, and what is known of how it was made. */
export interface PredictionSource {
  readonly file: string;
  readonly predictor: LatencyPredictor;
  /** What was fitted to; null for a saved predictor. */
  readonly table: LatencyTable | null;
  /** Of every kind, by cross-validation; none for a saved predictor. */
  readonly scores: readonly PredictorScore[];
  /** Of the table. */
  readonly noiseFloor: NoiseFloor | null;
}

/**
 * Reads a file and makes the predictor: of a table the kind that cross-validation chooses. The same file gives the same predictor.
 *
 * @throws SparseViTError for a file that holds neither, or a table of too few rows
 * @example
 * const { predictor } = await openPredictionSource('table.json', '--latency');
 */
export async function openPredictionSource(file: string, option: string): Promise<PredictionSource> {
  const read = await readTableOrPredictor(file, option);
  if ('predictor' in read) return { file, predictor: read.predictor, table: null, scores: [], noiseFloor: null };
  const { table } = read;
  const { architecture, rules: sparsity } = table.model;
  // a table does not say of which family the weights were; the features only have to rise and fall with the work
  const subject = { architecture, ...table.input, sparsity };
  const origin = fingerprintKey(table);
  const { predictor, scores } = named(file, option, () => choosePredictor(subject, table.rows, { origin }));
  return { file, predictor, table, scores, noiseFloor: noiseFloorOf(table.rows) };
}
