/** Resizing of pixels in plain code, so that a page and Node get the same bytes: averages when shrinking, bilinear when enlarging. */

import { ConfigError } from '@sparsevit/windows';
import type { RgbImage } from './image';
import { checkRgbImage } from './image';

const maxPixels = 100_000_000;

/** Sides in pixels. */
export interface ImageSize {
  readonly height: number;
  readonly width: number;
}

/** What each output position takes from the input positions of one axis: `counts[i]` of them from `starts[i]` on. */
interface Taps {
  readonly starts: Uint32Array;
  readonly counts: Uint32Array;
  /** [outputs, most]; a row has `counts[i]` weights with the sum 1. */
  readonly weights: Float32Array;
  readonly most: number;
}

/**
 * Returns the size if both sides are whole numbers of at least 1 and it has at most 100 million pixels.
 *
 * @throws ConfigError otherwise
 * @example
 * checkImageSize({ height: 224, width: 224 }, 'resizeTo');
 */
export function checkImageSize(size: ImageSize, caller: string): ImageSize {
  const { height, width } = size;
  if (![height, width].every((side) => Number.isInteger(side) && side >= 1) || height * width > maxPixels) {
    throw new ConfigError(
      `${caller}: expected whole sides of at least 1 and at most ${maxPixels} pixels, got ${height}x${width}.`,
    );
  }
  return size;
}

/**
 * Resizes an image. Along an axis that shrinks, a pixel is the average of the area it covers; along one that grows, it is interpolated
 * linearly between pixel centres: source = (i + 0.5) * from / to - 0.5, clamped at the borders.
 *
 * @returns [size.height, size.width, 3]; the image itself when the size is its own
 * @throws ImageError when the image is not one; ConfigError when the size is not one
 * @example
 * const half = resizeImage(image, { height: image.height / 2, width: image.width / 2 });
 */
export function resizeImage(image: RgbImage, size: ImageSize): RgbImage {
  checkRgbImage(image, 'resizeImage');
  const { height, width } = checkImageSize(size, 'resizeImage');
  if (height === image.height && width === image.width) return image;
  const down = tapsOf(image.height, height);
  const across = tapsOf(image.width, width);
  const pixels = new Uint8Array(height * width * 3);
  const rowLength = image.width * 3;
  const row = new Float32Array(rowLength);
  for (let y = 0; y < height; y++) {
    // The rows first: then one row of sums is all that is kept, whatever the size of the image.
    row.fill(0);
    const top = down.starts[y] ?? 0;
    const rows = down.counts[y] ?? 0;
    for (let k = 0; k < rows; k++) {
      const weight = down.weights[y * down.most + k] ?? 0;
      const from = (top + k) * rowLength;
      for (let i = 0; i < rowLength; i++) row[i] = (row[i] ?? 0) + weight * (image.pixels[from + i] ?? 0);
    }
    for (let x = 0; x < width; x++) {
      const left = 3 * (across.starts[x] ?? 0);
      const columns = across.counts[x] ?? 0;
      let red = 0.5;
      let green = 0.5;
      let blue = 0.5;
      for (let k = 0; k < columns; k++) {
        const weight = across.weights[x * across.most + k] ?? 0;
        const at = left + 3 * k;
        red += weight * (row[at] ?? 0);
        green += weight * (row[at + 1] ?? 0);
        blue += weight * (row[at + 2] ?? 0);
      }
      const to = 3 * (y * width + x);
      pixels[to] = Math.min(255, red);
      pixels[to + 1] = Math.min(255, green);
      pixels[to + 2] = Math.min(255, blue);
    }
  }
  return { pixels, height, width };
}

/**
 * Resizes a mask to the nearest pixel, `floor((i + 0.5) * from / to)`: classes are never mixed.
 *
 * @param mask [from.height, from.width]
 * @param options `from`: the mask's own sides; `to`: those it gets
 * @returns [to.height, to.width]
 * @throws ConfigError when the bytes do not fit `from`, or a size is not one
 * @example
 * const small = resizeMask(mask, { from: { height: 8, width: 8 }, to: { height: 4, width: 4 } });
 */
export function resizeMask(mask: Uint8Array, options: { from: ImageSize; to: ImageSize }): Uint8Array {
  const from = checkImageSize(options.from, 'resizeMask');
  const to = checkImageSize(options.to, 'resizeMask');
  if (mask.length !== from.height * from.width) {
    throw new ConfigError(
      `resizeMask: expected ${from.height * from.width} bytes for ${from.height}x${from.width} pixels, got ${mask.length}.`,
    );
  }
  const columns = Uint32Array.from({ length: to.width }, (_, x) => nearestPixel(x, from.width, to.width));
  const resized = new Uint8Array(to.height * to.width);
  for (let y = 0; y < to.height; y++) {
    const row = nearestPixel(y, from.height, to.height) * from.width;
    for (let x = 0; x < to.width; x++) resized[y * to.width + x] = mask[row + (columns[x] ?? 0)] ?? 0;
  }
  return resized;
}

/** The pixel of an axis of `from` that is seen at `i` of one of `to`. */
export const nearestPixel = (i: number, from: number, to: number): number =>
  Math.min(from - 1, Math.floor(((i + 0.5) * from) / to));

function tapsOf(from: number, to: number): Taps {
  const isShrinking = to < from;
  const most = isShrinking ? Math.ceil(from / to) + 1 : 2;
  const taps: Taps = {
    starts: new Uint32Array(to),
    counts: new Uint32Array(to),
    weights: new Float32Array(to * most),
    most,
  };
  for (let i = 0; i < to; i++) {
    if (isShrinking) {
      // Whole numbers over `to`, so that a border that falls on a pixel falls on it exactly.
      const begin = i * from;
      const end = begin + from;
      const start = Math.floor(begin / to);
      const stop = Math.ceil(end / to);
      taps.starts[i] = start;
      taps.counts[i] = stop - start;
      for (let k = start; k < stop; k++) {
        taps.weights[i * most + k - start] = (Math.min(end, (k + 1) * to) - Math.max(begin, k * to)) / from;
      }
      continue;
    }
    const centre = Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / to - 0.5));
    const start = Math.floor(centre);
    const isLast = start >= from - 1;
    taps.starts[i] = start;
    taps.counts[i] = isLast ? 1 : 2;
    taps.weights[i * most] = isLast ? 1 : 1 - (centre - start);
    if (!isLast) taps.weights[i * most + 1] = centre - start;
  }
  return taps;
}
