/**
 * Semantic segmentation of the Semantic-FPN kind: each level of a pyramid is brought to the finest by convolutions and upsampling, they are added
 * and classified. Source: Kirillov et al., Panoptic Feature Networks, section 3.1.
 */

import type { SwinArchitecture } from '@sparsevit/windows';
import { ConfigError, stageChannels } from '@sparsevit/windows';
import type { FeaturePyramidWeights, HeadOps } from './feature-pyramid';
import { featurePyramid, featurePyramidSlots } from './feature-pyramid';
import type { ConvolutionWeights, GroupNormWeights, MakeWeight } from './slots';
import { convolutionSlots, groupNormSlots } from './slots';

/** A segmenter. */
export interface SemanticConfig {
  readonly kind: 'semantic';
  readonly classes: readonly string[];
  /** Width of the pyramid and of the head, a multiple of `groups`; default 128. */
  readonly channels?: number;
  /** Groups of the norms; default 32, or `channels / 2` where that is less. */
  readonly groups?: number;
}

interface ScaleWeights<T> {
  readonly convolution: ConvolutionWeights<T>;
  readonly norm: GroupNormWeights<T>;
}

/** Its weights. */
export interface SemanticWeights<T> {
  readonly pyramid: FeaturePyramidWeights<T>;
  /** Level -> the convolutions on its way to the finest. */
  readonly scales: readonly (readonly ScaleWeights<T>[])[];
  readonly classifier: ConvolutionWeights<T>;
}

/** What it gives: logits [B, H / 4, W / 4, classes]. */
export interface SemanticOutput<T> {
  readonly logits: T;
}

/** Width and groups, checked. */
function semanticWidth({ channels = 128, groups }: SemanticConfig): { channels: number; groups: number } {
  const chosen = groups ?? Math.min(32, Math.floor(channels / 2));
  if (
    !Number.isInteger(channels) ||
    channels < 1 ||
    !Number.isInteger(chosen) ||
    chosen < 1 ||
    channels % chosen !== 0
  ) {
    throw new ConfigError(`semantic: expected channels that ${chosen} groups divide, got ${channels}.`);
  }
  return { channels, groups: chosen };
}

/** The slots of a segmenter's head on a backbone. */
export function semanticSlots<T>(
  make: MakeWeight<T>,
  config: SemanticConfig,
  architecture: SwinArchitecture,
): SemanticWeights<T> {
  const { channels } = semanticWidth(config);
  const inputs = architecture.depths.map((_, stage) => stageChannels(architecture, stage));
  return {
    pyramid: featurePyramidSlots(make, { inputs, channels, levels: inputs.length }),
    scales: inputs.map((_, level) =>
      Array.from({ length: Math.max(1, level) }, (_, i) => ({
        convolution: convolutionSlots(make, `scale${level}.${i}`, [3, channels, channels], { bias: null }),
        norm: groupNormSlots(make, `scale${level}.${i}.norm`, channels),
      })),
    ),
    classifier: convolutionSlots(make, 'classifier', [1, channels, config.classes.length], { fill: 'small' }),
  };
}

/** Maps of the stages -> logits at a quarter of the image's sides. */
export function semanticForward<T>(
  ops: HeadOps<T>,
  config: SemanticConfig,
  weights: SemanticWeights<T>,
  features: readonly (T | null)[],
): SemanticOutput<T> {
  const { groups } = semanticWidth(config);
  const levels = featurePyramid(ops, weights.pyramid, features);
  let total: T | null = null;
  for (const [level, scales] of weights.scales.entries()) {
    let x = levels[level] as T;
    for (const [i, { convolution, norm }] of scales.entries()) {
      x = ops.relu(ops.groupNorm(ops.convolution(x, convolution.weight, null), norm.weight, norm.bias, groups));
      // sides of maps are rounded up from stage to stage: the sides to come to are those of the finer level
      const finer = level - 1 - i;
      if (finer < 0) continue;
      const [, height = 1, width = 1] = ops.shapeOf(levels[finer] as T);
      x = ops.upsample(x, height, width);
    }
    total = total === null ? x : ops.add(total, x);
  }
  return { logits: ops.convolution(total as T, weights.classifier.weight, weights.classifier.bias) };
}
