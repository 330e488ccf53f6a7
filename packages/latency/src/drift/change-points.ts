/**
 * Where the level of a series changes. Source: PELT, Killick, Fearnhead & Eckley (2012): of all ways to cut the series, the one of the least
 * sum of squared distances from the mean of each segment plus a penalty per segment.
 */

import { ConfigError } from '@sparsevit/windows';
import { median } from '../statistics';

/** Neighbouring values of one level. */
export interface LevelSegment {
  /** First index. */
  readonly from: number;
  /** Index after the last. */
  readonly to: number;
  /** Median of the values. */
  readonly level: number;
}

/** How readily a series is cut. */
export interface ChangePointOptions {
  /** Values that a segment has at least; default 12, more than outliers come one after another. */
  readonly leastLength?: number;
  /** A cut has to lower the sum by `penalty * variance * log(length)`; default 4. Raise it for fewer cuts. */
  readonly penalty?: number;
}

/** Values farther than this many deviations from the levels on both sides of them are outliers, and count as lying there. */
const clippedDeviations = 2;

/** The standard deviation of the noise about levels that stay: robust, from differences of neighbours. */
function noiseDeviation(values: ArrayLike<number>): number {
  const differences = Float64Array.from({ length: Math.max(0, values.length - 1) }, (_, i) =>
    Math.abs((values[i + 1] ?? 0) - (values[i] ?? 0)),
  );
  return (1.4826 * median(differences)) / Math.SQRT2;
}

/** Values without outliers: none is farther than two deviations from the median of those up to it, or of those from it on. */
function withoutOutliers(values: ArrayLike<number>, deviation: number, reach: number): Float64Array {
  const all = Float64Array.from(values);
  const limit = clippedDeviations * deviation;
  const clip = (value: number, level: number): number => Math.max(level - limit, Math.min(level + limit, value));
  return all.map((value, i) => {
    const before = clip(value, median(all.subarray(Math.max(0, i - reach), i + 1)));
    const after = clip(value, median(all.subarray(i, i + reach + 1)));
    return Math.abs(before - value) < Math.abs(after - value) ? before : after;
  });
}

/**
 * Cuts a series into segments of one level each; outliers do not make a segment.
 *
 * @throws ConfigError for a value that is not finite, or settings that cannot be
 * @example
 * findLevels([0, 0, 0, 0, 0.2, 0.2, 0.2, 0.2], { leastLength: 3 }).map(({ from }) => from); // [0, 4]
 */
export function findLevels(values: ArrayLike<number>, options: ChangePointOptions = {}): LevelSegment[] {
  const { leastLength = 12, penalty = 4 } = options;
  if (!Number.isInteger(leastLength) || leastLength < 1) {
    throw new ConfigError(`findLevels: expected a least length of at least 1, got ${leastLength}.`);
  }
  if (!(penalty > 0)) throw new ConfigError(`findLevels: expected a penalty above 0, got ${penalty}.`);
  const { length } = values;
  if (length === 0) return [];
  for (let i = 0; i < length; i++) {
    if (!Number.isFinite(values[i])) throw new ConfigError(`findLevels: expected finite values, got ${values[i]}.`);
  }
  const deviation = noiseDeviation(values);
  const clipped = withoutOutliers(values, deviation, leastLength);
  const sums = new Float64Array(length + 1);
  const squares = new Float64Array(length + 1);
  clipped.forEach((value, i) => {
    sums[i + 1] = (sums[i] ?? 0) + value;
    squares[i + 1] = (squares[i] ?? 0) + value * value;
  });
  const costOf = (from: number, to: number): number => {
    const sum = (sums[to] ?? 0) - (sums[from] ?? 0);
    return (squares[to] ?? 0) - (squares[from] ?? 0) - (sum * sum) / (to - from);
  };
  const price = Math.max(penalty * deviation ** 2 * Math.log(Math.max(length, 2)), 1e-12);
  const best = new Float64Array(length + 1).fill(Number.POSITIVE_INFINITY);
  const previous = new Int32Array(length + 1);
  best[0] = -price;
  let starts = [0];
  for (let to = leastLength; to <= length; to++) {
    for (const from of starts) {
      const total = (best[from] ?? 0) + costOf(from, to) + price;
      if (total < (best[to] ?? 0)) [best[to], previous[to]] = [total, from];
    }
    // a start that is already worse by more than a cut can never be a last cut again
    starts = starts.filter((from) => (best[from] ?? 0) + costOf(from, to) <= (best[to] ?? 0));
    const next = to + 1 - leastLength;
    if (next >= leastLength) starts.push(next);
  }
  const segments: LevelSegment[] = [];
  // a series shorter than the least length is one segment
  for (let to = length; to > 0; ) {
    const from = length < leastLength ? 0 : (previous[to] ?? 0);
    const level = median(Float64Array.from({ length: to - from }, (_, i) => values[from + i] ?? 0));
    segments.unshift({ from, to, level });
    to = from;
  }
  return segments;
}
