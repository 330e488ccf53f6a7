/** Order statistics: what noisy times are summed up with. */

/**
 * The value below which a share of the values lies, between neighbours by the straight line.
 *
 * @param share from 0 to 1
 * @throws RangeError for no values
 * @example
 * quantile([1, 2, 3, 4], 0.25); // 1.75
 */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new RangeError('quantile: expected values, got none. Measure at least once.');
  const sorted = [...values].sort((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (at - Math.floor(at)) * (above - below);
}

/**
 * The middle value; of an even number the mean of the two.
 *
 * @throws RangeError for no values
 * @example
 * median([3, 1, 100]); // 3
 */
export function median(values: readonly number[]): number {
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
