/** Order statistics and a straight line: what noisy times are summed up with. */

import { median, quantile } from '@sparsevit/latency';

export { agree, median, quantile } from '@sparsevit/latency';

/** The middle half of some values, and their middle. */
export interface Spread {
  readonly median: number;
  readonly firstQuartile: number;
  readonly thirdQuartile: number;
}

/** The median and the quartiles; the distance of those is the IQR. */
export function spreadOf(values: readonly number[]): Spread {
  return {
    median: median(values),
    firstQuartile: quantile(values, 0.25),
    thirdQuartile: quantile(values, 0.75),
  };
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
