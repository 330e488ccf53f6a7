/** Exact multiply-accumulate counts of a sparse Swin, by running its forward over shapes. */

import type { BlockWindows } from '@sparsevit/backbone';
import { buildWeights, familyRules, swinForward } from '@sparsevit/backbone';
import type { Sparsity, SwinArchitecture, SwinRules } from '@sparsevit/windows';
import { ConfigError, checkArchitecture, checkSparsity } from '@sparsevit/windows';
import type { CountedCall, MacAccounting, MacPart, Shape } from './shape-ops';
import { createShapeOps } from './shape-ops';

/** What to count for. */
export interface CountMacsOptions {
  /** Image height in pixels. */
  readonly height: number;
  /** Image width in pixels. */
  readonly width: number;
  /** Images; default 1. */
  readonly batch?: number;
  /** Default: dense. */
  readonly sparsity?: Sparsity | null;
  readonly accounting: MacAccounting;
  /** Rules of the checkpoint's family; they decide only whether a remainder of the image counts. Default: mmdet's, as in the published code. */
  readonly rules?: SwinRules;
}

/** Multiply-accumulates of one stage; the patch embedding belongs to stage 0, a merging to the stage before it. */
export interface StageMacs {
  readonly stage: number;
  readonly totalMacs: number;
  readonly parts: Readonly<Record<MacPart, number>>;
}

/** Multiply-accumulates of a backbone for a whole batch. */
export interface MacCount {
  readonly totalMacs: number;
  readonly stages: readonly StageMacs[];
}

const noMacs: Record<MacPart, number> = {
  patchEmbed: 0,
  qkv: 0,
  attention: 0,
  projection: 0,
  mlp: 0,
  merging: 0,
  norm: 0,
  classifier: 0,
};

/**
 * Counts the multiply-accumulates of the backbone (no classifier): products of linear layers and of attention, and in the `published`
 * accounting the elements of layer norms, those on the outputs of the stages included.
 *
 * @throws ConfigError for a sparsity that the architecture cannot run
 * @throws ShapeError for an image smaller than a patch
 * @example
 * const dense = countMacs(swinPreset('swin-t'), { height: 672, width: 672, batch: 4, accounting: 'published' });
 * dense.totalMacs / 1e9; // 161.79
 */
export function countMacs(architecture: SwinArchitecture, options: CountMacsOptions): MacCount {
  const { height, width, batch = 1, sparsity = null, accounting, rules = familyRules.mmdet } = options;
  checkArchitecture(architecture);
  for (const [name, value] of Object.entries({ height, width, batch })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new ConfigError(`countMacs: expected ${name} to be an integer of at least 1, got ${value}.`);
    }
  }
  if (accounting !== 'published' && accounting !== 'fair') {
    throw new ConfigError(`countMacs: expected accounting published or fair, got ${accounting}.`);
  }
  if (sparsity !== null) checkSparsity(architecture, sparsity);
  const { calls } = countCalls(architecture, { height, width, batch, sparsity, accounting, rules });
  const stages = architecture.depths.map((_, stage): StageMacs => {
    const parts = { ...noMacs };
    for (const call of calls) if (call.stage === stage) parts[call.part] += call.macs;
    return { stage, parts, totalMacs: Object.values(parts).reduce((sum, macs) => sum + macs, 0) };
  });
  return { stages, totalMacs: stages.reduce((sum, { totalMacs }) => sum + totalMacs, 0) };
}

/** Every counted operation of a forward, and the windows that its blocks work on; for options that have been checked. */
export function countCalls(
  architecture: SwinArchitecture,
  { height, width, batch, sparsity, accounting, rules }: Required<CountMacsOptions>,
): { calls: readonly CountedCall[]; windows: readonly BlockWindows<Shape>[] } {
  const calls: CountedCall[] = [];
  const ops = createShapeOps(accounting, (call) => calls.push(call));
  const parts = { outputNorms: architecture.depths.map(() => true), hasFinalNorm: false, classes: 0 };
  const weights = buildWeights(architecture, parts, ({ key, shape }): Shape => ({ key, shape }));
  const image: Shape = { shape: [batch, height, width, 3] };
  const { windows } = swinForward(ops, { architecture, rules, weights }, image, { sparsity, wantsWindows: true });
  return { calls, windows };
}
