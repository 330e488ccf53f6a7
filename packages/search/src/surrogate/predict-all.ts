/** A model's prediction for every allowed sparsity of an enumerated space: what the stages in front add up to is kept while the last one goes through its lists. */

import type { Enumeration } from '../enumeration';
import type { Genome, Levels } from '../genome';
import type { AdditiveEffects } from './basis';

/**
 * Predictions in the order of `places`; equal to `sumEffects` but for the order of sums.
 *
 * @param into at least as long as `places`; one that is used again saves making one
 */
export function predictAll(
  { effects, interactions, intercept, shares }: AdditiveEffects,
  { places, stageLists }: Enumeration,
  { genes, stageStarts }: Genome,
  into: Float64Array = new Float64Array(places.length),
): Float64Array {
  const last = stageLists.length - 1;
  const lastStart = stageStarts[last] ?? 0;
  const lastLists = stageLists[last] ?? [];
  const lastSums = lastLists.map((levels) => ownSum(levels, lastStart));
  const lastGenes = genes - lastStart;
  const lastShares = Float64Array.from(lastLists.flatMap((levels) => levels.map((level) => shares[level] ?? 0)));
  const factors = new Float64Array(lastGenes);
  const front: number[] = [];
  let frontPlace = -1;
  let frontSum = 0;

  /** Effects of some genes and the products among them. */
  function ownSum(levels: Levels, start: number): number {
    let sum = 0;
    for (let i = 0; i < levels.length; i++) {
      const level = levels[i] ?? 0;
      sum += effects[start + i]?.[level] ?? 0;
      const share = shares[level] ?? 0;
      for (let j = i + 1; j < levels.length; j++) {
        sum += (interactions[(start + i) * genes + start + j] ?? 0) * share * (shares[levels[j] ?? 0] ?? 0);
      }
    }
    return sum;
  }

  for (let at = 0; at < places.length; at++) {
    const place = places[at] ?? 0;
    const place0 = Math.floor(place / lastLists.length);
    if (place0 !== frontPlace) {
      frontPlace = place0;
      let left = place0;
      for (let stage = last - 1; stage >= 0; stage--) {
        const lists = stageLists[stage] ?? [];
        const list = lists[left % lists.length] ?? [];
        for (let i = 0; i < list.length; i++) front[(stageStarts[stage] ?? 0) + i] = list[i] ?? 0;
        left = Math.floor(left / lists.length);
      }
      frontSum = intercept + ownSum(front, 0);
      factors.fill(0);
      for (let gene = 0; gene < lastStart; gene++) {
        const share = shares[front[gene] ?? 0] ?? 0;
        for (let i = 0; i < lastGenes; i++) {
          factors[i] = (factors[i] ?? 0) + share * (interactions[gene * genes + lastStart + i] ?? 0);
        }
      }
    }
    const list = place - place0 * lastLists.length;
    let sum = frontSum + (lastSums[list] ?? 0);
    for (let i = 0; i < lastGenes; i++) sum += (factors[i] ?? 0) * (lastShares[list * lastGenes + i] ?? 0);
    into[at] = sum;
  }
  return into;
}
