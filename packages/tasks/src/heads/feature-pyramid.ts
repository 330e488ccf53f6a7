/**
 * A feature pyramid: every stage to the same width, coarse ones added to finer ones, smoothed. Source: Lin et al., Feature Pyramid Networks; the way
 * down is bilinear here (theirs repeats values).
 */

import type { DenseOps, WindowOps } from '@sparsevit/windows';
import { ShapeError } from '@sparsevit/windows';
import type { ConvolutionWeights, MakeWeight } from './slots';
import { convolutionSlots } from './slots';

/** What heads are written over. */
export type HeadOps<T> = WindowOps<T> & DenseOps<T>;

/** The weights of a pyramid. */
export interface FeaturePyramidWeights<T> {
  /** 1 x 1, one per stage. */
  readonly lateral: readonly ConvolutionWeights<T>[];
  /** 3 x 3, one per level that is wanted, from the finest. */
  readonly output: readonly ConvolutionWeights<T>[];
}

/** The slots of a pyramid over stages of these widths. */
export function featurePyramidSlots<T>(
  make: MakeWeight<T>,
  { inputs, channels, levels }: { inputs: readonly number[]; channels: number; levels: number },
): FeaturePyramidWeights<T> {
  return {
    lateral: inputs.map((width, i) => convolutionSlots(make, `pyramid.lateral${i}`, [1, width, channels])),
    output: Array.from({ length: levels }, (_, i) =>
      convolutionSlots(make, `pyramid.output${i}`, [3, channels, channels]),
    ),
  };
}

/**
 * Maps of stages, fine to coarse -> maps of `channels`, as many as there are output convolutions.
 *
 * @throws ShapeError when a stage's map is missing
 */
export function featurePyramid<T>(
  ops: HeadOps<T>,
  weights: FeaturePyramidWeights<T>,
  features: readonly (T | null)[],
): T[] {
  const merged: T[] = [];
  for (let stage = weights.lateral.length - 1; stage >= 0; stage--) {
    const lateral = weights.lateral[stage];
    const feature = features[stage] ?? null;
    if (lateral === undefined || feature === null) {
      throw new ShapeError(
        `pyramid: expected the output of stage ${stage}, got none. Ask the backbone for all stages.`,
      );
    }
    const own = ops.convolution(feature, lateral.weight, lateral.bias);
    const above = merged[0];
    if (above === undefined) {
      merged.unshift(own);
      continue;
    }
    const [, height = 1, width = 1] = ops.shapeOf(own);
    merged.unshift(ops.add(own, ops.upsample(above, height, width)));
  }
  return weights.output.map(({ weight, bias }, level) => ops.convolution(merged[level] as T, weight, bias));
}
