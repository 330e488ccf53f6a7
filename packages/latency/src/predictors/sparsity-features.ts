/**
 * What a sparsity looks like to a predictor: kept windows and a flag per pair of blocks, and the work that follows from them. Everything
 * is a sum over pairs of blocks, so that features of a new sparsity are a few additions.
 *
 * The work is counted by running the model's forward over shapes, once dense and once pruned: no second description of the model.
 */

import type { PrunedRatios, RatioSparsity } from '@sparsevit/windows';
import { ConfigError, keptWindows, maxPrunedRatio, stageChannels, stagePairs } from '@sparsevit/windows';
import { countCalls } from '../count-macs';
import type { CountedCall } from '../shape-ops';
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

/** What a pair of blocks adds to the features at one ratio. */
interface PairFeatures {
  readonly kept: number;
  readonly pruned: number;
  readonly macs: number;
  /** In the order of `physicalNames`. */
  readonly physical: Float64Array;
}

/** Ratios of a pair whose features are kept: all choices, and as many others as a program is likely to ask for again. */
const mostCached = 256;

/** The features of a subject's sparsities. */
export function createSparsityFeatures(subject: WholeSubject): SparsityFeatures {
  const { architecture, sparsity, batch } = subject;
  const stageSizes = architecture.depths.map((_, stage) => stagePairs(architecture, stage));
  const pairs = stageSizes.flatMap((size, stage) => Array.from({ length: size }, (_, pair) => ({ stage, pair })));
  const columns = columnsOf(pairs.length);
  const { stages, otherMacs } = countBlocks(subject);

  const featuresOf = (index: number, ratio: number): PairFeatures => {
    const { stage, pair } = pairs[index] ?? { stage: 0, pair: 0 };
    const own = stages[stage]?.blocks.slice(2 * pair, 2 * pair + 2) ?? [];
    const windows = own[0]?.windowsPerImage ?? 0;
    const kept = ratio === 0 ? windows : keptWindows(windows, ratio, sparsity);
    const work: Work = { ...noWork };
    for (const { dense, perKeptWindow } of own) {
      for (const name of physicalNames) {
        work[name] += ratio === 0 ? dense[name] : kept === 0 ? 0 : perBlock(name, perKeptWindow[name], kept);
      }
    }
    if (ratio > 0 && pair === (stageSizes[stage] ?? 0) - 1) {
      work.scoringStages = 1;
      work.scoredMegavalues = (batch * (stages[stage]?.tokens ?? 0) * stageChannels(architecture, stage)) / 1e6;
    }
    return {
      kept,
      pruned: ratio > 0 ? 1 : 0,
      macs: work.linearGigamacs + work.attentionGigamacs,
      physical: Float64Array.from(physicalNames, (name) => work[name]),
    };
  };

  const cache = pairs.map(() => new Map<number, PairFeatures>());
  const featuresAt = (index: number, ratio: number): PairFeatures => {
    const own = cache[index];
    const known = own?.get(ratio);
    if (known !== undefined) return known;
    const features = featuresOf(index, ratio);
    if (own !== undefined && own.size < mostCached) own.set(ratio, features);
    return features;
  };
  const firstPhysical = columns.physical[0] ?? 0;

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
          const { kept, pruned, macs, physical } = featuresAt(index, ratio);
          features[columns.kept[index] ?? 0] = kept;
          features[columns.pruned[index] ?? 0] = pruned;
          features[columns.macs] = (features[columns.macs] ?? 0) + macs;
          for (let i = 0; i < physical.length; i++) {
            features[firstPhysical + i] = (features[firstPhysical + i] ?? 0) + (physical[i] ?? 0);
          }
          index++;
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
  stages: { readonly tokens: number; readonly blocks: readonly BlockWork[] }[];
  otherMacs: number;
} {
  const { architecture, height, width, batch, rules, sparsity } = subject;
  // any ratio would do, as long as every block keeps a window
  const half: RatioSparsity = {
    ...sparsity,
    minKept: Math.max(1, sparsity.minKept),
    prunedRatios: architecture.depths.map((_, stage) => Array(stagePairs(architecture, stage)).fill(0.5)),
  };
  const run = (of: RatioSparsity | null) => {
    const options = { height, width, batch, rules, sparsity: of };
    const fair = countCalls(architecture, { ...options, accounting: 'fair' });
    return {
      ...fair,
      sums: sumsOf(fair.calls, countCalls(architecture, { ...options, accounting: 'published' }).calls),
    };
  };
  const [dense, pruned] = [run(null), run(half)];
  const workOf = ({ sums }: typeof dense, stage: number, block: number, windows: number): Work => {
    const { linear, attention, normed } = sums.get(`${stage}.${block}`) ?? noSums;
    return {
      ...noWork,
      linearGigamacs: linear / 1e9 / windows,
      attentionGigamacs: attention / 1e9 / windows,
      normedMegavalues: normed / 1e6 / windows,
      runningBlocks: 1,
    };
  };
  const windowsOf = new Map(pruned.windows.map((one) => [`${one.stage}.${one.block}`, one]));
  const stages = architecture.depths.map((depth, stage) => {
    const blocks = Array.from({ length: depth }, (_, block): BlockWork => {
      const { grid, selection } = windowsOf.get(`${stage}.${block}`) ?? {};
      const kept = selection?.kind === 'topk' ? selection.keptPerImage : 1;
      const perKeptWindow = workOf(pruned, stage, block, kept);
      return {
        windowsPerImage: grid?.windowsPerImage ?? 0,
        dense: workOf(dense, stage, block, 1),
        // a row is read and written once around a block, and normed twice inside of it
        perKeptWindow: { ...perKeptWindow, movedMegavalues: perKeptWindow.normedMegavalues, prunedBlocks: 1 },
      };
    });
    const grid = windowsOf.get(`${stage}.0`)?.grid;
    return { tokens: (grid?.height ?? 0) * (grid?.width ?? 0), blocks };
  });
  const otherMacs = dense.calls.reduce((sum, { block, macs }) => sum + (block === null ? macs : 0), 0);
  return { stages, otherMacs };
}

/** Multiply-accumulates of a block, and the values that its norms read. */
interface BlockSums {
  linear: number;
  attention: number;
  normed: number;
}

const noSums: Readonly<BlockSums> = { linear: 0, attention: 0, normed: 0 };

/** Sums of calls by block, `stage.block`: norms are counted by the published accounting only. */
function sumsOf(fair: readonly CountedCall[], published: readonly CountedCall[]): Map<string, BlockSums> {
  const sums = new Map<string, BlockSums>();
  const add = ({ stage, block, macs }: CountedCall, what: keyof BlockSums): void => {
    if (block === null) return;
    const name = `${stage}.${block}`;
    const own = sums.get(name) ?? { ...noSums };
    own[what] += macs;
    sums.set(name, own);
  };
  for (const call of fair) add(call, call.part === 'attention' ? 'attention' : 'linear');
  for (const call of published) if (call.part === 'norm') add(call, 'normed');
  return sums;
}
