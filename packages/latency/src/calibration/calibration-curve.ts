/** How many rows a new device needs: errors of the moved predictor by the number of rows it was moved with. */

import { ConfigError } from '@sparsevit/windows';
import type { LatencyRow } from '../latency-row';
import { checkLatencyRows } from '../latency-row';
import type { LatencyPredictor } from '../predictors/predictor';
import type { ErrorReport } from '../quality/quality-report';
import { errorReport } from '../quality/quality-report';
import { calibratePredictor } from './calibrate';
import { spreadOut } from './reference-sparsities';

/** Errors after calibration with some rows, on all others. */
export interface CalibrationPoint extends ErrorReport {
  /** Rows that the predictor was moved with; 0: the source as it is. */
  readonly points: number;
}

/**
 * Errors with 0, 5, 10 and 20 references, each on the rows that none of them uses.
 *
 * @param rows rows of the new device, more than the largest number of points
 * @throws ConfigError when there are too few rows
 * @example
 * calibrationCurve(onLaptop, phoneRows).map(({ points, spearman, rmspePercent }) => [points, spearman, rmspePercent]);
 */
export function calibrationCurve(
  source: LatencyPredictor,
  rows: readonly LatencyRow[],
  { points = [5, 10, 20], seed = 0 }: { readonly points?: readonly number[]; readonly seed?: number } = {},
): CalibrationPoint[] {
  checkLatencyRows(rows, 'calibrationCurve');
  const most = Math.max(0, ...points);
  if (rows.length < most + 5) {
    throw new ConfigError(
      `calibrationCurve: expected at least ${most + 5} rows (the most points and five to judge by), got ${rows.length}.`,
    );
  }
  const candidates = rows.map(({ prunedRatios }) => prunedRatios);
  const predicted = candidates.map((prunedRatios) => source.predictMs(prunedRatios));
  const chosen = points.map((count) => spreadOut(candidates, predicted, { count, seed }));
  const used = new Set(chosen.flat());
  const judged = rows.filter((_, row) => !used.has(row));
  const errorsOf = (predictor: LatencyPredictor): ErrorReport =>
    errorReport(
      judged.map(({ ms }) => ms),
      judged.map(({ prunedRatios }) => predictor.predictMs(prunedRatios)),
    );
  return [
    { points: 0, ...errorsOf(source) },
    ...chosen.map((references) => {
      const given = references.flatMap((row) => rows[row] ?? []);
      return { points: references.length, ...errorsOf(calibratePredictor(source, given, { seed })) };
    }),
  ];
}
