/** Measuring after a search, on a device that is elsewhere. */

import type { Candidate, Evaluator, Measure } from '@sparsevit/search';
import { ConfigError } from '@sparsevit/windows';

/** What `measureWith` takes. */
export interface MeasureWithOptions {
  /** The value of an evaluation that is the measurement, such as `latencyMs`. */
  readonly quantity: string;
  /** Other seeds are other measurements, which are not taken from those that Redis has. */
  readonly seed: number;
}

/**
 * An evaluator as what `measureTop` measures with. The n-th measurement of a sparsity is a job of its own, with the seed `seed + n`: without
 * that, the answer of the first would be taken for all.
 *
 * @throws ConfigError from its calls, when an evaluation gives no such value
 * @example
 * const device = await createDistributedEvaluator({ redis, subject, device: fingerprint });
 * await measureTop(result.history, measureWith(device.evaluate, { quantity: 'latencyMs', seed: 0 }), { ... });
 */
export function measureWith(evaluate: Evaluator, { quantity, seed }: MeasureWithOptions): Measure {
  const measured = new Map<string, number>();
  return async (prunedRatios, { signal = new AbortController().signal }) => {
    const sparsity = JSON.stringify(prunedRatios);
    const earlier = measured.get(sparsity) ?? 0;
    measured.set(sparsity, earlier + 1);
    const candidate: Candidate = { id: 0, generation: 0, prunedRatios, attempt: 1, seed: seed + earlier, subsets: [] };
    const { values } = await evaluate(candidate, { signal });
    const value = values?.[quantity];
    if (value === undefined) throw new ConfigError(`measureWith: expected an evaluation with ${quantity}, got none.`);
    return value;
  };
}
