/** Problems that tests search through. */

import type { PrunedRatios, SparsitySpace } from '@sparsevit/windows';
import { createRandom, createSparsitySpace, everySparsity, publishedChoices } from '@sparsevit/windows';
import type { Candidate, EvaluationResult, Search, SearchOptions } from '../src/index';

/** The space of Swin-T. */
export const swinTSpace: SparsitySpace = { pairsPerStage: [1, 1, 3, 1], choices: publishedChoices };

/** 2,625 sparsities. */
export const smallSpace: SparsitySpace = { pairsPerStage: [1, 2, 3], choices: [0, 0.2, 0.4, 0.6, 0.8] };

/** Swin-S: too large to be looked at as a whole in a test. */
export const largeSpace: SparsitySpace = createSparsitySpace({
  embedDim: 96,
  depths: [2, 2, 18, 2],
  heads: [3, 6, 12, 24],
  window: 7,
  mlpRatio: 4,
  patchSize: 4,
});

export const seeds = (count: number): number[] => Array.from({ length: count }, (_, seed) => seed);

/** Points on a grid, so that some are equal. */
export function drawPoints(seed: number, count: number, objectives: number, grid: number): number[][] {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => Array.from({ length: objectives }, () => random.integer(0, grid)));
}

/** A metric that falls along every gene, faster for some than for others, and a latency that falls as well. */
export interface MadeUp {
  readonly space: SparsitySpace;
  accuracy(prunedRatios: PrunedRatios): number;
  latencyMs(prunedRatios: PrunedRatios): number;
}

export function madeUp(space: SparsitySpace, seed: number): MadeUp {
  const random = createRandom(seed);
  const perGene = space.pairsPerStage.map((pairs) =>
    Array.from({ length: pairs }, () => ({
      drop: 0.3 + 3 * random.uniform(),
      power: 1.2 + 2 * random.uniform(),
      ms: 1 + 4 * random.uniform(),
    })),
  );
  const sum = (
    prunedRatios: PrunedRatios,
    of: (gene: { drop: number; power: number; ms: number }, ratio: number) => number,
  ): number => {
    let total = 0;
    prunedRatios.forEach((ratios, stage) => {
      ratios.forEach((ratio, pair) => {
        const gene = perGene[stage]?.[pair];
        if (gene !== undefined) total += of(gene, ratio);
      });
    });
    return total;
  };
  return {
    space,
    accuracy: (at) => 40 - sum(at, ({ drop, power }, ratio) => drop * ratio ** power),
    latencyMs: (at) => 2 + sum(at, ({ ms }, ratio) => ms * (1 - ratio) + (ratio > 0 ? 0.05 : 0)),
  };
}

/** Latency of the dense model times a share. */
export function budgetOf({ space, latencyMs }: MadeUp, share: number): number {
  return share * latencyMs(space.pairsPerStage.map((pairs) => Array.from({ length: pairs }, () => 0)));
}

/** The best accuracy within a budget, by looking at everything. */
export function bestWithin({ space, accuracy, latencyMs }: MadeUp, budgetMs: number): number {
  let best = Number.NEGATIVE_INFINITY;
  for (const at of everySparsity(space)) if (latencyMs(at) <= budgetMs) best = Math.max(best, accuracy(at));
  return best;
}

/** Options of a search for accuracy within a latency. */
export function optionsOf(problem: MadeUp, share: number, options: Partial<SearchOptions> = {}): SearchOptions {
  return {
    space: problem.space,
    objectives: [{ name: 'accuracy', direction: 'maximize' }],
    constraints: [{ name: 'latencyMs', of: problem.latencyMs, atMost: budgetOf(problem, share) }],
    seed: 0,
    ...options,
  };
}

export const completeOf = (problem: MadeUp, { id, prunedRatios }: Candidate): EvaluationResult => ({
  id,
  state: 'complete',
  values: { accuracy: problem.accuracy(prunedRatios) },
});

/** Runs a search in this process, a generation at a time. */
export function finish(search: Search, problem: MadeUp): Search {
  while (search.hasNext()) {
    const asked = search.ask();
    if (asked.length === 0 && search.hasNext()) throw new Error('expected candidates, got none: some are out');
    search.tell(asked.map((candidate) => completeOf(problem, candidate)));
  }
  return search;
}
