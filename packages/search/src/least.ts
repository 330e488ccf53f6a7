/** Where a cheap quantity is least: one gene at a time, from a few starts. Exact for a sum over stages, and nearly so for a latency. */

import type { Random } from '@sparsevit/windows';
import { drawUniformly } from '@sparsevit/windows';
import type { Genome, Levels } from './genome';
import { levelsOfDrawn, withGene } from './genome';

/** Sweeps over all genes from one start, at most. */
const mostSweeps = 20;
/** Starts beside the two corners of the space. */
const drawnStarts = 4;

/** Genes, and what the quantity is there. */
export interface Least {
  readonly levels: Levels;
  readonly value: number;
}

/**
 * Goes down from the corners and a few draws, gene after gene, as long as a sweep lowers the quantity.
 *
 * @param of the quantity
 * @param enough the search ends when the quantity is this small
 */
export function findLeast(
  genome: Genome,
  of: (levels: Levels) => number,
  random: Random,
  enough: number = Number.NEGATIVE_INFINITY,
): Least {
  const corner = (level: number): Levels => Array.from({ length: genome.genes }, () => level);
  const drawn = Array.from({ length: drawnStarts }, () => levelsOfDrawn(genome, drawUniformly(genome.space, random)));
  let least = descend(genome, of, corner(genome.levels - 1), enough);
  for (const start of [corner(0), ...drawn]) {
    if (least.value <= enough) break;
    const found = descend(genome, of, start, enough);
    if (found.value < least.value) least = found;
  }
  return least;
}

function descend(genome: Genome, of: (levels: Levels) => number, start: Levels, enough: number): Least {
  let least: Least = { levels: start, value: of(start) };
  for (let sweep = 0; sweep < mostSweeps && least.value > enough; sweep++) {
    const before = least.value;
    for (let gene = 0; gene < genome.genes; gene++) {
      const from = least.levels;
      for (let level = 0; level < genome.levels; level++) {
        if (from[gene] === level) continue;
        const levels = withGene(genome, from, gene, level);
        const value = of(levels);
        if (value < least.value) least = { levels, value };
      }
    }
    if (!(least.value < before)) break;
  }
  return least;
}
