/** The same images for one sparsity after another, as a search needs them: read once, and kept as the model sees them. */

import type { Dataset, Placement, RgbImage } from '@sparsevit/data';
import { normalizeImage } from '@sparsevit/data';
import { seenSample } from '@sparsevit/tasks';
import type { Sparsity } from '@sparsevit/windows';
import type { EvaluationResult, ImageOptions } from './evaluate';
import { noImages, readSample } from './evaluate';
import type { JudgedSample } from './judge';
import { judgeOf } from './judge';
import type { TaskRunner } from './runner';

/** How images are kept. */
export interface ValidationOptions extends ImageOptions {
  /** Bytes of pixels that are kept; what does not fit is read again each time. Default 1 GiB. */
  readonly cacheBytes?: number | undefined;
}

/** A sparsity that is being judged. */
export interface RunningScore {
  /**
   * The score on the first items; what was run before is not run again.
   *
   * @throws as `evaluate`
   */
  upTo(items: number, signal?: AbortSignal): Promise<EvaluationResult>;
}

/** Images to judge sparsities by. */
export interface Validation {
  /** How many there are. */
  readonly length: number;
  /** Begins with a sparsity. */
  begin(name: string, sparsity: Sparsity | null): RunningScore;
}

interface SeenItem {
  readonly id: string;
  readonly image: RgbImage;
  readonly placement: Placement;
  readonly sample: JudgedSample;
}

const defaultCacheBytes = 2 ** 30;

/**
 * Makes images ready to judge one sparsity after another by: each is read and resized once. The scores are those of `evaluate`, to the last bit.
 *
 * @example
 * const validation = createValidation(runner, scenes, { task, normalization });
 * const { score } = await validation.begin('half', uniformSparsity(architecture, 0.5)).upTo(validation.length);
 */
export function createValidation(runner: TaskRunner, dataset: Dataset, options: ValidationOptions): Validation {
  const { limit = dataset.length, normalization, cacheBytes = defaultCacheBytes, onEvent = () => {} } = options;
  const length = Math.min(limit, dataset.length);
  const kept = new Map<number, SeenItem | null>();
  let keptBytes = 0;

  const read = async (index: number, signal: AbortSignal | undefined): Promise<SeenItem | null> => {
    const known = kept.get(index);
    if (known !== undefined) return known;
    const sample = await readSample(dataset, index, options, signal);
    if (sample === null) {
      kept.set(index, null); // told once
      return null;
    }
    const { seen, placement } = seenSample(sample, {
      size: options.size ?? null,
      keepRatio: options.keepRatio ?? false,
    });
    const { image: original, boxes, mask, label } = sample;
    const item: SeenItem = {
      id: sample.id,
      image: seen.image,
      placement,
      sample: {
        image: { height: original.height, width: original.width },
        ...(boxes && { boxes }),
        ...(mask && { mask }),
        ...(label === undefined ? {} : { label }),
      },
    };
    const bytes = seen.image.pixels.byteLength + (mask?.byteLength ?? 0);
    if (keptBytes + bytes <= cacheBytes) {
      kept.set(index, item);
      keptBytes += bytes;
    }
    return item;
  };

  return {
    length,
    begin(name, sparsity) {
      const judge = judgeOf(options);
      let next = 0;
      let images = 0;
      return {
        async upTo(items, signal) {
          const end = Math.min(items, length);
          for (; next < end; next++) {
            const item = await read(next, signal);
            if (item === null) continue;
            signal?.throwIfAborted();
            const { id, image, placement, sample } = item;
            const { height, width } = image;
            const pixels = normalizeImage(image, normalization);
            const output = await runner.run({ pixels, shape: [1, height, width, 3], sparsity });
            judge.add(sample, next, output, { placement, seen: image });
            images++;
            onEvent({ type: 'image-evaluated', index: next, count: end, id });
          }
          if (images === 0) throw noImages();
          return { name, images, ...judge.result() };
        },
      };
    },
  };
}
