/** Which sparsities are measured. */

import type { PrunedRatios, SparsitySpace } from '@sparsevit/windows';
import { createRandom, drawUniformly, everySparsity, sparsitySpaceSize } from '@sparsevit/windows';

/**
 * The dense model, the sparsest one, and draws of the space between, each once; the whole space where it is not larger.
 *
 * @param count at least 2
 */
export function chooseConfigurations(space: SparsitySpace, count: number, seed: number): PrunedRatios[] {
  if (sparsitySpaceSize(space) <= count) return [...everySparsity(space)];
  const everywhere = (ratio: number): PrunedRatios =>
    space.pairsPerStage.map((pairs) => Array.from({ length: pairs }, () => ratio));
  const random = createRandom(seed);
  const chosen = new Map<string, PrunedRatios>();
  const add = (prunedRatios: PrunedRatios): void => void chosen.set(JSON.stringify(prunedRatios), prunedRatios);
  add(everywhere(space.choices[0] ?? 0));
  add(everywhere(space.choices.at(-1) ?? 0));
  while (chosen.size < count) add(drawUniformly(space, random));
  return [...chosen.values()];
}
