/** The part of the space that the computed constraints allow: what is in it, how to draw from it, how to get into it. */

import type { PrunedRatios, Random } from '@sparsevit/windows';
import { createRandom, drawSorted, drawUniformly } from '@sparsevit/windows';
import type { Enumeration } from './enumeration';
import { enumerate } from './enumeration';
import type { Genome, Levels } from './genome';
import { levelsOfDrawn, prunedRatiosOf, sortInStages, withGene } from './genome';
import { findAllowed } from './infeasible';
import type { Problem } from './problem';
import { violationOf } from './problem';

/** Draws that are tried for one candidate before one is repaired. */
export const mostDraws = 1000;
/** Sparsities up to which the allowed share is counted; beyond it is estimated from draws. */
const countedShare = 2 ** 18;
/** Draws by which the allowed share of a larger space is estimated. */
const shareDraws = 2000;

/** The allowed part of a space; never empty. */
export interface Region {
  readonly genome: Genome;
  readonly problem: Problem;
  /** True when the space is small enough to be looked at as a whole. */
  readonly isEnumerable: boolean;
  /** Everything that is allowed, found when first asked for; null for a space that is too large. */
  enumeration(): Enumeration | null;
  /** How far a sparsity is from what the computed constraints allow; 0 inside. */
  violation(levels: Levels): number;
  /** The sparsity that genes stand for. */
  prunedRatios(levels: Levels): PrunedRatios;
  /** Draws until one is allowed, at most `mostDraws` times; the last is then repaired. What is drawn need not rise inside stages. */
  drawAllowed(draw: () => Levels, random: Random): Levels;
  /** A draw in which each allowed sparsity is as likely as any other; in a large space of which next to nothing is allowed, a repaired draw. */
  drawUniformly(random: Random): Levels;
  /** A draw of the published code: independent choices, sorted inside stages. */
  drawSorted(random: Random): Levels;
  /** An allowed sparsity near by; one that is allowed stays as it is. */
  repair(levels: Levels, random: Random): Levels;
  /** The share of the space that is allowed: counted in a small space, else of draws. */
  share(): { readonly value: number; readonly isExact: boolean };
}

/**
 * The region of a problem.
 *
 * @param options `enumerateUpTo`: sparsities up to which a space is looked at as a whole
 * @throws InfeasibleBudgetError when nothing is allowed
 */
export function createRegion(
  genome: Genome,
  problem: Problem,
  options: { readonly seed: number; readonly enumerateUpTo: number },
): Region {
  const { seed, enumerateUpTo } = options;
  const isEnumerable = genome.size <= enumerateUpTo;
  const bounded = problem.constraints.filter(({ name }) => problem.filtered.includes(name));
  const violationAt = (prunedRatios: PrunedRatios): number => {
    let sum = 0;
    for (const constraint of bounded) sum += violationOf(constraint, problem.compute(constraint.name, prunedRatios));
    return sum;
  };
  const violation = (levels: Levels): number =>
    bounded.length === 0 ? 0 : violationAt(prunedRatiosOf(genome, levels));
  const known = findAllowed(genome, problem, { seed, isEnumerable });
  let enumeration: Enumeration | null = null;
  const reject = (draw: () => Levels): { levels: Levels; isAllowed: boolean } => {
    let levels: Levels = [];
    for (let tries = 0; tries < mostDraws; tries++) {
      levels = sortInStages(genome, draw());
      if (violation(levels) <= 0) return { levels, isAllowed: true };
    }
    return { levels, isAllowed: false };
  };
  const region: Region = {
    genome,
    problem,
    isEnumerable,
    violation,
    prunedRatios: (levels) => prunedRatiosOf(genome, levels),
    enumeration() {
      if (isEnumerable) enumeration ??= enumerate(genome, problem);
      return enumeration;
    },
    drawAllowed(draw, random) {
      const { levels, isAllowed } = reject(draw);
      return isAllowed ? levels : region.repair(levels, random);
    },
    drawUniformly(random) {
      const { levels, isAllowed } = reject(() => levelsOfDrawn(genome, drawUniformly(genome.space, random)));
      if (isAllowed) return levels;
      const all = region.enumeration();
      if (all === null) return region.repair(levels, random);
      return all.levelsAt(all.places[random.integer(0, all.places.length)] ?? 0);
    },
    drawSorted: (random) => region.drawAllowed(() => levelsOfDrawn(genome, drawSorted(genome.space, random)), random),
    repair: (levels, random) => repairBySteps(genome, violation, levels, random) ?? known,
    share() {
      if (bounded.length === 0) return { value: 1, isExact: true };
      const all = genome.size <= countedShare ? region.enumeration() : null;
      if (all !== null) return { value: all.places.length / genome.size, isExact: true };
      const random = createRandom(seed);
      let inside = 0;
      for (let i = 0; i < shareDraws; i++) if (violationAt(drawUniformly(genome.space, random)) <= 0) inside++;
      return { value: inside / shareDraws, isExact: false };
    },
  };
  return region;
}

/** Takes steps of one gene by one choice that lower the violation, drawn among those that do; null where there are none. */
function repairBySteps(
  genome: Genome,
  violation: (levels: Levels) => number,
  start: Levels,
  random: Random,
): Levels | null {
  let levels = start;
  let value = violation(start);
  for (let steps = 0; steps < genome.genes * genome.levels && value > 0; steps++) {
    const lower: { readonly levels: Levels; readonly value: number }[] = [];
    for (let gene = 0; gene < genome.genes; gene++) {
      for (const step of [-1, 1]) {
        const level = (levels[gene] ?? 0) + step;
        if (level < 0 || level >= genome.levels) continue;
        const changed = withGene(genome, levels, gene, level);
        const changedValue = violation(changed);
        if (changedValue < value) lower.push({ levels: changed, value: changedValue });
      }
    }
    const chosen = lower[random.integer(0, Math.max(1, lower.length))];
    if (chosen === undefined) return null;
    ({ levels, value } = chosen);
  }
  return value > 0 ? null : levels;
}
