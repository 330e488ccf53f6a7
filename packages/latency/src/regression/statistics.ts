/** Medians, quantiles and spreads that outliers do not move. */

/** Ascending copy. */
export function sorted(values: ArrayLike<number>): Float64Array {
  return Float64Array.from(values).sort();
}

/** The `share`-quantile of ascending values, interpolated between neighbours; 0 for no values. */
export function quantileOfSorted(ascending: ArrayLike<number>, share: number): number {
  const at = Math.max(0, Math.min(1, share)) * (ascending.length - 1);
  const below = Math.floor(at);
  const low = ascending[below] ?? 0;
  const high = ascending[below + 1] ?? low;
  return low + (high - low) * (at - below);
}

/** The middle value; the mean of the two middle ones of an even number; 0 for none. */
export function median(values: ArrayLike<number>): number {
  return quantileOfSorted(sorted(values), 0.5);
}

/** Standard deviations per median absolute value of a normal distribution: 1 / Phi^-1(3/4). */
const deviationsPerMedian = 1.4826;

/** A standard deviation about 0 that outliers do not move: 1.4826 * median |value|. */
export function robustDeviation(values: ArrayLike<number>): number {
  return deviationsPerMedian * median(Float64Array.from(values, Math.abs));
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

/** A shuffled list of 0 .. count - 1 (Fisher-Yates). */
export function shuffledOrder(count: number, random: { integer(low: number, high: number): number }): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const other = random.integer(0, i + 1);
    [order[i], order[other]] = [order[other] ?? 0, order[i] ?? 0];
  }
  return order;
}
