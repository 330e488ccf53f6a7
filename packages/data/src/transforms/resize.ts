/** Transforms that change the size of a sample: to a size, by a side, or by a random factor. */

import { ConfigError } from '@sparsevit/windows';
import { resizeRle } from '../masks/move';
import type { ImageSize } from '../resample';
import { checkImageSize, resizeImage, resizeMask } from '../resample';
import type { Sample } from '../sample';
import type { Transform } from './transform';
import { moveMasks } from './transform';

/**
 * Resizes a sample to exactly this size: the image by `resizeImage`, masks to the nearest pixel, the boxes by the same factors.
 *
 * @throws ConfigError when the size is not one
 * @example
 * const small = resizeSample(sample, { height: 224, width: 224 });
 */
export function resizeSample(sample: Sample, size: ImageSize): Sample {
  const { image, boxes, mask } = sample;
  const { height, width } = checkImageSize(size, 'resizeSample');
  if (height === image.height && width === image.width) return sample;
  const scaleX = width / image.width;
  const scaleY = height / image.height;
  return {
    ...sample,
    image: resizeImage(image, { height, width }),
    ...(boxes && {
      boxes: moveMasks(
        boxes.map((box) => ({
          ...box,
          x: box.x * scaleX,
          y: box.y * scaleY,
          width: box.width * scaleX,
          height: box.height * scaleY,
        })),
        (own) => resizeRle(own, { height, width }),
      ),
    }),
    ...(mask && { mask: resizeMask(mask, { from: image, to: { height, width } }) }),
  };
}

/**
 * Resizes to a size: exactly, or with `keepRatio` to the largest size of the same ratio that fits into it. Draws nothing.
 *
 * @throws ConfigError when a side is not a whole number of at least 1
 * @example
 * const transform = resizeTo({ height: 512, width: 512, keepRatio: true });
 */
export function resizeTo(options: ImageSize & { readonly keepRatio?: boolean }): Transform {
  const { height, width, keepRatio = false } = options;
  checkImageSize({ height, width }, 'resizeTo');
  return (sample) => resizeSample(sample, keepRatio ? sizeInside(sample.image, { height, width }) : { height, width });
}

/**
 * Resizes to the given short side, long side, or the smaller of both results, and keeps the ratio. Draws nothing.
 *
 * @throws ConfigError when neither side is given, or one is not a whole number of at least 1
 * @example
 * const transform = resizeSide({ shortSide: 800, longSide: 1333 });
 */
export function resizeSide(options: { readonly shortSide?: number; readonly longSide?: number }): Transform {
  const { shortSide, longSide } = options;
  for (const side of [shortSide, longSide]) {
    if (side !== undefined) checkImageSize({ height: side, width: 1 }, 'resizeSide');
  }
  if (shortSide === undefined && longSide === undefined) {
    throw new ConfigError('resizeSide: expected shortSide or longSide, got neither. Name one in pixels.');
  }
  return (sample) => {
    const { height, width } = sample.image;
    const factor = Math.min(
      (shortSide ?? Number.POSITIVE_INFINITY) / Math.min(height, width),
      (longSide ?? Number.POSITIVE_INFINITY) / Math.max(height, width),
    );
    return resizeSample(sample, scaled(sample.image, factor));
  };
}

/**
 * Multi-scale training: resizes by a factor from [low, high], uniform, and keeps the ratio. Draws one number.
 *
 * @throws ConfigError unless 0 < low <= high
 * @example
 * const transform = compose([randomScale({ low: 0.5, high: 2 }), randomCrop({ height: 224, width: 224 })]);
 */
export function randomScale(options: { readonly low: number; readonly high: number }): Transform {
  const { low, high } = options;
  if (!(low > 0 && low <= high && Number.isFinite(high))) {
    throw new ConfigError(`randomScale: expected 0 < low <= high, got ${low} and ${high}.`);
  }
  return (sample, random) => resizeSample(sample, scaled(sample.image, low + (high - low) * random.uniform()));
}

/** The largest size with the ratio of `size` that fits into `room`. */
export function sizeInside(size: ImageSize, room: ImageSize): ImageSize {
  const { height, width } = scaled(size, Math.min(room.height / size.height, room.width / size.width));
  return { height: Math.min(height, room.height), width: Math.min(width, room.width) };
}

const scaled = ({ height, width }: ImageSize, factor: number): ImageSize => ({
  height: Math.max(1, Math.round(height * factor)),
  width: Math.max(1, Math.round(width * factor)),
});
