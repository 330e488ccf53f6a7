/** Which sparsities are measured: those to fit a predictor to, or a hold-out that it never sees. */

import type { SamplingPlan } from '@sparsevit/latency';
import { createSamplingPlan } from '@sparsevit/latency';
import type { PrunedRatios, SparsitySpace } from '@sparsevit/windows';
import { sparsitySpaceSize } from '@sparsevit/windows';
import { inputError } from './errors';

/** A plan always keeps so many apart, however many are measured: what is fitted never depends on the hold-out. */
export const mostHeldOut = 100;

/**
 * The sparsities of one call: `configs` to fit a predictor to, or the first `holdOut` of those that the same seed and number of `configs` keep apart.
 *
 * @param space all that may be drawn
 * @param counts `holdOut`: null for those to fit
 * @throws SparseViTError for more than the space has
 */
export function planSamples(
  space: SparsitySpace,
  { configs, holdOut, seed }: { configs: number; holdOut: number | null; seed: number },
): SamplingPlan['fit'] {
  const size = sparsitySpaceSize(space);
  const most = Math.floor(size / 2);
  if (configs > most) {
    throw inputError(`configs: expected at most ${most} of the ${size} sparsities of this model, got ${configs}.`);
  }
  const kept = Math.min(mostHeldOut, most - configs);
  if (holdOut !== null && holdOut > kept) {
    throw inputError(
      `hold-out: expected at most ${kept} of the ${size} sparsities of this model beside ${configs} to fit, got ${holdOut}. Lower one of them.`,
    );
  }
  const plan = createSamplingPlan(space, { seed, fit: configs, holdOut: kept });
  const samples: readonly PrunedRatios[] = holdOut === null ? plan.fit : plan.holdOut.slice(0, holdOut);
  return samples;
}
