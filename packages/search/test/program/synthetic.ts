/** A metric without a model: falls with every pruned window, more in early stages, with noise that the candidate's seed fixes. */

import { createRandom } from '@sparsevit/windows';
import type { Candidate } from '../../src/index';

export function syntheticAccuracy({ prunedRatios, seed }: Pick<Candidate, 'prunedRatios' | 'seed'>): number {
  const loss = prunedRatios.flatMap((ratios, stage) => ratios.map((ratio) => (4 - stage) * ratio ** 2));
  return 80 - loss.reduce((sum, part) => sum + part, 0) + 0.01 * createRandom(seed).normal();
}
