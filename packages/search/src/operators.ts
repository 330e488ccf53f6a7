/**
 * The operators of evolution on genes. Randomness comes as masks and draws, so that what an operator does with them can be compared with
 * other implementations. None of them keeps genes in order; `sortInStages` does that afterwards.
 */

import type { Random } from '@sparsevit/windows';
import type { Levels } from './genome';

/** One truth per gene, each with the given probability. */
export function drawMask(genes: number, probability: number, random: Random): boolean[] {
  const mask: boolean[] = [];
  for (let gene = 0; gene < genes; gene++) mask.push(random.uniform() < probability);
  return mask;
}

/** Where the mask is set the gene is the other's. */
export function takeWhere(own: Levels, other: Levels, mask: readonly boolean[]): number[] {
  const taken: number[] = [];
  for (let gene = 0; gene < own.length; gene++) taken.push((mask[gene] === true ? other[gene] : own[gene]) ?? 0);
  return taken;
}

/**
 * Uniform crossover: where the mask is set the children have the gene of the other parent.
 *
 * Reference: Syswerda, Uniform crossover in genetic algorithms, 1989.
 */
export function uniformCrossover(
  first: Levels,
  second: Levels,
  mask: readonly boolean[],
): readonly [number[], number[]] {
  return [takeWhere(first, second, mask), takeWhere(second, first, mask)];
}

/** Adds steps to genes and keeps them among the choices. */
export function stepMutation(levels: Levels, steps: readonly number[], choices: number): number[] {
  return levels.map((level, gene) => Math.min(choices - 1, Math.max(0, level + (steps[gene] ?? 0))));
}

/** Steps of -2, -1, 1 or 2 for the genes that a mask sets, ones twice as likely as twos; 0 for the others. */
export function drawSteps(mask: readonly boolean[], random: Random): number[] {
  return mask.map((isSet) => {
    if (!isSet) return 0;
    const size = random.integer(0, 3) === 0 ? 2 : 1;
    return random.integer(0, 2) === 0 ? -size : size;
  });
}
