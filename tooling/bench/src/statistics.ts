/** Order statistics and a straight line: what noisy times are summed up with. */

/** The middle half of some values, and their middle. */
export interface Spread {
  readonly median: number;
  readonly firstQuartile: number;
  readonly thirdQuartile: number;
}

/**
 * The value below which a share of the values lies, between neighbours by the straight line.
 *
 * @param share from 0 to 1
 * @throws RangeError for no values
 */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new RangeError('quantile: expected values, got none. Measure at least once.');
  const sorted = [...values].sort((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (at - Math.floor(at)) * (above - below);
}

/** The middle value; of an even number the mean of the two. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The median and the quartiles; the distance of those is the IQR. */
export function spreadOf(values: readonly number[]): Spread {
  return {
    median: median(values),
    firstQuartile: quantile(values, 0.25),
    thirdQuartile: quantile(values, 0.75),
  };
}

/** True when the largest is at most `tolerance` above the smallest: 0.05 is 5 %. */
export function agree(values: readonly number[], tolerance: number): boolean {
  return Math.max(...values) <= Math.min(...values) * (1 + tolerance);
}

/** y = intercept + slope * x by least squares; null for fewer than two different x. */
export function fitLine(
  points: readonly { readonly x: number; readonly y: number }[],
): { readonly intercept: number; readonly slope: number } | null {
  const mean = (of: (point: { x: number; y: number }) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const meanX = mean(({ x }) => x);
  const meanY = mean(({ y }) => y);
  const variance = mean(({ x }) => (x - meanX) ** 2);
  if (!(variance > 0)) return null;
  const slope = mean(({ x, y }) => (x - meanX) * (y - meanY)) / variance;
  return { intercept: meanY - slope * meanX, slope };
}
