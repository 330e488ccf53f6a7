/**
 * Detection without anchors: a heatmap of centres per class, and at each centre the size of the box and the offset within the cell, at a quarter of
 * the image's sides. Source: Zhou et al., Objects as Points.
 */

import type { SwinArchitecture } from '@sparsevit/windows';
import { ConfigError, stageChannels } from '@sparsevit/windows';
import type { FeaturePyramidWeights, HeadOps } from './feature-pyramid';
import { featurePyramid, featurePyramidSlots } from './feature-pyramid';
import type { ConvolutionWeights, MakeWeight } from './slots';
import { convolutionSlots } from './slots';

/** A detector. */
export interface DetectionConfig {
  readonly kind: 'detection';
  readonly classes: readonly string[];
  /** Width of the pyramid and of the branches; default 64. */
  readonly channels?: number;
  /** Share of a fresh heatmap: the bias of its last convolution is the logit of it. Default 0.1, as published. */
  readonly prior?: number;
}

/** Its weights. */
export interface DetectionWeights<T> {
  readonly pyramid: FeaturePyramidWeights<T>;
  readonly heatmapTower: ConvolutionWeights<T>;
  readonly heatmap: ConvolutionWeights<T>;
  readonly boxTower: ConvolutionWeights<T>;
  readonly box: ConvolutionWeights<T>;
}

/** What it gives, at a quarter of the image's sides. */
export interface DetectionOutput<T> {
  /** Logits [B, H / 4, W / 4, classes] of a centre in the cell. */
  readonly heatmap: T;
  /** `[B, H / 4, W / 4, 4]`: width and height in cells, offset of the centre within the cell in x and y. */
  readonly box: T;
}

/** The slots of a detector's head on a backbone. */
export function detectionSlots<T>(
  make: MakeWeight<T>,
  { classes, channels = 64, prior = 0.1 }: DetectionConfig,
  architecture: SwinArchitecture,
): DetectionWeights<T> {
  if (!Number.isInteger(channels) || channels < 1) {
    throw new ConfigError(`detection: expected channels to be a whole number of at least 1, got ${channels}.`);
  }
  if (!(prior > 0 && prior < 1)) throw new ConfigError(`detection: expected a prior between 0 and 1, got ${prior}.`);
  const inputs = architecture.depths.map((_, stage) => stageChannels(architecture, stage));
  return {
    pyramid: featurePyramidSlots(make, { inputs, channels, levels: 1 }),
    heatmapTower: convolutionSlots(make, 'heatmapTower', [3, channels, channels]),
    heatmap: convolutionSlots(make, 'heatmap', [1, channels, classes.length], {
      fill: 'small',
      bias: Math.log(prior / (1 - prior)),
    }),
    boxTower: convolutionSlots(make, 'boxTower', [3, channels, channels]),
    box: convolutionSlots(make, 'box', [1, channels, 4], { fill: 'small' }),
  };
}

/** Maps of the stages -> heatmap and boxes. */
export function detectionForward<T>(
  ops: HeadOps<T>,
  weights: DetectionWeights<T>,
  features: readonly (T | null)[],
): DetectionOutput<T> {
  const [finest] = featurePyramid(ops, weights.pyramid, features);
  const x = ops.relu(finest as T);
  const branch = (tower: ConvolutionWeights<T>, last: ConvolutionWeights<T>): T =>
    ops.convolution(ops.relu(ops.convolution(x, tower.weight, tower.bias)), last.weight, last.bias);
  return {
    heatmap: branch(weights.heatmapTower, weights.heatmap),
    box: branch(weights.boxTower, weights.box),
  };
}
