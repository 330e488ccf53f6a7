/**
 * NSGA-II on genes: the whole front in one run. Tournaments of two choose parents, uniform crossover and integer steps make children, the
 * best by front and room survive. With one objective it is an elitist evolution.
 *
 * Reference: Deb, Pratap, Agarwal, Meyarivan, A fast and elitist multiobjective genetic algorithm: NSGA-II, 2002.
 */

import type { Random } from '@sparsevit/windows';
import type { Levels } from '../genome';
import { drawMask, takeWhere } from '../operators';
import { compareInTournament, survive } from '../pareto';
import { addTried, mutate } from './evolution';
import type { Member, Strategy } from './strategy';
import { compareMembers, gatherNew } from './strategy';

/** Numbers of NSGA-II. */
export interface Nsga2Preset {
  readonly kind: 'nsga2';
  /** Members that survive, and children of a generation. */
  readonly population: number;
  /** Probability that a child comes from two parents. */
  readonly crossoverProbability: number;
  /** Probability of each gene to mutate; null: one gene of a child on average. */
  readonly mutationProbability: number | null;
}

/** A member that survived. */
export interface Parent extends Member {
  readonly crowding: number;
}

/** Share of mutants whose genes are drawn anew instead of stepping. */
const resetShare = 0.2;
/** Tries per child; a repeat does not count. */
const triesPerChild = 10;

/** NSGA-II with these numbers. */
export function createNsga2({ population, crossoverProbability, mutationProbability }: Nsga2Preset): Strategy {
  let parents: readonly Parent[] = [];
  return {
    propose(proposing) {
      const { random, region } = proposing;
      const gathered = gatherNew(proposing);
      if (parents.length > 0) {
        const numbers = {
          crossoverProbability,
          mutationProbability: mutationProbability ?? 1 / region.genome.genes,
        };
        const draw = (): Levels => region.drawAllowed(() => child(parents, numbers, proposing), random);
        addTried(gathered, draw, population, triesPerChild * population);
      }
      while (gathered.levels.length < population && gathered.addDrawn());
      return gathered.levels;
    },
    learn(members) {
      parents = survivorsOf([...parents, ...members], population);
    },
  };
}

/** The complete ones that survive, each once. */
export function survivorsOf(members: readonly Member[], count: number): Parent[] {
  const distinct = [...new Map(members.map((member) => [member.id, member])).values()];
  const complete = distinct.filter(({ isComplete }) => isComplete).sort((a, b) => a.id - b.id);
  if ((complete[0]?.minimized.length ?? 0) === 1) {
    // one objective: fronts are values, and there is no room between them
    const best = complete.sort(compareMembers).slice(0, count);
    return best.map((member) => ({ ...member, crowding: 0 }));
  }
  return survive(complete, count).flatMap(({ member, crowding }) => {
    const survivor = complete[member];
    return survivor === undefined ? [] : [{ ...survivor, crowding }];
  });
}

/** A child of tournament winners; its genes need not rise inside stages. */
export function child(
  parents: readonly Parent[],
  numbers: { readonly crossoverProbability: number; readonly mutationProbability: number },
  {
    random,
    region: { genome },
  }: { readonly random: Random; readonly region: { readonly genome: Parameters<typeof mutate>[0] } },
): Levels {
  const winner = (): Levels => {
    const first = parents[random.integer(0, parents.length)];
    const second = parents[random.integer(0, parents.length)];
    if (first === undefined || second === undefined) return [];
    const order = compareInTournament(first, second) || (random.integer(0, 2) === 0 ? -1 : 1);
    return order < 0 ? first.levels : second.levels;
  };
  let levels = winner();
  if (random.uniform() < numbers.crossoverProbability) {
    levels = takeWhere(levels, winner(), drawMask(genome.genes, 0.5, random));
  }
  const mutation = random.uniform() < resetShare ? 'reset' : 'step';
  return mutate(genome, levels, { mutationProbability: numbers.mutationProbability, mutation }, random);
}
