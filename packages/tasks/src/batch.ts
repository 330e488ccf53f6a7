/** Samples of a data set as a batch for a model: normalised pixels and what is to be learnt from them. */

import { normalizeImage } from '@sparsevit/data';
import { ConfigError } from '@sparsevit/windows';
import type { TaskConfig } from './config';
import { learnsFrom } from './config';
import type { TargetBox } from './targets';

/** What of a sample is used; `@sparsevit/data` has such samples. */
export interface TaskSample {
  readonly id: string;
  readonly image: { readonly pixels: Uint8Array | Uint8ClampedArray; readonly height: number; readonly width: number };
  readonly label?: number | undefined;
  /** Crowds are left out: nobody marked where in them an object is. */
  readonly boxes?: readonly (TargetBox & { readonly isCrowd?: boolean })[] | undefined;
  /** [H, W], 255 where nothing is to be learnt. */
  readonly mask?: Uint8Array | undefined;
}

/** What is to be learnt. */
export type TaskTargets =
  | { readonly kind: 'labels'; readonly labels: Int32Array }
  | {
      readonly kind: 'masks';
      /** [B, H, W] */
      readonly masks: Uint8Array;
    }
  | { readonly kind: 'boxes'; readonly boxes: readonly (readonly TargetBox[])[] };

/** A batch. */
export interface TaskBatch {
  /** Normalised [B, H, W, 3]. */
  readonly pixels: Float32Array;
  readonly shape: readonly [number, number, number, number];
  readonly targets: TaskTargets;
  readonly ids: readonly string[];
}

/**
 * Puts samples of one size together.
 *
 * @throws ConfigError for no samples, sizes that differ (pad or crop them first), or a sample without what the task learns from
 * @example
 * const batch = collate(task.config, samples, imagenetNormalization);
 */
export function collate(
  config: TaskConfig,
  samples: readonly TaskSample[],
  normalization: { readonly mean: readonly number[]; readonly std: readonly number[] },
): TaskBatch {
  const [first] = samples;
  if (first === undefined) throw new ConfigError('collate: expected at least one sample, got none.');
  const { height, width } = first.image;
  const pixels = new Float32Array(samples.length * height * width * 3);
  for (const [i, { id, image }] of samples.entries()) {
    if (image.height !== height || image.width !== width) {
      throw new ConfigError(
        `collate: expected images of ${height}x${width}, got ${image.height}x${image.width} in ${id}. Resize, crop or pad them to one size.`,
      );
    }
    pixels.set(normalizeImage(image, normalization), i * height * width * 3);
  }
  const lacks = (id: string, what: string): ConfigError =>
    new ConfigError(`collate: expected ${what} for ${config.kind}, got none in ${id}.`);
  const shape = [samples.length, height, width, 3] as const;
  const ids = samples.map(({ id }) => id);
  return { pixels, shape, ids, targets: targetsOf(config, samples, height * width, lacks) };
}

function targetsOf(
  config: TaskConfig,
  samples: readonly TaskSample[],
  cells: number,
  lacks: (id: string, what: string) => ConfigError,
): TaskTargets {
  const kind = learnsFrom(config);
  switch (kind) {
    case 'labels':
      return {
        kind,
        labels: Int32Array.from(samples, ({ id, label }) => {
          if (label === undefined) throw lacks(id, 'a label');
          return label;
        }),
      };
    case 'masks': {
      const masks = new Uint8Array(samples.length * cells);
      for (const [i, { id, mask }] of samples.entries()) {
        if (mask?.length !== cells) throw lacks(id, `a mask of ${cells} pixels`);
        masks.set(mask, i * cells);
      }
      return { kind, masks };
    }
    case 'boxes':
      return {
        kind,
        boxes: samples.map(({ id, boxes }) => {
          if (boxes === undefined) throw lacks(id, 'boxes');
          return boxes.filter(({ isCrowd = false }) => !isCrowd);
        }),
      };
  }
}
