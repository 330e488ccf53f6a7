/** How well the same sparsity can be measured twice: no predictor can be better than that. */

import type { LatencyRow } from '../latency-row';
import { median } from '../statistics';

/** Repeatability of rows, from their visits; outliers do not count. */
export interface NoiseFloor {
  /** Rows with at least two visits. */
  readonly rows: number;
  /** Relative standard deviation of a single visit, in percent. */
  readonly visitPercent: number;
  /** Relative standard deviation of a row, the median of its visits, in percent: the RMSPE of a perfect predictor. */
  readonly rowPercent: number;
}

/** The variance of the median of normal values as a share of theirs: 1 for one, 1/2 for two, pi / (2 n) for many; within 4 % of it. */
const medianVariance = (count: number): number => Math.PI / (2 * count + (count % 2 === 1 ? Math.PI - 2 : 2.5));

/**
 * The noise of rows whose visits are spread over the run: from differences between two visits of one row, by their median.
 *
 * @returns null when no row has two visits
 * @example
 * noiseFloorOf(rows)?.rowPercent; // 1.2
 */
export function noiseFloorOf(rows: readonly LatencyRow[]): NoiseFloor | null {
  const repeated = rows.flatMap(({ visitMs = [] }) => (visitMs.length >= 2 ? [visitMs] : []));
  if (repeated.length === 0) return null;
  const differences = repeated.flatMap((visits) => {
    const middle = median(visits);
    return visits.flatMap((ms, i) => visits.slice(i + 1).map((other) => Math.abs(ms - other) / middle));
  });
  const visit = (1.4826 * median(differences)) / Math.SQRT2;
  const shares = repeated.map(({ length }) => medianVariance(length));
  const row = visit * Math.sqrt(shares.reduce((sum, share) => sum + share, 0) / shares.length);
  return { rows: repeated.length, visitPercent: 100 * visit, rowPercent: 100 * row };
}
