/** Masks that go along with their image when it is cut, padded, mirrored, turned or resized; only what lies in the box of a mask is looked at. */

import type { ImageSize } from '../resample';
import { nearestPixel } from '../resample';
import { boxOf } from './boxes';
import type { Rle } from './rle';
import { appendRun, foregroundOf } from './rle';

/** A part of an image in whole pixels. */
interface Extent extends ImageSize {
  readonly x: number;
  readonly y: number;
}

/** Where the pixels of a new image come from. */
export interface MaskMove {
  /** Of the new image. */
  readonly size: ImageSize;
  /** Index, row by row, of the pixel in the old image that is seen at (y, x) of the new one. */
  source(y: number, x: number): number;
  /** The part of the new image that shows a part of the old one, or a larger part; it may reach out of the image. */
  extent(part: Extent): Extent;
}

/** The mask as it is seen in the new image. */
export function moveRle(rle: Rle, { size: { height, width }, source, extent }: MaskMove): Rle {
  const [, oldWidth] = rle.size;
  const [left, top, boxWidth, boxHeight] = boxOf(rle);
  const isSet = bitmapOf(rle, { x: left, y: top, width: boxWidth, height: boxHeight });
  const seen = extent({ x: left, y: top, width: boxWidth, height: boxHeight });
  const [firstX, endX] = [Math.max(0, seen.x), Math.min(width, seen.x + seen.width)];
  const [firstY, endY] = [Math.max(0, seen.y), Math.min(height, seen.y + seen.height)];
  const counts: number[] = [];
  let filled = 0;
  for (let x = firstX; x < endX; x++) {
    for (let y = firstY; y < endY; y++) {
      const from = source(y, x);
      const [row, column] = [Math.floor(from / oldWidth) - top, (from % oldWidth) - left];
      if (row < 0 || row >= boxHeight || column < 0 || column >= boxWidth) continue;
      if (isSet[column * boxHeight + row] !== 1) continue;
      const at = x * height + y;
      appendRun(counts, false, at - filled);
      appendRun(counts, true, 1);
      filled = at + 1;
    }
  }
  appendRun(counts, false, height * width - filled);
  return { size: [height, width], counts: Uint32Array.from(counts) };
}

/** The part of a mask in its box, column by column. */
function bitmapOf(rle: Rle, box: Extent): Uint8Array {
  const [oldHeight] = rle.size;
  const bitmap = new Uint8Array(box.width * box.height);
  for (const [start, end] of foregroundOf(rle)) {
    for (let pixel = start; pixel < end; pixel++) {
      bitmap[(Math.floor(pixel / oldHeight) - box.x) * box.height + (pixel % oldHeight) - box.y] = 1;
    }
  }
  return bitmap;
}

/**
 * The mask of a part of its image, or of a canvas around it: pixel (y, x) of the new image is (y + region.y, x + region.x) of the old one.
 *
 * @param region may lie partly outside, where the mask has no pixels
 */
export function cropRle(rle: Rle, region: Extent): Rle {
  const [, oldWidth] = rle.size;
  return moveRle(rle, {
    size: region,
    source: (y, x) => (y + region.y) * oldWidth + x + region.x,
    extent: (part) => ({ ...part, x: part.x - region.x, y: part.y - region.y }),
  });
}

/** The mask resized to the nearest pixel, as `resizeMask` does it. */
export function resizeRle(rle: Rle, size: ImageSize): Rle {
  const [oldHeight, oldWidth] = rle.size;
  const along = (start: number, length: number, from: number, to: number): [first: number, count: number] => {
    const first = Math.floor((start * to) / from) - 1;
    return [first, Math.ceil(((start + length) * to) / from) + 1 - first];
  };
  return moveRle(rle, {
    size,
    source: (y, x) => nearestPixel(y, oldHeight, size.height) * oldWidth + nearestPixel(x, oldWidth, size.width),
    extent: (part) => {
      const [x, width] = along(part.x, part.width, oldWidth, size.width);
      const [y, height] = along(part.y, part.height, oldHeight, size.height);
      return { x, y, width, height };
    },
  });
}
