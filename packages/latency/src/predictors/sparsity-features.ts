/**
 * What a sparsity looks like to a predictor: kept windows and a flag per pair of blocks, and the work that follows from them. Everything
 * is a sum over pairs of blocks, so that features of a new sparsity are a few additions of vectors that are already there.
 *
 * The work is counted by running the model's forward over shapes, once dense and once pruned: no second description of the model.
 */

import type { PrunedRatios, RatioSparsity } from '@sparsevit/windows';
import { ConfigError, keptWindows, maxPrunedRatio, stageChannels, stagePairs } from '@sparsevit/windows';
import { countCalls } from '../count-macs';
import type { WholeSubject } from './subject';

/** Which column of the features is what. */
export interface FeatureColumns {
  readonly count: number;
  /** Multiply-accumulates in all, in 10^9, by the fair accounting. */
  readonly macs: number;
  /** Kept windows per image, of each pair of blocks in order. */
  readonly kept: readonly number[];
  /** 1 for each pair that works on chosen windows; the last pair of a stage also says whether the stage scores its windows. */
  readonly pruned: readonly number[];
  /** See `physicalNames`. */
  readonly physical: readonly number[];
}

/**
 * The physical features: 10^9 multiply-accumulates of linear layers and of attention, 10^6 values normed, gathered and scattered, scored,
 * then calls: blocks that run, blocks that run on chosen windows, stages that score.
 */
export const physicalNames = [
  'linearGigamacs',
  'attentionGigamacs',
  'normedMegavalues',
  'movedMegavalues',
  'scoredMegavalues',
  'runningBlocks',
  'prunedBlocks',
  'scoringStages',
] as const;

type Work = Record<(typeof physicalNames)[number], number>;

/** Turns sparsities into features. */
export interface SparsityFeatures {
  readonly columns: FeatureColumns;
  /**
   * Writes the features of a sparsity.
   *
   * @throws ConfigError for another number of stages or pairs, ratios that fall inside a stage, or one out of [0, 0.95]
   */
  write(prunedRatios: PrunedRatios, features: Float64Array): void;
}

/** Work of one block: dense, and per window when pruned. */
interface BlockWork {
  readonly windowsPerImage: number;
  readonly dense: Work;
  readonly perKeptWindow: Work;
}

/** Vectors of ratios outside of the choices are kept too, up to this many per pair. */
const mostCached = 4096;

/** The features of a subject's sparsities. */
export function createSparsityFeatures(subject: WholeSubject): SparsityFeatures {
  const { architecture, sparsity, choices } = subject;
  const pairs = architecture.depths.flatMap((_, stage) =>
    Array.from({ length: stagePairs(architecture, stage) }, (_, pair) => ({ stage, pair })),
  );
  const columns = columnsOf(pairs.length);
  const { blocks, otherMacs } = countBlocks(subject);
  const { batch } = subject;
  const stageMaps = architecture.depths.map((_, stage) => blocks[stage]?.map ?? 0);

  const vectorOf = (index: number, ratio: number): Float64Array => {
    const { stage, pair } = pairs[index] ?? { stage: 0, pair: 0 };
    const vector = new Float64Array(columns.count);
    const own = blocks[stage]?.works.slice(2 * pair, 2 * pair + 2) ?? [];
    const windows = own[0]?.windowsPerImage ?? 0;
    const kept = ratio === 0 ? windows : keptWindows(windows, ratio, sparsity);
    const work: Work = { ...noWork };
    for (const { dense, perKeptWindow } of own) {
      for (const name of physicalNames) {
        work[name] += ratio === 0 ? dense[name] : kept === 0 ? 0 : perBlock(name, perKeptWindow[name], kept);
      }
    }
    if (ratio > 0 && pair === stagePairs(architecture, stage) - 1) {
      work.scoringStages = 1;
      work.scoredMegavalues = (batch * (stageMaps[stage] ?? 0) * stageChannels(architecture, stage)) / 1e6;
    }
    vector[columns.kept[index] ?? 0] = kept;
    vector[columns.pruned[index] ?? 0] = ratio > 0 ? 1 : 0;
    vector[columns.macs] = work.linearGigamacs + work.attentionGigamacs;
    physicalNames.forEach((name, i) => {
      vector[columns.physical[i] ?? 0] = work[name];
    });
    return vector;
  };

  const cache = pairs.map((_, index) => new Map(choices.map((ratio) => [ratio, vectorOf(index, ratio)])));
  const vectorAt = (index: number, ratio: number): Float64Array => {
    const own = cache[index];
    const known = own?.get(ratio);
    if (known !== undefined) return known;
    const vector = vectorOf(index, ratio);
    if (own !== undefined && own.size < mostCached) own.set(ratio, vector);
    return vector;
  };
  const stageSizes = architecture.depths.map((_, stage) => stagePairs(architecture, stage));

  return {
    columns,
    write(prunedRatios, features) {
      checkShape(prunedRatios, stageSizes.length);
      features.fill(0);
      features[columns.macs] = otherMacs / 1e9;
      let index = 0;
      for (let stage = 0; stage < stageSizes.length; stage++) {
        const ratios = prunedRatios[stage] ?? [];
        const size = stageSizes[stage] ?? 0;
        if (ratios.length !== size) refuseStage(stage, size, ratios);
        let previous = 0;
        for (let pair = 0; pair < size; pair++) {
          const ratio = ratios[pair] ?? Number.NaN;
          if (!(ratio >= previous && ratio <= maxPrunedRatio)) refuseRatio(stage, previous, ratio);
          previous = ratio;
          const vector = vectorAt(index++, ratio);
          for (let i = 0; i < vector.length; i++) features[i] = (features[i] ?? 0) + (vector[i] ?? 0);
        }
      }
    },
  };
}

function checkShape(prunedRatios: PrunedRatios, stages: number): void {
  if (!Array.isArray(prunedRatios) || prunedRatios.length !== stages) {
    const got = Array.isArray(prunedRatios) ? prunedRatios.length : typeof prunedRatios;
    throw new ConfigError(`predict: expected pruned ratios of ${stages} stages, got ${got}.`);
  }
}

function refuseStage(stage: number, size: number, ratios: readonly number[]): never {
  throw new ConfigError(`predict: expected ${size} ratios in stage ${stage}, got ${ratios.length}.`);
}

function refuseRatio(stage: number, previous: number, ratio: number): never {
  throw new ConfigError(
    `predict: expected ratios from ${previous} to ${maxPrunedRatio} that do not fall inside stage ${stage}, got ${ratio}.`,
  );
}

function columnsOf(pairs: number): FeatureColumns {
  const from = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i);
  const physical = from(1 + 2 * pairs, physicalNames.length);
  return {
    count: 1 + 2 * pairs + physical.length,
    macs: 0,
    kept: from(1, pairs),
    pruned: from(1 + pairs, pairs),
    physical,
  };
}

const noWork: Work = {
  linearGigamacs: 0,
  attentionGigamacs: 0,
  normedMegavalues: 0,
  movedMegavalues: 0,
  scoredMegavalues: 0,
  runningBlocks: 0,
  prunedBlocks: 0,
  scoringStages: 0,
};

/** Calls do not grow with the windows. */
const perBlock = (name: keyof Work, value: number, kept: number): number =>
  name === 'runningBlocks' || name === 'prunedBlocks' ? value : value * kept;

/** The work of every block, and the multiply-accumulates outside of blocks. */
function countBlocks(subject: WholeSubject): {
  blocks: { readonly map: number; readonly works: readonly BlockWork[] }[];
  otherMacs: number;
} {
  const { architecture, height, width, batch, rules, sparsity } = subject;
  // any ratio would do, as long as every block keeps a window
  const half: RatioSparsity = {
    ...sparsity,
    minKept: Math.max(1, sparsity.minKept),
    prunedRatios: architecture.depths.map((_, stage) => Array(stagePairs(architecture, stage)).fill(0.5)),
  };
  const run = (accounting: 'fair' | 'published', of: RatioSparsity | null) =>
    countCalls(architecture, { height, width, batch, rules, accounting, sparsity: of });
  const [dense, denseNorms] = [run('fair', null), run('published', null)];
  const [pruned, prunedNorms] = [run('fair', half), run('published', half)];

  /** Multiply-accumulates (or elements of norms) of the calls of a block. */
  const sumOf = ({ calls }: typeof dense, stage: number, block: number, parts: readonly string[]): number =>
    calls.reduce(
      (sum, call) => sum + (call.stage === stage && call.block === block && parts.includes(call.part) ? call.macs : 0),
      0,
    );
  const workOf = (macs: typeof dense, norms: typeof dense, stage: number, block: number, windows: number): Work => {
    const normed = sumOf(norms, stage, block, ['norm']) / 1e6 / windows;
    return {
      ...noWork,
      linearGigamacs: sumOf(macs, stage, block, ['qkv', 'projection', 'mlp']) / 1e9 / windows,
      attentionGigamacs: sumOf(macs, stage, block, ['attention']) / 1e9 / windows,
      normedMegavalues: normed,
      runningBlocks: 1,
    };
  };
  const blocks = architecture.depths.map((depth, stage) => {
    const works = Array.from({ length: depth }, (_, block): BlockWork => {
      const { grid, selection } = pruned.windows.find((one) => one.stage === stage && one.block === block) ?? {};
      const kept = selection?.kind === 'topk' ? selection.keptPerImage : 1;
      const perKeptWindow = workOf(pruned, prunedNorms, stage, block, kept);
      return {
        windowsPerImage: grid?.windowsPerImage ?? 0,
        dense: workOf(dense, denseNorms, stage, block, 1),
        // a row is read and written once around a block, and normed twice inside of it
        perKeptWindow: { ...perKeptWindow, movedMegavalues: perKeptWindow.normedMegavalues, prunedBlocks: 1 },
      };
    });
    const grid = dense.windows.find((one) => one.stage === stage)?.grid;
    return { map: (grid?.height ?? 0) * (grid?.width ?? 0), works };
  });
  const otherMacs = dense.calls.reduce((sum, { block, macs }) => sum + (block === null ? macs : 0), 0);
  return { blocks, otherMacs };
}
