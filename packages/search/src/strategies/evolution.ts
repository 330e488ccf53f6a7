/**
 * Evolution towards one objective: the best of what was evaluated are parents; half of the next generation are mutants of them, half are
 * crossed from two. The published searches differ in numbers, in what is remembered, and in what a repeated sparsity does; see `presets`.
 */

import type { Random } from '@sparsevit/windows';
import { drawSorted } from '@sparsevit/windows';
import type { Genome, Levels } from '../genome';
import { levelsOfDrawn } from '../genome';
import { drawMask, drawSteps, stepMutation, takeWhere } from '../operators';
import type { Member, NewLevels, Proposing, Strategy } from './strategy';
import { compareMembers, gatherNew } from './strategy';

/** Numbers of an evolution. */
export interface EvolutionPreset {
  readonly kind: 'evolution';
  /** Members of the first generation. */
  readonly population: number;
  /** The best that the next generation comes from. */
  readonly parents: number;
  /** Members of a generation that are mutated from one parent. */
  readonly mutants: number;
  /** Members of a generation that are crossed from two parents. */
  readonly crossings: number;
  /** Probability of each gene to mutate. */
  readonly mutationProbability: number;
  /** A gene that mutates is drawn anew, or goes one or two choices up or down. */
  readonly mutation: 'reset' | 'step';
  /** Whether the two parents of a crossing may be the same. */
  readonly crossedParents: 'distinct' | 'any';
  /** Parents are the best of the last generation, or of all so far. */
  readonly parentsFrom: 'last-generation' | 'all-generations';
  /** A sparsity that was evaluated before enters the generation again, without evaluation, or is drawn again. */
  readonly repeats: 'enter' | 'skip';
  /** Draws of the first generation: sorted as in the published code, or uniform over the space. */
  readonly firstDraws: 'sorted' | 'uniform';
}

/** Tries per member that repeats do not count for; then the generation is filled with draws. */
const triesPerMember = 10;

/** An evolution with these numbers. */
export function createEvolution(preset: EvolutionPreset): Strategy {
  const { population, mutants, crossings } = preset;
  let parents: readonly Member[] = [];
  return {
    propose(proposing) {
      const { random, region } = proposing;
      if (parents.length === 0) {
        const draw = preset.firstDraws === 'sorted' ? region.drawSorted : region.drawUniformly;
        return fill(preset, proposing, [{ count: population, draw: () => draw(random) }]);
      }
      const pick = (): Levels => parents[random.integer(0, parents.length)]?.levels ?? [];
      const mutated = (): Levels => region.drawAllowed(() => mutate(region.genome, pick(), preset, random), random);
      const crossed = (): Levels => region.drawAllowed(() => cross(parents, preset, random), random);
      return fill(preset, proposing, [
        { count: mutants, draw: mutated },
        { count: crossings, draw: crossed },
      ]);
    },
    learn(members) {
      const from = preset.parentsFrom === 'all-generations' ? [...parents, ...members] : members;
      const distinct =
        preset.repeats === 'skip' ? [...new Map(from.map((member) => [member.id, member])).values()] : from;
      parents = distinct
        .filter(({ isComplete }) => isComplete)
        .sort(compareMembers)
        .slice(0, preset.parents);
    },
  };
}

function fill(
  { repeats }: EvolutionPreset,
  proposing: Proposing,
  kinds: readonly { readonly count: number; readonly draw: () => Levels }[],
): readonly Levels[] {
  if (repeats === 'enter') return kinds.flatMap(({ count, draw }) => Array.from({ length: count }, draw));
  const gathered = gatherNew(proposing);
  const whole = kinds.reduce((sum, { count }) => sum + count, 0);
  let wanted = 0;
  for (const { count, draw } of kinds) {
    wanted += count;
    addTried(gathered, draw, wanted, triesPerMember * count);
  }
  while (gathered.levels.length < whole && gathered.addDrawn());
  return gathered.levels;
}

/** Adds what is new of at most `tries` draws, until there are `wanted`. */
export function addTried(gathered: NewLevels, draw: () => Levels, wanted: number, tries: number): void {
  for (let i = 0; i < tries && gathered.levels.length < wanted; i++) gathered.add(draw());
}

/** A mutant of one parent; its genes need not rise inside stages. */
export function mutate(
  genome: Genome,
  parent: Levels,
  { mutationProbability, mutation }: Pick<EvolutionPreset, 'mutationProbability' | 'mutation'>,
  random: Random,
): Levels {
  const mask = drawMask(genome.genes, mutationProbability, random);
  if (mutation === 'step') return stepMutation(parent, drawSteps(mask, random), genome.levels);
  return takeWhere(parent, levelsOfDrawn(genome, drawSorted(genome.space, random)), mask);
}

function cross(parents: readonly Member[], { crossedParents }: EvolutionPreset, random: Random): Levels {
  const first = random.integer(0, parents.length);
  let second = random.integer(0, crossedParents === 'any' ? parents.length : Math.max(1, parents.length - 1));
  if (crossedParents === 'distinct' && parents.length > 1 && second >= first) second++;
  const levelsAt = (place: number): Levels => parents[place]?.levels ?? [];
  const mask = drawMask(levelsAt(first).length, 0.5, random);
  return takeWhere(levelsAt(first), levelsAt(second), mask);
}
