/** Order statistics and means: what noisy times are summed up with. */

/** An ascending copy. */
export function sorted(values: ArrayLike<number>): Float64Array {
  return Float64Array.from(values).sort();
}

/** The `share`-quantile of ascending values, between neighbours by the straight line; 0 for no values. */
export function quantileOfSorted(ascending: ArrayLike<number>, share: number): number {
  const at = Math.max(0, Math.min(1, share)) * (ascending.length - 1);
  const below = Math.floor(at);
  const low = ascending[below] ?? 0;
  const high = ascending[below + 1] ?? low;
  return low + (high - low) * (at - below);
}

/**
 * The value below which a share of the values lies, between neighbours by the straight line.
 *
 * @param share from 0 to 1
 * @throws RangeError for no values
 * @example
 * quantile([1, 2, 3, 4], 0.25); // 1.75
 */
export function quantile(values: ArrayLike<number>, share: number): number {
  if (values.length === 0) throw new RangeError('quantile: expected values, got none. Measure at least once.');
  return quantileOfSorted(sorted(values), share);
}

/**
 * The middle value; of an even number the mean of the two.
 *
 * @throws RangeError for no values
 * @example
 * median([3, 1, 100]); // 3
 */
export function median(values: ArrayLike<number>): number {
  return quantile(values, 0.5);
}

/**
 * True when the largest is at most a share above the smallest.
 *
 * @param tolerance the share: 0.05 is 5 %
 * @example
 * agree([100, 104, 102], 0.05); // true
 */
export function agree(values: readonly number[], tolerance: number): boolean {
  return Math.max(...values) <= Math.min(...values) * (1 + tolerance);
}

/** Standard deviations per median absolute value of a normal distribution: 1 / Phi^-1(3/4). */
const deviationsPerMedian = 1.4826;

/** A standard deviation about 0 that outliers do not move: 1.4826 * median |value|. */
export function robustDeviation(values: ArrayLike<number>): number {
  return deviationsPerMedian * quantileOfSorted(sorted(Float64Array.from(values, Math.abs)), 0.5);
}

/** The arithmetic mean; 0 for no values. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] ?? 0;
  return values.length === 0 ? 0 : sum / values.length;
}

/** sqrt(mean of squares); 0 for no values. */
export function rootMeanSquare(values: ArrayLike<number>): number {
  return Math.sqrt(mean(Float64Array.from(values, (value) => value * value)));
}
