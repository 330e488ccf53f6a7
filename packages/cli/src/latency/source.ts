/** Where predictions come from: a table that predictors are fitted to, or a predictor that was saved. */

import type { LatencyTable } from '@sparsevit/config';
import type { LatencyPredictor, NoiseFloor, PredictorScore } from '@sparsevit/latency';
import { choosePredictor, describeDifferences, differencesOf, fingerprintKey, noiseFloorOf } from '@sparsevit/latency';
import { inputError, quote } from '../errors';
import { presetOf } from '../model';
import { named, readTableOrPredictor } from './documents';

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

/**
 * Makes sure that a table can judge a predictor: measured on the same device, model and input, and none of its rows fitted to.
 *
 * @throws SparseViTError naming the fields that differ
 */
export function checkHoldOut(source: PredictionSource, holdOut: LatencyTable, file: string): void {
  const differences = differencesFrom(source, holdOut);
  if (differences !== null) {
    throw inputError(
      `--hold-out: expected a table of the same device, model and input as ${quote(source.file)}, got ${quote(file)} of another: ${differences}. Measure one there, or move the predictor with \`sparsevit calibrate\`.`,
    );
  }
  if (source.table === null) return;
  const fitted = new Set(source.table.rows.map(({ prunedRatios }) => JSON.stringify(prunedRatios)));
  const shared = holdOut.rows.filter(({ prunedRatios }) => fitted.has(JSON.stringify(prunedRatios))).length;
  if (shared === 0) return;
  throw inputError(
    `--hold-out: expected rows that the predictor has not seen, got ${quote(file)} with ${shared} of ${holdOut.rows.length} that are in ${quote(source.file)}. Measure one with \`sparsevit profile --hold-out\`.`,
  );
}

/** In what a table's device, model or input differ from the source's, as text; null for nothing. */
export function differencesFrom({ predictor, table }: PredictionSource, other: LatencyTable): string | null {
  if (table !== null) {
    const differences = differencesOf(table, other);
    return differences.length === 0 ? null : describeDifferences(differences);
  }
  const key = fingerprintKey(other);
  if (predictor.origin === key) return null;
  const { architecture, batch, height, width } = predictor.subject;
  // a calibrated predictor has the subject that it was fitted to, which is the other side of its move
  const isFitted = predictor.kind !== 'calibrated';
  const { input, model } = other;
  const compared: [field: string, own: string, got: string][] = [
    ['model', nameOf(architecture), nameOf(model.architecture)],
    ['input', `${height}x${width}`, `${input.height}x${input.width}`],
    ['batch', `${batch}`, `${input.batch}`],
  ];
  const differing = isFitted ? compared.filter(([, own, got]) => own !== got) : [];
  if (differing.length > 0) return differing.map(([field, own, got]) => `${field} ${got}, not ${own}`).join('; ');
  return `key of device, model and input ${key}, not ${quote(predictor.origin)}`;
}

const nameOf = (architecture: LatencyTable['model']['architecture']): string =>
  presetOf(architecture) ?? JSON.stringify(architecture);
