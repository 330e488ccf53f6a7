/**
 * A sparsity as the search varies it: one gene per pair of blocks, all stages in a row, each the place of its ratio among the choices. Genes
 * do not fall inside a stage.
 */

import type { PrunedRatios, SparsitySpace } from '@sparsevit/windows';
import { ConfigError, checkInSpace, maxPrunedRatio, sparsitySpaceSize } from '@sparsevit/windows';

/** Gene -> place of its ratio among the choices of the space. */
export type Levels = readonly number[];

/** The layout of the genes. */
export interface Genome {
  readonly space: SparsitySpace;
  /** Pairs of blocks in all. */
  readonly genes: number;
  /** Choices per gene. */
  readonly levels: number;
  /** The first gene of each stage, and behind them `genes`. */
  readonly stageStarts: readonly number[];
  /** The stage of each gene. */
  readonly stageOf: readonly number[];
  /** Sparsities in the space; beyond 2^53 no longer exact. */
  readonly size: number;
  /** The place of a ratio among the choices. */
  readonly levelOf: ReadonlyMap<number, number>;
}

/** Far above every Swin there is. */
const mostPairs = 512;

/**
 * The genome of a space.
 *
 * @throws ConfigError for a space without pairs, or with choices that do not rise or are out of range
 */
export function createGenome(space: SparsitySpace): Genome {
  const { pairsPerStage, choices } = space;
  const isCount = (pairs: unknown): boolean =>
    Number.isInteger(pairs) && Number(pairs) >= 0 && Number(pairs) <= mostPairs;
  if (!Array.isArray(pairsPerStage) || !pairsPerStage.every(isCount)) {
    throw new ConfigError(
      `search: expected pairsPerStage to be whole numbers of at most ${mostPairs}, got ${String(pairsPerStage)}. createSparsitySpace makes a space.`,
    );
  }
  const rises = (choice: unknown, i: number): boolean =>
    typeof choice === 'number' &&
    choice >= 0 &&
    choice <= maxPrunedRatio &&
    (i === 0 || choice > (choices[i - 1] ?? 0));
  if (!Array.isArray(choices) || choices.length === 0 || choices.length > 255 || !choices.every(rises)) {
    throw new ConfigError(
      `search: expected 1 to 255 rising choices from 0 to ${maxPrunedRatio}, got ${String(choices)}. createSparsitySpace makes a space.`,
    );
  }
  const stageStarts = [0];
  for (const pairs of pairsPerStage) stageStarts.push((stageStarts.at(-1) ?? 0) + pairs);
  const genes = stageStarts.at(-1) ?? 0;
  if (genes === 0) throw new ConfigError('search: expected a space with at least one pair of blocks, got none.');
  const stageOf = pairsPerStage.flatMap((pairs, stage) => Array.from({ length: pairs }, () => stage));
  return {
    space,
    genes,
    levels: choices.length,
    stageStarts,
    stageOf,
    size: sparsitySpaceSize(space),
    levelOf: new Map(choices.map((choice, level) => [choice, level])),
  };
}

/**
 * The genes of a sparsity.
 *
 * @throws ConfigError when it is not one of the space
 */
export function levelsOf(genome: Genome, prunedRatios: PrunedRatios): number[] {
  checkInSpace(genome.space, prunedRatios);
  return levelsOfDrawn(genome, prunedRatios);
}

/** The genes of a sparsity that is known to be one of the space, such as a draw. */
export function levelsOfDrawn({ levelOf }: Genome, prunedRatios: PrunedRatios): number[] {
  const levels: number[] = [];
  for (const ratios of prunedRatios) for (const ratio of ratios) levels.push(levelOf.get(ratio) ?? 0);
  return levels;
}

/** The sparsity that genes stand for. */
export function prunedRatiosOf({ space, stageStarts }: Genome, levels: Levels): PrunedRatios {
  const { pairsPerStage, choices } = space;
  const stages: number[][] = [];
  for (let stage = 0; stage < pairsPerStage.length; stage++) {
    const ratios: number[] = [];
    const end = stageStarts[stage + 1] ?? 0;
    for (let gene = stageStarts[stage] ?? 0; gene < end; gene++) ratios.push(choices[levels[gene] ?? 0] ?? 0);
    stages.push(ratios);
  }
  return stages;
}

/** A text that two lists of genes share exactly when they are the same. */
export const keyOf = (levels: Levels): string => levels.join();

/** Puts the genes of each stage in rising order: what crossover and mutation leave is made a sparsity of the space again. */
export function sortInStages({ stageOf }: Genome, levels: Levels): number[] {
  const sorted = [...levels];
  // by insertion: stages are short, and mostly in order
  for (let gene = 1; gene < sorted.length; gene++) {
    const level = sorted[gene] ?? 0;
    let at = gene;
    for (; at > 0 && stageOf[at - 1] === stageOf[gene] && (sorted[at - 1] ?? 0) > level; at--) {
      sorted[at] = sorted[at - 1] ?? 0;
    }
    sorted[at] = level;
  }
  return sorted;
}

/** Sets one gene; others of its stage follow as far as they have to, so that genes do not fall. */
export function withGene({ stageStarts, stageOf }: Genome, levels: Levels, gene: number, level: number): number[] {
  const stage = stageOf[gene] ?? 0;
  const changed = [...levels];
  changed[gene] = level;
  for (let before = stageStarts[stage] ?? 0; before < gene; before++) {
    changed[before] = Math.min(changed[before] ?? 0, level);
  }
  for (let after = gene + 1; after < (stageStarts[stage + 1] ?? 0); after++) {
    changed[after] = Math.max(changed[after] ?? 0, level);
  }
  return changed;
}
