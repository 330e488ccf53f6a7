/**
 * Least squares with bounds, on normal equations. Source: Lawson & Hanson, Solving Least Squares Problems (1974), algorithm NNLS, in the
 * form of Bro & de Jong (1997), which needs only the Gram matrix; here some coefficients may stay free of the bound.
 */

/** A pivot below this share of its diagonal belongs to a column that the others already make up; its coefficient stays 0. */
const leastPivot = 1e-13;

/** Solves the equations of the chosen unknowns by Cholesky's decomposition; all other unknowns are 0. */
function solveChosen(gram: Float64Array, right: Float64Array, chosen: readonly number[]): Float64Array {
  const unknowns = right.length;
  const size = chosen.length;
  const lower = new Float64Array(size * size);
  const isDropped = new Uint8Array(size);
  for (let i = 0; i < size; i++) {
    const row = (chosen[i] ?? 0) * unknowns;
    for (let j = 0; j <= i; j++) {
      let sum = gram[row + (chosen[j] ?? 0)] ?? 0;
      for (let k = 0; k < j; k++) sum -= (lower[i * size + k] ?? 0) * (lower[j * size + k] ?? 0);
      if (i !== j) lower[i * size + j] = isDropped[j] ? 0 : sum / (lower[j * size + j] ?? 1);
      else if (sum > leastPivot * (gram[row + (chosen[i] ?? 0)] ?? 0)) lower[i * size + i] = Math.sqrt(sum);
      else isDropped[i] = 1;
    }
  }
  const solved = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    let sum = right[chosen[i] ?? 0] ?? 0;
    for (let k = 0; k < i; k++) sum -= (lower[i * size + k] ?? 0) * (solved[k] ?? 0);
    solved[i] = isDropped[i] ? 0 : sum / (lower[i * size + i] ?? 1);
  }
  for (let i = size - 1; i >= 0; i--) {
    let sum = solved[i] ?? 0;
    for (let k = i + 1; k < size; k++) sum -= (lower[k * size + i] ?? 0) * (solved[k] ?? 0);
    solved[i] = isDropped[i] ? 0 : sum / (lower[i * size + i] ?? 1);
  }
  const all = new Float64Array(unknowns);
  chosen.forEach((unknown, i) => {
    all[unknown] = solved[i] ?? 0;
  });
  return all;
}

/**
 * Minimises x^T G x / 2 - x^T r over x with x_i >= 0 wherever `isBounded` says so.
 *
 * @param gram G, symmetric and not negative, [n * n]
 * @param right r, [n]
 * @param start a solution of a similar problem: where it is 0 the search begins with 0
 * @returns x, [n]
 * @example
 * solveBounded(Float64Array.of(2, 0, 0, 2), Float64Array.of(2, -2), [true, true]); // [1, 0]
 */
export function solveBounded(
  gram: Float64Array,
  right: Float64Array,
  isBounded: readonly boolean[],
  start?: Float64Array,
): Float64Array {
  const unknowns = right.length;
  const isFree = Uint8Array.from(isBounded, (bounded, i) => (!bounded || (start?.[i] ?? 0) > 0 ? 1 : 0));
  const chosen = (): number[] => [...isFree.keys()].filter((i) => isFree[i] === 1);
  let x: Float64Array = Float64Array.from(isBounded, (bounded, i) =>
    bounded ? Math.max(0, start?.[i] ?? 0) : (start?.[i] ?? 0),
  );

  /** Goes towards the solution of the free unknowns; those that reach their bound on the way are fixed there. */
  const settle = (): void => {
    for (;;) {
      const target = solveChosen(gram, right, chosen());
      let share = 1;
      let stopper = -1;
      for (let i = 0; i < unknowns; i++) {
        const [from, to] = [x[i] ?? 0, target[i] ?? 0];
        if (!isBounded[i] || isFree[i] === 0 || to > 0) continue;
        const reached = from > 0 ? from / (from - to) : 0;
        if (stopper < 0 || reached < share) [share, stopper] = [reached, i];
      }
      if (stopper < 0) {
        x = target;
        return;
      }
      for (let i = 0; i < unknowns; i++) x[i] = (x[i] ?? 0) + share * ((target[i] ?? 0) - (x[i] ?? 0));
      for (let i = 0; i < unknowns; i++) {
        if (!isBounded[i] || isFree[i] === 0 || (i !== stopper && (x[i] ?? 0) > 0)) continue;
        isFree[i] = 0;
        x[i] = 0;
      }
    }
  };

  settle();
  const scale = right.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  const refused = new Uint8Array(unknowns);
  // each round frees one unknown that would lower the sum; the bound on rounds only guards against rounding
  for (let round = 0; round < 10 * unknowns; round++) {
    let [steepest, candidate] = [1e-11 * scale, -1];
    for (let i = 0; i < unknowns; i++) {
      if (isFree[i] === 1 || refused[i] === 1) continue;
      let slope = right[i] ?? 0;
      for (let j = 0; j < unknowns; j++) slope -= (gram[i * unknowns + j] ?? 0) * (x[j] ?? 0);
      if (slope > steepest) [steepest, candidate] = [slope, i];
    }
    if (candidate < 0) break;
    isFree[candidate] = 1;
    settle();
    if (isFree[candidate] === 0) refused[candidate] = 1;
    else refused.fill(0);
  }
  return x;
}
