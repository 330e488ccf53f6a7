/**
 * Semantic segmentation by UperNet: the coarsest map sees itself pooled to 1, 2, 3 and 6 cells a side, is added down a pyramid, and all levels are
 * fused at the finest. Source: Xiao et al., Unified Perceptual Parsing, section 3.1; layers as in the segmenters published with Swin.
 *
 * Two things are not theirs. Norms are group norms: where images are large a batch has one or two of them, too few for a batch norm, and a group
 * norm has no running statistics, so that training and inference are one function. And nothing is dropped before the classifier: a forward draws no
 * random numbers.
 */

import type { SwinArchitecture } from '@sparsevit/windows';
import { ConfigError, ShapeError, stageChannels } from '@sparsevit/windows';
import type { HeadOps } from './feature-pyramid';
import type { ConvolutionWeights, GroupNormWeights, MakeWeight } from './slots';
import { convolutionSlots, groupNormSlots } from './slots';

/** A segmenter. */
export interface UpernetConfig {
  readonly kind: 'upernet';
  readonly classes: readonly string[];
  /** Width of the pyramid and of the head, a multiple of `groups`; default 512. */
  readonly channels?: number;
  /** Groups of the norms, of two channels at least; default 32, or less so that each has 16 channels. */
  readonly groups?: number;
  /** Width of the auxiliary head, which only training uses, a multiple of `groups`; default 256, 0 for none. */
  readonly auxiliaryChannels?: number;
}

/** A convolution without bias, and the norm before its ReLU. */
export interface NormedConvolutionWeights<T> {
  readonly convolution: ConvolutionWeights<T>;
  readonly norm: GroupNormWeights<T>;
}

/** A 3 x 3 convolution and a classifier on the stage before the last. */
export interface UpernetAuxiliaryWeights<T> {
  readonly convolution: NormedConvolutionWeights<T>;
  readonly classifier: ConvolutionWeights<T>;
}

/** Its weights. */
export interface UpernetWeights<T> {
  /** 1 x 1, one per size of `poolSides`. */
  readonly pools: readonly NormedConvolutionWeights<T>[];
  /** 3 x 3, from the coarsest map and its pools to the coarsest level. */
  readonly bottleneck: NormedConvolutionWeights<T>;
  /** 1 x 1, one per level but the coarsest. */
  readonly lateral: readonly NormedConvolutionWeights<T>[];
  /** 3 x 3, one per level but the coarsest, which had its own in the bottleneck. */
  readonly output: readonly NormedConvolutionWeights<T>[];
  /** 3 x 3, from all levels side by side. */
  readonly fuse: NormedConvolutionWeights<T>;
  readonly classifier: ConvolutionWeights<T>;
  readonly auxiliary: UpernetAuxiliaryWeights<T> | null;
}

/** What it gives. */
export interface UpernetOutput<T> {
  /** [B, H / 4, W / 4, classes] */
  readonly logits: T;
  /** [B, H / 16, W / 16, classes] of the stage before the last; null where they are not asked for or the head has none. */
  readonly auxiliaryLogits: T | null;
}

/** How a forward goes. */
export interface UpernetForwardOptions {
  /** Whether the loss of the auxiliary logits will be taken; default false. */
  readonly wantsAuxiliary?: boolean;
}

/** Weight of the auxiliary loss beside that of the logits, as published. */
export const upernetAuxiliaryLossWeight = 0.4;

/** Cells a side of the pools of the coarsest map. */
const poolSides = [1, 2, 3, 6] as const;

/** Widths and groups of a segmenter. */
export interface UpernetWidths {
  readonly channels: number;
  readonly groups: number;
  /** 0 where there is no auxiliary head. */
  readonly auxiliaryChannels: number;
  readonly auxiliaryGroups: number;
}

/**
 * Widths and groups, checked.
 *
 * @throws ConfigError when a width is not a whole number, or its groups do not divide it into groups of two channels at least
 */
export function upernetWidths({ channels = 512, groups, auxiliaryChannels = 256 }: UpernetConfig): UpernetWidths {
  const hasAuxiliary = auxiliaryChannels !== 0;
  return {
    channels,
    groups: groupsOf('channels', channels, groups),
    auxiliaryChannels,
    auxiliaryGroups: hasAuxiliary ? groupsOf('auxiliaryChannels', auxiliaryChannels, groups) : 1,
  };
}

/** Two channels at least: the norm of a single value, which a pool of one cell would have in each group, is 0 whatever the value. */
function groupsOf(name: string, channels: number, given: number | undefined): number {
  if (!Number.isInteger(channels) || channels < 2) {
    throw new ConfigError(`upernet: expected ${name} to be a whole number of at least 2, got ${channels}.`);
  }
  if (given === undefined) {
    let groups = Math.max(1, Math.min(32, Math.floor(channels / 16)));
    while (channels % groups !== 0) groups--;
    return groups;
  }
  if (!Number.isInteger(given) || given < 1 || channels % given !== 0 || channels / given < 2) {
    throw new ConfigError(
      `upernet: expected groups that divide ${channels} ${name} into two each or more, got ${given}. Leave groups out to have them chosen.`,
    );
  }
  return given;
}

/**
 * The slots of a segmenter's head on a backbone.
 *
 * @throws ConfigError when the widths are not valid (`upernetWidths`)
 * @example
 * const config = { kind: 'upernet', classes: ['road', 'car'], channels: 64 } as const;
 * const weights = upernetSlots(({ shape }) => tf.zeros([...shape]), config, architecture);
 */
export function upernetSlots<T>(
  make: MakeWeight<T>,
  config: UpernetConfig,
  architecture: SwinArchitecture,
): UpernetWeights<T> {
  const { channels, auxiliaryChannels } = upernetWidths(config);
  const inputs = architecture.depths.map((_, stage) => stageChannels(architecture, stage));
  const finer = inputs.slice(0, -1);
  const coarsest = inputs.at(-1) ?? 0;
  const normed = (key: string, side: number, from: number, to = channels): NormedConvolutionWeights<T> => ({
    convolution: convolutionSlots(make, key, [side, from, to], { bias: null }),
    norm: groupNormSlots(make, `${key}.norm`, to),
  });
  const classifier = (key: string, from: number): ConvolutionWeights<T> =>
    convolutionSlots(make, key, [1, from, config.classes.length], { fill: 'small' });
  return {
    pools: poolSides.map((side) => normed(`pool${side}`, 1, coarsest)),
    bottleneck: normed('bottleneck', 3, coarsest + poolSides.length * channels),
    lateral: finer.map((width, level) => normed(`lateral${level}`, 1, width)),
    output: finer.map((_, level) => normed(`output${level}`, 3, channels)),
    fuse: normed('fuse', 3, inputs.length * channels),
    classifier: classifier('classifier', channels),
    auxiliary:
      auxiliaryChannels === 0
        ? null
        : {
            convolution: normed('auxiliary', 3, inputs[auxiliaryStage(inputs)] ?? 0, auxiliaryChannels),
            classifier: classifier('auxiliary.classifier', auxiliaryChannels),
          },
  };
}

/** The stage before the last, as published; the only one where there is one. */
const auxiliaryStage = (stages: readonly unknown[]): number => Math.max(0, stages.length - 2);

/**
 * Maps of the stages -> logits at the sides of the finest map, and at those of the stage before the last where `wantsAuxiliary`.
 *
 * @throws ShapeError when a stage's map is missing
 * @example
 * const { logits } = upernetForward(ops, config, weights, features); // [B, H / 4, W / 4, classes]
 */
export function upernetForward<T>(
  ops: HeadOps<T>,
  config: UpernetConfig,
  weights: UpernetWeights<T>,
  features: readonly (T | null)[],
  { wantsAuxiliary = false }: UpernetForwardOptions = {},
): UpernetOutput<T> {
  const { groups, auxiliaryGroups } = upernetWidths(config);
  const maps = weights.lateral.map((_, stage) => mapOf(features, stage));
  const last = mapOf(features, maps.length);
  const apply = (x: T, unit: NormedConvolutionWeights<T>): T => normedConvolution(ops, x, unit, groups);

  let above = pyramidOfPools(ops, last, weights, apply);
  const levels = [above]; // from the finest, as they come
  for (let level = maps.length - 1; level >= 0; level--) {
    const own = apply(maps[level] as T, weights.lateral[level] as NormedConvolutionWeights<T>);
    above = ops.add(own, resizedTo(ops, above, own));
    levels.unshift(apply(above, weights.output[level] as NormedConvolutionWeights<T>));
  }
  const [finest, ...coarser] = levels as [T, ...T[]];
  const together = ops.concatenate([finest, ...coarser.map((level) => resizedTo(ops, level, finest))]);
  const { weight, bias } = weights.classifier;
  const logits = ops.convolution(apply(together, weights.fuse), weight, bias);

  if (!wantsAuxiliary || weights.auxiliary === null) return { logits, auxiliaryLogits: null };
  const { convolution, classifier } = weights.auxiliary;
  const stages = [...maps, last];
  const hidden = normedConvolution(ops, stages[auxiliaryStage(stages)] as T, convolution, auxiliaryGroups);
  return { logits, auxiliaryLogits: ops.convolution(hidden, classifier.weight, classifier.bias) };
}

/** The coarsest map beside its pools, brought back to its sides: [B, H, W, C] -> [B, H, W, channels]. */
function pyramidOfPools<T>(
  ops: HeadOps<T>,
  x: T,
  { pools, bottleneck }: UpernetWeights<T>,
  apply: (x: T, unit: NormedConvolutionWeights<T>) => T,
): T {
  const pooled = poolSides.map((side, i) =>
    resizedTo(ops, apply(ops.poolTo(x, side, side), pools[i] as NormedConvolutionWeights<T>), x),
  );
  return apply(ops.concatenate([x, ...pooled]), bottleneck);
}

function normedConvolution<T>(
  ops: HeadOps<T>,
  x: T,
  { convolution, norm }: NormedConvolutionWeights<T>,
  groups: number,
): T {
  return ops.relu(ops.groupNorm(ops.convolution(x, convolution.weight, null), norm.weight, norm.bias, groups));
}

/** Sides of maps are rounded up from stage to stage: they are taken from the other map, not doubled. */
function resizedTo<T>(ops: HeadOps<T>, x: T, other: T): T {
  const [, height = 1, width = 1] = ops.shapeOf(other);
  return ops.upsample(x, height, width);
}

function mapOf<T>(features: readonly (T | null)[], stage: number): T {
  const feature = features[stage] ?? null;
  if (feature === null) {
    throw new ShapeError(`upernet: expected the output of stage ${stage}, got none. Ask the backbone for all stages.`);
  }
  return feature;
}
