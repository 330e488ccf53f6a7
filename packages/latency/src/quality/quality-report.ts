/** How good predictions are: errors, order, bias, honesty of intervals, budgets, next to the noise that no predictor can beat. */

import { ConfigError } from '@sparsevit/windows';
import type { LatencyRow } from '../latency-row';
import { checkLatencyRows } from '../latency-row';
import type { Prediction } from '../regression/regressor';
import { mean, rootMeanSquare } from '../statistics';
import type { BudgetQuality } from './budgets';
import { budgetQuality } from './budgets';
import type { NoiseFloor } from './noise-floor';
import { noiseFloorOf } from './noise-floor';
import { kendall, spearman } from './rank-correlation';

/** Errors of predictions p of measurements y. */
export interface ErrorReport {
  readonly rows: number;
  /** sqrt(mean (y - p)^2). */
  readonly rmseMs: number;
  /** 100 sqrt(mean ((y - p) / y)^2). */
  readonly rmspePercent: number;
  /** 100 mean |y - p| / y. */
  readonly mapePercent: number;
  /** Rows with |y - p| <= 0.05 y, in percent. */
  readonly within5Percent: number;
  /** Rows with |y - p| <= 0.1 y, in percent. */
  readonly within10Percent: number;
  /** Spearman's rho. */
  readonly spearman: number;
  /** Kendall's tau-b. */
  readonly kendall: number;
  /** 100 mean (p - y) / y: above 0 when predicted too slow. */
  readonly biasPercent: number;
  /** The largest |y - p| / y, in percent. */
  readonly largestErrorPercent: number;
}

/** Errors, and what they mean for a search. */
export interface QualityReport extends ErrorReport {
  /** Measurements inside their interval, in percent; null where predictions have none. */
  readonly coveragePercent: number | null;
  /** Rows whose prediction lies outside of what was fitted. */
  readonly extrapolating: number;
  /** From the visits of the rows; null when there is at most one per row. */
  readonly noiseFloor: NoiseFloor | null;
  /** RMSPE as a multiple of the noise of a row; null without a noise floor above 0. */
  readonly rmspePerNoise: number | null;
  readonly budgets: readonly BudgetQuality[];
}

/** What may be asked of a report beside errors. */
export interface QualityOptions {
  readonly budgetsMs?: readonly number[];
  /** How good each row is apart from its time, for the winner of a search at each budget. */
  readonly utility?: ArrayLike<number>;
  /** How many of the best a search measures again; default 10. */
  readonly topK?: number;
}

/**
 * Errors of predictions.
 *
 * @throws ConfigError for no rows, lists of two lengths, or times that are not above 0
 * @example
 * errorReport([10, 20], [11, 20]).mapePercent; // 5
 */
export function errorReport(measuredMs: ArrayLike<number>, predictedMs: ArrayLike<number>): ErrorReport {
  const rows = measuredMs.length;
  if (rows === 0 || predictedMs.length !== rows) {
    throw new ConfigError(
      `errorReport: expected as many predictions as measurements and at least one, got ${predictedMs.length} of ${rows}.`,
    );
  }
  const relative = new Float64Array(rows);
  const absolute = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const [measured, predicted] = [measuredMs[row] ?? 0, predictedMs[row] ?? 0];
    if (!(measured > 0 && predicted > 0 && Number.isFinite(measured) && Number.isFinite(predicted))) {
      throw new ConfigError(`errorReport: expected milliseconds above 0 in row ${row}, got ${measured}, ${predicted}.`);
    }
    absolute[row] = predicted - measured;
    relative[row] = predicted / measured - 1;
  }
  const sizes = relative.map(Math.abs);
  // 10.5 of 10 is within 5 %, whatever the last bit of the quotient says
  const within = (share: number): number => 100 * mean(sizes.map((size) => (size <= share * (1 + 1e-12) ? 1 : 0)));
  return {
    rows,
    rmseMs: rootMeanSquare(absolute),
    rmspePercent: 100 * rootMeanSquare(relative),
    mapePercent: 100 * mean(sizes),
    within5Percent: within(0.05),
    within10Percent: within(0.1),
    spearman: spearman(measuredMs, predictedMs),
    kendall: kendall(measuredMs, predictedMs),
    biasPercent: 100 * mean(relative),
    largestErrorPercent: 100 * Math.max(...sizes),
  };
}

/**
 * The report of predictions on rows that were used for nothing else: not to fit, not to choose, best measured in another run.
 *
 * @param predictions one per row: milliseconds, or with intervals
 * @throws ConfigError for no rows, or numbers that are none
 * @example
 * qualityReport(holdOut, holdOut.map(({ prunedRatios }) => predictor.predict(prunedRatios)), { budgetsMs: [25, 40] });
 */
export function qualityReport(
  rows: readonly LatencyRow[],
  predictions: readonly (number | Prediction)[],
  options: QualityOptions = {},
): QualityReport {
  checkLatencyRows(rows, 'qualityReport');
  const { budgetsMs = [], utility, topK } = options;
  const measuredMs = rows.map(({ ms }) => ms);
  const predictedMs = predictions.map((prediction) => (typeof prediction === 'number' ? prediction : prediction.ms));
  const errors = errorReport(measuredMs, predictedMs);
  if (utility !== undefined && utility.length !== rows.length) {
    throw new ConfigError(`qualityReport: expected one utility per row (${rows.length}), got ${utility.length}.`);
  }
  const intervals = predictions.flatMap((prediction, row) =>
    typeof prediction === 'number' ? [] : [{ ...prediction, measured: measuredMs[row] ?? 0 }],
  );
  const noiseFloor = noiseFloorOf(rows);
  return {
    ...errors,
    coveragePercent:
      intervals.length === rows.length
        ? 100 * mean(intervals.map(({ lo, hi, measured }) => (lo <= measured && measured <= hi ? 1 : 0)))
        : null,
    extrapolating: intervals.filter(({ extrapolating }) => extrapolating).length,
    noiseFloor,
    rmspePerNoise: noiseFloor && noiseFloor.rowPercent > 0 ? errors.rmspePercent / noiseFloor.rowPercent : null,
    budgets: budgetsMs.map((budget) => budgetQuality({ measuredMs, predictedMs, utility }, budget, topK)),
  };
}
