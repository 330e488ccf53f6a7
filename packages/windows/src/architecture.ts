/** What a Swin is, as plain data: widths, depths, windows, and the rules in which the checkpoint families differ. */

import { ConfigError } from './errors';

/** The shape of a Swin: everything that decides which tensors it has. */
export interface SwinArchitecture {
  /** Channels after the patch embedding; stage `i` has `embedDim * 2 ** i`. */
  readonly embedDim: number;
  /** Blocks per stage. Consecutive blocks form a pair (regular, shifted). */
  readonly depths: readonly number[];
  /** Attention heads per stage; each divides the channels of its stage. */
  readonly heads: readonly number[];
  /** Side of a window in tokens. */
  readonly window: number;
  /** Hidden width of the MLP, as a multiple of the channels. */
  readonly mlpRatio: number;
  /** Side of a patch in pixels. */
  readonly patchSize: number;
}

/**
 * The rules in which implementations of Swin differ for the same weights. They matter only where a map is not a multiple of the
 * window, or not larger than it, or where the image is not a multiple of the patch.
 */
export interface SwinRules {
  /** Pads enter the keys as `norm1(0) = bias` (the published SparseViT code) or as zeros after `norm1` (every Swin). */
  readonly pad: 'before-norm' | 'after-norm';
  /** A shifted grid is the padded map rolled, or the rolled map padded (timm). */
  readonly shift: 'pad-then-roll' | 'roll-then-pad';
  /** When the shift is switched off because the map is not larger than a window: never, on that axis, or on both axes if the smaller one is not. */
  readonly shiftOff: 'never' | 'per-axis' | 'both-axes';
  /**
   * False when the blocks of the last stage never shift: implementations that fix the shift when a model is built, for the image size at
   * which the last map is one window, keep it off at every size.
   */
  readonly lastStageShifts: boolean;
  /** Pixels beyond a whole number of patches: completed with zeros, or left out (a convolution without padding). */
  readonly imageRemainder: 'pad' | 'crop';
}

/** The number of channels of a stage: `embedDim * 2 ** stage`. */
export function stageChannels(architecture: SwinArchitecture, stage: number): number {
  return architecture.embedDim * 2 ** stage;
}

/** Width of the hidden layer of the MLP of a stage: `channels * mlpRatio`. */
export function stageHiddenWidth(architecture: SwinArchitecture, stage: number): number {
  return Math.round(stageChannels(architecture, stage) * architecture.mlpRatio);
}

/** Pairs (regular block, shifted block) of a stage; an odd depth ends with half a pair. */
export function stagePairs(architecture: SwinArchitecture, stage: number): number {
  return Math.ceil((architecture.depths[stage] ?? 0) / 2);
}

/**
 * Returns the architecture if it can be built.
 *
 * @throws ConfigError when a count is not a positive integer, a stage has no head count, or heads do not divide the channels
 * @example
 * checkArchitecture({ embedDim: 96, depths: [2, 2, 6, 2], heads: [3, 6, 12, 24], window: 7, mlpRatio: 4, patchSize: 4 });
 */
export function checkArchitecture(architecture: SwinArchitecture): SwinArchitecture {
  const { embedDim, depths, heads, window, mlpRatio, patchSize } = architecture;
  const counts: [string, number][] = [
    ['embedDim', embedDim],
    ['window', window],
    ['patchSize', patchSize],
    ...depths.map((depth, i): [string, number] => [`depths[${i}]`, depth]),
    ...heads.map((count, i): [string, number] => [`heads[${i}]`, count]),
  ];
  for (const [name, value] of counts) {
    if (!Number.isInteger(value) || value < 1) {
      throw new ConfigError(`checkArchitecture: expected ${name} to be an integer of at least 1, got ${value}.`);
    }
  }
  if (depths.length === 0 || depths.length !== heads.length) {
    throw new ConfigError(
      `checkArchitecture: expected one head count per stage, got ${depths.length} depths and ${heads.length} heads.`,
    );
  }
  heads.forEach((count, stage) => {
    const channels = stageChannels(architecture, stage);
    if (channels % count !== 0) {
      throw new ConfigError(
        `checkArchitecture: expected the heads of stage ${stage} to divide its ${channels} channels, got ${count}.`,
      );
    }
  });
  const hidden = embedDim * mlpRatio;
  // a ratio inferred from widths, such as 29 / 28, may miss the whole number by a rounding
  if (!(hidden > 0.5) || Math.abs(hidden - Math.round(hidden)) > 1e-9 * hidden) {
    throw new ConfigError(
      `checkArchitecture: expected embedDim * mlpRatio to be a whole number above 0, got ${embedDim} * ${mlpRatio}.`,
    );
  }
  return architecture;
}
