/** What to measure: sparsities to fit a predictor to, and others, fixed before anything is measured, to judge it by. */

import type { PrunedRatios, Random, SparsitySpace } from '@sparsevit/windows';
import { ConfigError, createRandom, drawUniformly, sparsitySpaceSize } from '@sparsevit/windows';

/** A plan as plain data; the same space, seed and counts give the same plan. */
export interface SamplingPlan {
  /** Dense and the most pruned first, then corners, then random ones in which every level of every pair appears; each once. */
  readonly fit: readonly PrunedRatios[];
  /** Never in `fit`, and never returned by `nextSamples`. Measure them in another run. */
  readonly holdOut: readonly PrunedRatios[];
}

/** How much to measure. */
export interface SamplingPlanOptions {
  readonly seed: number;
  /** Default 100. */
  readonly fit?: number;
  /** Default 30. */
  readonly holdOut?: number;
}

/** Corners are at most this share of what is fitted. */
const cornerShare = 0.25;

/** Sparsities that are there to have every level of every pair are at most this share. */
const levelShare = 0.25;
/** Rows that every level of every pair should have. */
const leastPerLevel = 2;

/** A sparsity as a name that only equals share. */
export const nameOf = (prunedRatios: PrunedRatios): string => JSON.stringify(prunedRatios);

/** Dense, all at the most, each stage alone at the most, each stage alone dense; without repetitions. */
function cornersOf({ pairsPerStage, choices }: SparsitySpace): PrunedRatios[] {
  const [least, most] = [choices[0] ?? 0, choices.at(-1) ?? 0];
  const corner = (isPruned: (stage: number) => boolean): PrunedRatios =>
    pairsPerStage.map((pairs, stage) => Array.from({ length: pairs }, () => (isPruned(stage) ? most : least)));
  const corners = [
    corner(() => false),
    corner(() => true),
    ...pairsPerStage.map((_, alone) => corner((stage) => stage === alone)),
    ...pairsPerStage.map((_, alone) => corner((stage) => stage !== alone)),
  ];
  return [...new Map(corners.map((one) => [nameOf(one), one])).values()];
}

/** Draws sparsities that were not drawn before. */
export function drawNew(space: SparsitySpace, count: number, taken: Set<string>, random: Random): PrunedRatios[] {
  const drawn: PrunedRatios[] = [];
  // a space that is nearly used up ends the search, not the program
  for (let tries = 0; drawn.length < count && tries < 1000 * count; tries++) {
    const next = drawUniformly(space, random);
    const name = nameOf(next);
    if (taken.has(name)) continue;
    taken.add(name);
    drawn.push(next);
  }
  return drawn;
}

/**
 * Draws in which levels appear that few sparsities have so far: in a stage of many pairs a uniform draw hardly ever prunes the first pair
 * as much as it can, or leaves the last one dense.
 */
function drawRareLevels(
  space: SparsitySpace,
  most: number,
  drawn: readonly PrunedRatios[],
  taken: Set<string>,
  random: Random,
): PrunedRatios[] {
  const all = [...drawn];
  const added: PrunedRatios[] = [];
  const levels = space.pairsPerStage.flatMap((pairs, stage) =>
    Array.from({ length: pairs }, (_, pair) => space.choices.map((ratio) => ({ stage, pair, ratio }))).flat(),
  );
  for (let wanted = 1; wanted <= leastPerLevel; wanted++) {
    for (const { stage, pair, ratio } of levels) {
      const rows = all.filter((one) => one[stage]?.[pair] === ratio).length;
      if (rows >= wanted || added.length >= most) continue;
      for (let tries = 0; tries < 100; tries++) {
        const next = drawUniformly(space, random).map((ratios, other) =>
          other !== stage
            ? ratios
            : ratios.map((own, i) => (i < pair ? Math.min(own, ratio) : i > pair ? Math.max(own, ratio) : ratio)),
        );
        if (taken.has(nameOf(next))) continue;
        taken.add(nameOf(next));
        all.push(next);
        added.push(next);
        break;
      }
    }
  }
  return added;
}

/**
 * A plan of what to measure. Random sparsities of the whole space tell more than changing one ratio at a time; dense, the most pruned and
 * corners are there so that nothing has to be extrapolated. The order says nothing: measure in random order.
 *
 * @throws ConfigError for counts that cannot be, or a space with fewer sparsities than twice the plan's
 * @example
 * const { fit, holdOut } = createSamplingPlan(createSparsitySpace(architecture), { seed: 1 });
 */
export function createSamplingPlan(
  space: SparsitySpace,
  { seed, fit = 100, holdOut = 30 }: SamplingPlanOptions,
): SamplingPlan {
  for (const [name, value, least] of [
    ['fit', fit, 10],
    ['holdOut', holdOut, 0],
  ] as const) {
    if (!Number.isInteger(value) || value < least) {
      throw new ConfigError(`sampling plan: expected ${name} to be an integer of at least ${least}, got ${value}.`);
    }
  }
  const size = sparsitySpaceSize(space);
  if (size < 2 * (fit + holdOut)) {
    throw new ConfigError(
      `sampling plan: expected at most ${Math.floor(size / 2)} sparsities from a space of ${size}, got ${fit + holdOut}.`,
    );
  }
  const corners = cornersOf(space).slice(0, Math.max(2, Math.floor(cornerShare * fit)));
  const taken = new Set(corners.map(nameOf));
  // the hold-out has a stream of its own: how much is fitted does not change it
  const held = drawNew(space, holdOut, taken, createRandom(seed ^ 0x401d));
  const random = createRandom(seed);
  const uniform = drawNew(space, fit - corners.length - Math.floor(levelShare * fit), taken, random);
  const rare = drawRareLevels(space, Math.floor(levelShare * fit), [...corners, ...uniform], taken, random);
  const rest = drawNew(space, fit - corners.length - uniform.length - rare.length, taken, random);
  return { fit: [...corners, ...uniform, ...rare, ...rest], holdOut: held };
}
