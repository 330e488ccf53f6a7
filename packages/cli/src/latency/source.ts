/** In what a predictor and a table differ, and whether one may judge the other. */

import type { LatencyTable } from '@sparsevit/config';
import { presetOf } from '@sparsevit/config/presets';
import { describeDifferences, differencesOf, fingerprintKey } from '@sparsevit/latency';
import type { PredictionSource } from '@sparsevit/pipeline/node';
import { inputError, quote } from '../errors';

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
