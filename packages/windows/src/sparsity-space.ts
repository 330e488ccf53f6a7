/**
 * The space that adaptation draws from, latencies are measured in and a search looks through: a choice per pair of blocks, not falling
 * inside a stage. Source: the published code's `tools/search.py`; for Swin-T and nine choices it holds 9^3 * C(11, 3) = 120,285 sparsities.
 */

import type { SwinArchitecture } from './architecture';
import { stagePairs } from './architecture';
import { ConfigError } from './errors';
import type { Random } from './random';
import { maxPrunedRatio } from './sparsity';

/** Shares of pruned windows, stage -> pair. */
export type PrunedRatios = readonly (readonly number[])[];

/** Which shares of pruned windows there are to choose from. */
export interface SparsitySpace {
  /** Pairs of blocks in each stage. */
  readonly pairsPerStage: readonly number[];
  /** The shares that a pair may leave out, rising. */
  readonly choices: readonly number[];
}

/** The choices of the published code. */
export const publishedChoices: readonly number[] = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8];

/**
 * The space of an architecture.
 *
 * @param choices shares in [0, 0.95], in any order; doubles are dropped
 * @throws ConfigError for no choice, or one out of range
 * @example
 * sparsitySpaceSize(createSparsitySpace(swinTiny)); // 120285
 */
export function createSparsitySpace(
  architecture: SwinArchitecture,
  choices: readonly number[] = publishedChoices,
): SparsitySpace {
  if (!Array.isArray(choices) || choices.length === 0) {
    throw new ConfigError('sparsity space: expected at least one choice, got none.');
  }
  for (const choice of choices) {
    if (typeof choice !== 'number' || !(choice >= 0 && choice <= maxPrunedRatio)) {
      throw new ConfigError(`sparsity space: expected choices from 0 to ${maxPrunedRatio}, got ${choice}.`);
    }
  }
  return {
    pairsPerStage: architecture.depths.map((_, stage) => stagePairs(architecture, stage)),
    choices: [...new Set(choices)].sort((a, b) => a - b),
  };
}

/** Ways to choose `pairs` of `choices` values that do not fall: C(choices + pairs - 1, pairs). */
function risingCount(choices: number, pairs: number): number {
  let count = 1;
  for (let i = 1; i <= pairs; i++) count = (count * (choices + i - 1)) / i;
  return Math.round(count);
}

/**
 * How many sparsities the space holds: the product over stages of C(choices + pairs - 1, pairs). Exact up to 2^53.
 *
 * @example
 * sparsitySpaceSize({ pairsPerStage: [1, 1, 3, 1], choices: publishedChoices }); // 120285
 */
export function sparsitySpaceSize({ pairsPerStage, choices }: SparsitySpace): number {
  return pairsPerStage.reduce((size, pairs) => size * risingCount(choices.length, pairs), 1);
}

/** The `index`-th of the rising lists of a stage, in lexicographic order. */
function risingAt(choices: readonly number[], pairs: number, index: number): number[] {
  const ratios: number[] = [];
  let left = index;
  let first = 0;
  for (let pair = 0; pair < pairs; pair++) {
    for (;;) {
      const behind = risingCount(choices.length - first, pairs - pair - 1);
      if (left < behind) break;
      left -= behind;
      first++;
    }
    ratios.push(choices[first] ?? Number.NaN);
  }
  return ratios;
}

/**
 * The sparsity at a place of the space, in lexicographic order: place 0 is the least sparsity everywhere, the last one the most.
 *
 * @throws ConfigError when the place is not a whole number in [0, size), or the space is too large to be counted exactly
 * @example
 * prunedRatiosAt(space, 0); // [[0], [0], [0, 0, 0], [0]]
 */
export function prunedRatiosAt(space: SparsitySpace, index: number): PrunedRatios {
  const size = countableSize(space);
  if (!Number.isInteger(index) || index < 0 || index >= size) {
    throw new ConfigError(`sparsity space: expected a place from 0 to ${size - 1}, got ${index}.`);
  }
  let left = index;
  const stages: number[][] = [];
  for (const pairs of [...space.pairsPerStage].reverse()) {
    const count = risingCount(space.choices.length, pairs);
    stages.unshift(risingAt(space.choices, pairs, left % count));
    left = Math.floor(left / count);
  }
  return stages;
}

/**
 * The place of a sparsity in the space: the inverse of `prunedRatiosAt`.
 *
 * @throws ConfigError when the sparsity is not one of the space, or the space is too large to be counted exactly
 * @example
 * placeOfPrunedRatios(space, prunedRatiosAt(space, 77)); // 77
 */
export function placeOfPrunedRatios(space: SparsitySpace, prunedRatios: PrunedRatios): number {
  countableSize(space);
  checkInSpace(space, prunedRatios);
  const { pairsPerStage, choices } = space;
  return pairsPerStage.reduce((place, pairs, stage) => {
    let inStage = 0;
    let first = 0;
    (prunedRatios[stage] ?? []).forEach((ratio, pair) => {
      const chosen = choices.indexOf(ratio);
      for (; first < chosen; first++) inStage += risingCount(choices.length - first, pairs - pair - 1);
    });
    return place * risingCount(choices.length, pairs) + inStage;
  }, 0);
}

/**
 * Checks that a sparsity is one of the space.
 *
 * @throws ConfigError naming the stage and the pair that are not
 * @example
 * checkInSpace(space, [[0.3], [0], [0.1, 0.2, 0.2], [0]]);
 */
export function checkInSpace({ pairsPerStage, choices }: SparsitySpace, prunedRatios: PrunedRatios): void {
  if (prunedRatios.length !== pairsPerStage.length) {
    throw new ConfigError(`sparsity space: expected ${pairsPerStage.length} stages, got ${prunedRatios.length}.`);
  }
  pairsPerStage.forEach((pairs, stage) => {
    const ratios = prunedRatios[stage] ?? [];
    if (ratios.length !== pairs) {
      throw new ConfigError(`sparsity space: expected ${pairs} ratios in stage ${stage}, got ${ratios.length}.`);
    }
    ratios.forEach((ratio, pair) => {
      if (!choices.includes(ratio)) {
        throw new ConfigError(
          `sparsity space: expected one of ${choices.join(', ')} for pair ${pair} of stage ${stage}, got ${ratio}.`,
        );
      }
      if (pair > 0 && ratio < (ratios[pair - 1] ?? 0)) {
        throw new ConfigError(`sparsity space: expected ratios that do not fall inside stage ${stage}, got ${ratios}.`);
      }
    });
  });
}

/**
 * All sparsities of the space, in the order of `prunedRatiosAt`.
 *
 * @example
 * for (const prunedRatios of everySparsity(space)) table.set(prunedRatios, predict(prunedRatios));
 */
export function* everySparsity(space: SparsitySpace): Generator<PrunedRatios, void, undefined> {
  const stages = space.pairsPerStage.map((pairs) =>
    Array.from({ length: risingCount(space.choices.length, pairs) }, (_, i) => risingAt(space.choices, pairs, i)),
  );
  const places = stages.map(() => 0);
  for (;;) {
    yield stages.map((lists, stage) => lists[places[stage] ?? 0] ?? []);
    let stage = stages.length - 1;
    for (; stage >= 0; stage--) {
      const next = (places[stage] ?? 0) + 1;
      if (next < (stages[stage]?.length ?? 0)) {
        places[stage] = next;
        break;
      }
      places[stage] = 0;
    }
    if (stage < 0) return;
  }
}

/**
 * A draw in which each sparsity of the space is as likely as any other.
 *
 * @example
 * drawUniformly(space, createRandom(7));
 */
export function drawUniformly({ pairsPerStage, choices }: SparsitySpace, random: Random): PrunedRatios {
  return pairsPerStage.map((pairs) => risingAt(choices, pairs, random.integer(0, risingCount(choices.length, pairs))));
}

/**
 * The draw of the published code: in each stage a choice per pair, independent and uniform, then sorted. It is not uniform over the
 * space: of a stage's lists those of one value repeated are the rarest.
 *
 * @example
 * drawSorted(space, createRandom(7));
 */
export function drawSorted({ pairsPerStage, choices }: SparsitySpace, random: Random): PrunedRatios {
  return pairsPerStage.map((pairs) =>
    Array.from({ length: pairs }, () => choices[random.integer(0, choices.length)] ?? 0).sort((a, b) => a - b),
  );
}

function countableSize(space: SparsitySpace): number {
  const size = sparsitySpaceSize(space);
  if (!(size <= Number.MAX_SAFE_INTEGER)) {
    throw new ConfigError(
      `sparsity space: expected at most 2^53 sparsities to number them, got about ${size}. Draw from it.`,
    );
  }
  return size;
}
