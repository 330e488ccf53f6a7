/** How alike two orders are: what a search needs of a predictor is often the order only. */

import { ConfigError } from '@sparsevit/windows';
import { mean } from '../statistics';

function checkPair(name: string, a: ArrayLike<number>, b: ArrayLike<number>): void {
  if (a.length !== b.length)
    throw new ConfigError(`${name}: expected lists of one length, got ${a.length}, ${b.length}.`);
  for (const list of [a, b]) {
    for (let i = 0; i < list.length; i++) {
      if (!Number.isFinite(list[i])) throw new ConfigError(`${name}: expected finite numbers, got ${list[i]} at ${i}.`);
    }
  }
}

/** Ranks from 1, ties at the mean of their ranks. */
function ranksOf(values: ArrayLike<number>): Float64Array {
  const order = Array.from(values, (_, i) => i).sort((i, j) => (values[i] ?? 0) - (values[j] ?? 0));
  const ranks = new Float64Array(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && values[order[to] ?? 0] === values[order[from] ?? 0]) to++;
    for (let i = from; i < to; i++) ranks[order[i] ?? 0] = (from + 1 + to) / 2;
    from = to;
  }
  return ranks;
}

/**
 * Spearman's rho: the correlation of ranks, ties at their mean rank. 0 where one list is all alike.
 *
 * @throws ConfigError for lists of two lengths, or numbers that are not finite
 * @example
 * spearman([1, 2, 3, 4], [10, 20, 40, 30]); // 0.8
 */
export function spearman(a: ArrayLike<number>, b: ArrayLike<number>): number {
  checkPair('spearman', a, b);
  const [x, y] = [ranksOf(a), ranksOf(b)];
  const [meanX, meanY] = [mean(x), mean(y)];
  let [products, squaresX, squaresY] = [0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    const [dx, dy] = [(x[i] ?? 0) - meanX, (y[i] ?? 0) - meanY];
    products += dx * dy;
    squaresX += dx * dx;
    squaresY += dy * dy;
  }
  const size = Math.sqrt(squaresX * squaresY);
  return size === 0 ? 0 : products / size;
}

/** Pairs among equals of an ascending list. */
function tiedPairs<T>(ascending: readonly T[], isEqual: (a: T, b: T) => boolean): number {
  let pairs = 0;
  let run = 1;
  for (let i = 1; i <= ascending.length; i++) {
    const [before, here] = [ascending[i - 1], ascending[i]];
    if (i < ascending.length && before !== undefined && here !== undefined && isEqual(before, here)) run++;
    else {
      pairs += (run * (run - 1)) / 2;
      run = 1;
    }
  }
  return pairs;
}

/** Sorts, and counts how many pairs stood the wrong way round. */
function sortCounting(values: Float64Array): number {
  if (values.length < 2) return 0;
  const middle = values.length >> 1;
  const [left, right] = [values.slice(0, middle), values.slice(middle)];
  let swaps = sortCounting(left) + sortCounting(right);
  let [i, j] = [0, 0];
  for (let at = 0; at < values.length; at++) {
    if (j >= right.length || (i < left.length && (left[i] ?? 0) <= (right[j] ?? 0))) values[at] = left[i++] ?? 0;
    else {
      swaps += left.length - i;
      values[at] = right[j++] ?? 0;
    }
  }
  return swaps;
}

/**
 * Kendall's tau-b: pairs in the same order less pairs in the opposite one, over the geometric mean of the pairs that are not tied in each
 * list. 0 where one list is all alike. Source: Knight's algorithm (1966), O(n log n).
 *
 * @throws ConfigError for lists of two lengths, or numbers that are not finite
 * @example
 * kendall([1, 2, 3, 4], [10, 20, 40, 30]); // 2/3
 */
export function kendall(a: ArrayLike<number>, b: ArrayLike<number>): number {
  checkPair('kendall', a, b);
  const points = Array.from(a, (x, i): readonly [number, number] => [x, b[i] ?? 0]);
  points.sort(([ax, ay], [bx, by]) => ax - bx || ay - by);
  const total = (points.length * (points.length - 1)) / 2;
  const tiedA = tiedPairs(points, ([x], [other]) => x === other);
  const tiedBoth = tiedPairs(points, ([x, y], [otherX, otherY]) => x === otherX && y === otherY);
  const second = Float64Array.from(points, ([, y]) => y);
  const discordant = sortCounting(second);
  const tiedB = tiedPairs([...second], (y, other) => y === other);
  const size = Math.sqrt(total - tiedA) * Math.sqrt(total - tiedB);
  return size === 0 ? 0 : (total - tiedA - tiedB + tiedBoth - 2 * discordant) / size;
}
