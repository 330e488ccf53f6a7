/** A case that is ready to run. */

import type { CaseSpec } from './cases';
import type { Measurable } from './measure';

/** A case with everything it needs; `dispose` it when its size is done. */
export interface Runnable extends Measurable {
  readonly spec: CaseSpec;
  /** Runs once and looks at the result: its shape and the mean of its magnitude. */
  check(): Promise<CheckedOutput>;
  dispose(): Promise<void>;
}

/** What a run gave. */
export interface CheckedOutput {
  readonly shape: readonly number[];
  readonly meanMagnitude: number;
}

/** Says what is wrong with a bench's surroundings in one line. */
export class BenchError extends Error {
  override readonly name = 'BenchError';
}

/**
 * Sums up the values of a result.
 *
 * @throws BenchError when one is not finite: a time of a wrong result means nothing
 */
export function checkOutput(id: string, shape: readonly number[], values: ArrayLike<number>): CheckedOutput {
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += Math.abs(values[index] ?? Number.NaN);
  if (!Number.isFinite(sum)) {
    throw new BenchError(
      `${id}: expected finite values, got a NaN or an infinity. Its times would mean nothing; run the tests first.`,
    );
  }
  return { shape, meanMagnitude: sum / values.length };
}
