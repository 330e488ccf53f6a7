/** Whether the machine changed its speed while rows were measured: regime shifts in what a model leaves over. */

import { ConfigError } from '@sparsevit/windows';
import { mean } from '../statistics';
import type { ChangePointOptions, LevelSegment } from './change-points';
import { findLevels } from './change-points';

/** A change of speed that stays for a while. */
export interface RegimeShift {
  /** First row of the new regime, as an index into the residuals. */
  readonly row: number;
  /** How many times slower everything is from here on. */
  readonly ratio: number;
}

/** What residuals in measuring order show. */
export interface DriftReport {
  /** Correlation of neighbouring residuals; near 0 when rows do not depend on when they were measured. */
  readonly lag1Autocorrelation: number;
  /** Two-sided 99.9 % bound of that correlation for independent residuals: 3.29 / sqrt(rows). */
  readonly autocorrelationBound: number;
  readonly isAutocorrelated: boolean;
  /** Stretches of one speed; `level` is the logarithm of the time relative to what is predicted. */
  readonly segments: readonly LevelSegment[];
  /** Changes between segments of at least `leastShift`. */
  readonly shifts: readonly RegimeShift[];
}

/** When a change counts as a shift of regime. */
export interface DetectDriftOptions extends ChangePointOptions {
  /** Least change of speed, as a share; default 0.05. */
  readonly leastShift?: number;
}

/** Correlation of each value with the one before it; 0 for a series that does not vary. */
function lag1Autocorrelation(values: ArrayLike<number>): number {
  const average = mean(values);
  let [products, squares] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const here = (values[i] ?? 0) - average;
    squares += here * here;
    if (i > 0) products += here * ((values[i - 1] ?? 0) - average);
  }
  return squares === 0 ? 0 : products / squares;
}

/**
 * Looks for drift in residuals log(measured / predicted) that stand in the order of measuring. Rows must have been measured in random
 * order: where similar ones follow each other, what a model gets wrong looks like drift.
 *
 * @throws ConfigError for residuals that are not finite
 * @example
 * const { shifts } = detectDrift(rows.map(({ prunedRatios, ms }) => Math.log(ms / predictor.predictMs(prunedRatios))));
 */
export function detectDrift(logResiduals: ArrayLike<number>, options: DetectDriftOptions = {}): DriftReport {
  const { leastShift = 0.05, ...changePoints } = options;
  if (!(leastShift > 0)) throw new ConfigError(`detectDrift: expected a least shift above 0, got ${leastShift}.`);
  const segments = findLevels(logResiduals, changePoints);
  const autocorrelation = lag1Autocorrelation(logResiduals);
  const bound = 3.29 / Math.sqrt(Math.max(1, logResiduals.length));
  const shifts = segments.slice(1).flatMap(({ from, level }, i): RegimeShift[] => {
    const ratio = Math.exp(level - (segments[i]?.level ?? 0));
    return Math.abs(ratio - 1) >= leastShift ? [{ row: from, ratio }] : [];
  });
  return {
    lag1Autocorrelation: autocorrelation,
    autocorrelationBound: bound,
    isAutocorrelated: Math.abs(autocorrelation) > bound,
    segments,
    shifts,
  };
}
