/**
 * Intervals from errors on rows that were left out. Source: cross-conformal prediction (Vovk 2015) with errors divided by a measure of
 * difficulty (Papadopoulos et al. 2002): for rows drawn alike, the share that falls inside is the level, whatever the model.
 */

import { ConfigError } from '@sparsevit/windows';
import { rootMeanSquare, sorted } from '../statistics';

/** An interval in logarithms of the ratio of measured to predicted, per unit of width. */
export interface IntervalDocument {
  /** Share of measurements that should fall inside. */
  readonly level: number;
  /** At most 0. */
  readonly low: number;
  /** At least 0. */
  readonly high: number;
}

/** Student's t, from the normal quantile z of the same tail, by Cornish and Fisher's expansion; within 1 % from 4 degrees of freedom on. */
function studentQuantile(z: number, freedom: number): number {
  const [z3, z5, z7] = [z ** 3, z ** 5, z ** 7];
  return (
    z +
    (z3 + z) / (4 * freedom) +
    (5 * z5 + 16 * z3 + 3 * z) / (96 * freedom ** 2) +
    (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * freedom ** 3)
  );
}

/** The standard normal quantile of an upper tail. Source: Hastings, in Abramowitz & Stegun 26.2.23; error below 4.5e-4. */
function normalQuantile(tail: number): number {
  const t = Math.sqrt(-2 * Math.log(tail));
  return (
    t - (2.515517 + 0.802853 * t + 0.010328 * t * t) / (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t * t * t)
  );
}

/**
 * The interval of errors on left-out rows: the k-th smallest and the k-th largest, k = floor((rows + 1) * (1 - level) / 2). With too few rows
 * for that the errors are taken to be normal, and never less than the largest.
 *
 * @param errors log(measured / predicted) of each row, divided by the width of its prediction
 */
export function intervalOf(errors: ArrayLike<number>, level: number): IntervalDocument {
  if (!(level > 0.5 && level < 1)) {
    throw new ConfigError(`interval: expected a level above 0.5 and below 1, got ${level}.`);
  }
  const rows = errors.length;
  const ascending = sorted(errors);
  const tail = (1 - level) / 2;
  const outside = Math.floor((rows + 1) * tail);
  if (outside >= 1) {
    return {
      level,
      low: Math.min(0, ascending[outside - 1] ?? 0),
      high: Math.max(0, ascending[rows - outside] ?? 0),
    };
  }
  const normal = studentQuantile(normalQuantile(tail), Math.max(2, rows - 1)) * rootMeanSquare(errors);
  return { level, low: Math.min(-normal, ascending[0] ?? 0), high: Math.max(normal, ascending.at(-1) ?? 0) };
}
