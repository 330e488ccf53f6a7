/**
 * The forward of a sparse Swin: the only place where one is written down, over whatever `T` an implementation of `WindowOps` computes with.
 *
 * Inside a stage the importance of tokens is taken once, where the first pruned pair begins; each of the two grids (regular, shifted) is
 * ranked once from it, and later blocks take a prefix of their grid's ranking. Source: SparseViT (CVPR 2023) section 3 and its published code.
 */

import type {
  Selection,
  Sparsity,
  SwinArchitecture,
  SwinRules,
  WindowBatch,
  WindowGrid,
  WindowOps,
} from '@sparsevit/windows';
import { createWindowGrid, hasRatios, keptWindows, ShapeError, sparsityModes } from '@sparsevit/windows';
import type { BlockWeights, SwinWeights } from './weights';

/** Which windows a block worked on. */
export interface BlockWindows<T> {
  readonly stage: number;
  readonly block: number;
  readonly grid: WindowGrid;
  readonly selection: Selection<T>;
  /** Score of every window [B, windowsPerImage]; null where none was taken (a dense block, given windows). */
  readonly scores: T | null;
}

/** Drop-path factors of a block, one per image [B]: 0 drops the branch, 1 / keepProbability keeps it. */
export interface DropPathFactors {
  readonly attention: Float32Array;
  readonly mlp: Float32Array;
}

/** What a forward is asked for. */
export interface ForwardOptions {
  /** Default: dense. */
  readonly sparsity?: Sparsity | null;
  /** Stages whose output is wanted; default all. */
  readonly outputs?: readonly number[];
  /**
   * Window ids to use instead of ranking: stage -> block -> [B, k] ids, `null` for a dense block. They say nothing about pads: to repeat a
   * run of `official` mode give its sparsity too.
   */
  readonly kept?: readonly (readonly (Int32Array | null)[])[];
  /** Also return the windows of every block. */
  readonly wantsWindows?: boolean;
  /** Also return the importance of the tokens that enter each stage. */
  readonly wantsImportance?: boolean;
  /** Also return the classifier's logits, if there is one. */
  readonly wantsLogits?: boolean;
  /** Drop-path factors, stage -> block; only for training. */
  readonly dropPath?: readonly (readonly DropPathFactors[])[];
}

/** What a forward returns. */
export interface ForwardResult<T> {
  /** Per stage the map [B, h, w, C], normed where the weights have an output norm; null where it was not asked for. */
  readonly features: readonly (T | null)[];
  /** [B, classes]; null without a classifier or when not asked for. */
  readonly logits: T | null;
  /** In block order; empty when not asked for. */
  readonly windows: readonly BlockWindows<T>[];
  /**
   * The importance [B, h, w] of the input of each stage that ran, by the sparsity's score or else that of the clean mode, with a gradient. A stage
   * whose first pair is pruned is ranked by it. Empty when not asked for.
   */
  readonly importance: readonly T[];
}

/**
 * Runs a Swin: image [B, H, W, 3] -> features [B, ceil(h / 2^i), ceil(w / 2^i), C * 2^i] of its stages.
 *
 * The sparsity must have passed `checkSparsity`. What is returned is the caller's to free; everything else is freed.
 *
 * @throws ShapeError for an image smaller than a patch, an unknown stage, or given windows that do not fit the grids
 * @example
 * // `createSwin(ops, checkpoint).forward(image)` does this with the checkpoint's rules
 * const { features } = swinForward(ops, { architecture, rules: familyRules.mmdet, weights }, image, { outputs: [3] });
 */
export function swinForward<T>(
  ops: WindowOps<T>,
  model: { architecture: SwinArchitecture; rules: SwinRules; weights: SwinWeights<T> },
  image: T,
  options: ForwardOptions = {},
): ForwardResult<T> {
  const { architecture, weights } = model;
  const stages = architecture.depths.length;
  const wanted = new Set(options.outputs ?? architecture.depths.keys());
  for (const stage of wanted) {
    if (!(stage >= 0 && stage < stages && Number.isInteger(stage))) {
      throw new ShapeError(`forward: expected outputs to be stages from 0 to ${stages - 1}, got ${stage}.`);
    }
  }
  checkPerBlock('kept windows', options.kept, architecture);
  checkPerBlock('drop-path factors', options.dropPath, architecture);
  const { classifier, finalNorm } = weights;
  const wantsLogits = (options.wantsLogits ?? false) && classifier !== null;
  const lastStage = wantsLogits ? stages - 1 : Math.max(-1, ...wanted);
  const rules: SwinRules =
    options.sparsity?.padding === 'before-norm' ? { ...model.rules, pad: 'before-norm' } : model.rules;
  return ops.scope(() => {
    const features: (T | null)[] = architecture.depths.map(() => null);
    const windows: BlockWindows<T>[] = [];
    const importance: T[] = [];
    let logits: T | null = null;
    let x = ops.patchEmbed(image, weights.patchEmbed, {
      patchSize: architecture.patchSize,
      remainder: rules.imageRemainder,
    });
    for (let stage = 0; stage <= lastStage; stage++) {
      const stageWeights = weights.stages[stage];
      if (stageWeights === undefined) break;
      if (options.wantsImportance)
        importance.push(ops.magnitude(x, options.sparsity?.score ?? sparsityModes.clean.score, { isLearnt: true }));
      const done = runStage(ops, architecture, rules, stageWeights.blocks, stage, x, options);
      x = done.x;
      if (options.wantsWindows) windows.push(...done.windows);
      const outputNorm = weights.outputNorms[stage] ?? null;
      const isOutput = wanted.has(stage);
      if (isOutput) features[stage] = outputNorm === null ? x : ops.layerNorm(x, outputNorm);
      if (stage === stages - 1 && wantsLogits) {
        const normed = finalNorm === null ? x : ops.layerNorm(x, finalNorm);
        logits = ops.linear(ops.averagePool(normed), classifier);
      }
      if (stageWeights.merging !== null && stage < lastStage) {
        const merged = ops.patchMerging(x, stageWeights.merging);
        if (!isOutput || outputNorm !== null) ops.release(x);
        x = merged;
      }
    }
    return { features, logits, windows, importance };
  });
}

/** Refuses a list of stages of blocks that is not one entry per block. */
function checkPerBlock(
  what: string,
  perBlock: readonly (readonly unknown[])[] | undefined,
  { depths }: SwinArchitecture,
): void {
  if (perBlock === undefined) return;
  const got = perBlock.map((blocks) => blocks.length);
  if (got.length !== depths.length || got.some((blocks, stage) => blocks !== depths[stage])) {
    throw new ShapeError(`forward: expected ${what} for stages of ${depths.join(', ')} blocks, got ${got.join(', ')}.`);
  }
}

/** The blocks of one stage; releases its input when a block replaces it. */
function runStage<T>(
  ops: WindowOps<T>,
  architecture: SwinArchitecture,
  rules: SwinRules,
  blocks: readonly BlockWeights<T>[],
  stage: number,
  input: T,
  options: ForwardOptions,
): { x: T; windows: BlockWindows<T>[] } {
  const [batch = 0, height = 0, width = 0] = ops.shapeOf(input);
  const gridOf = (isShifted: boolean): WindowGrid =>
    createWindowGrid({ batch, height, width, window: architecture.window, isShifted, rules });
  const shifts = rules.lastStageShifts || stage < architecture.depths.length - 1;
  const grids = [gridOf(false), gridOf(shifts)] as const;
  const chosen = stageSelector(ops, grids, stage, options);
  const windows: BlockWindows<T>[] = [];
  let x = input;
  blocks.forEach((weights, block) => {
    const grid = grids[block % 2 === 0 ? 0 : 1];
    const { selection, scores } = chosen(block, x);
    windows.push({ stage, block, grid, selection, scores });
    const next = runBlock(ops, weights, x, selection, grid, options.dropPath?.[stage]?.[block]);
    if (next !== x) ops.release(x);
    x = next;
  });
  return { x, windows };
}

/** One block on its windows: x + attention(norm1(x)), then x + mlp(norm2(x)). */
function runBlock<T>(
  ops: WindowOps<T>,
  weights: BlockWeights<T>,
  x: T,
  selection: Selection<T>,
  grid: WindowGrid,
  dropPath: DropPathFactors | undefined,
): T {
  const body = (windows: WindowBatch<T>): T => {
    const scale = (factors: Float32Array | undefined): { scale?: T } =>
      factors === undefined ? {} : { scale: ops.expandPerImage(windows, factors) };
    const qkv = ops.linear(ops.normWindows(windows, weights.norm1), weights.qkv); // [n * M * M, 3C]
    const attended = ops.windowAttention(windows, qkv, weights.biasTable); // [tokens, C]
    const mixed = ops.linear(attended, weights.projection, { residual: windows.tokens, ...scale(dropPath?.attention) });
    const hidden = ops.linear(ops.layerNorm(mixed, weights.norm2), weights.expand, { gelu: true }); // [tokens, mlpRatio * C]
    return ops.linear(hidden, weights.contract, { residual: mixed, ...scale(dropPath?.mlp) });
  };
  // a map between two blocks belongs to nobody else: features are the maps after the last block
  return ops.mapWindows(x, selection, grid, body, { takesMap: true });
}

/** Which windows each block of a stage works on; called block after block, since a ranking is made once and reused. */
function stageSelector<T>(
  ops: WindowOps<T>,
  grids: readonly [WindowGrid, WindowGrid],
  stage: number,
  options: ForwardOptions,
): (block: number, x: T) => { selection: Selection<T>; scores: T | null } {
  const all: { selection: Selection<T>; scores: T | null } = { selection: { kind: 'all' }, scores: null };
  const { kept, sparsity } = options;
  if (kept !== undefined) {
    return (block) => {
      const ids = kept[stage]?.[block] ?? null;
      if (ids === null) return all;
      const grid = grids[block % 2 === 0 ? 0 : 1];
      return { selection: ops.givenWindows(ids, grid, ids.length / grid.batch), scores: null };
    };
  }
  if (sparsity === undefined || sparsity === null) return () => all;
  let magnitude: T | null = null;
  const ranked: ({ selection: Selection<T>; scores: T } | null)[] = [null, null];
  const threshold = hasRatios(sparsity) ? null : (sparsity.thresholds[stage] ?? null);
  return (block, x) => {
    const prunedRatio = hasRatios(sparsity) ? (sparsity.prunedRatios[stage]?.[Math.floor(block / 2)] ?? 0) : 0;
    if (prunedRatio === 0 && threshold === null && magnitude === null) return all;
    const parity = block % 2 === 0 ? 0 : 1;
    const grid = grids[parity];
    const keptPerImage = keptWindows(grid.windowsPerImage, prunedRatio, sparsity);
    const earlier = ranked[parity];
    if (earlier) return { selection: ops.prefix(earlier.selection, keptPerImage), scores: earlier.scores };
    magnitude ??= ops.magnitude(x, sparsity.score);
    const scores = ops.windowScores(magnitude, grid, sparsity.padsInScore);
    const budget =
      threshold === null
        ? ({ kind: 'topk', keptPerImage } as const)
        : ({ kind: 'threshold', threshold, minKept: sparsity.minKept } as const);
    const selection = ops.selectWindows(scores, grid, budget);
    ranked[parity] = { selection, scores };
    return { selection, scores };
  };
}
