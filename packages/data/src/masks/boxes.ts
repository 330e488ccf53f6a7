/** Boxes as COCO has them, `[x, y, width, height]`: the box of a mask, and overlaps of boxes. */

import { ConfigError } from '@sparsevit/windows';
import type { Rle } from './rle';
import { checkRle, foregroundOf } from './rle';

/** A box in pixels: left edge, upper edge, width, height; need not be whole numbers. */
export type CocoBox = readonly [x: number, y: number, width: number, height: number];

/**
 * Finds the smallest box around a mask; `[0, 0, 0, 0]` for a mask without a pixel.
 *
 * @throws ConfigError when the mask is not one
 * @example
 * boxOf({ size: [4, 4], counts: Uint32Array.of(5, 2, 9) }); // [1, 1, 1, 2]
 */
export function boxOf(rle: Rle): CocoBox {
  const [height] = checkRle(rle, 'boxOf').size;
  let [left, right, top, bottom] = [Number.POSITIVE_INFINITY, -1, Number.POSITIVE_INFINITY, -1];
  for (const [start, end] of foregroundOf(rle)) {
    const [startX, endX] = [Math.floor(start / height), Math.floor((end - 1) / height)];
    // A run over the end of a column has the column's last pixel and the next column's first.
    const [startY, endY] = startX === endX ? [start % height, (end - 1) % height] : [0, height - 1];
    left = Math.min(left, startX);
    right = Math.max(right, endX);
    top = Math.min(top, startY);
    bottom = Math.max(bottom, endY);
  }
  return right < 0 ? [0, 0, 0, 0] : [left, top, right - left + 1, bottom - top + 1];
}

/**
 * Overlaps of boxes: `intersection / union`, and `intersection / area of the detection` where the truth is a crowd.
 *
 * @param isCrowd one per truth
 * @returns [detections, truths], row-major
 * @throws ConfigError when a box is not four finite numbers without negative sides, or isCrowd is of another length
 * @example
 * boxIou([[0, 0, 2, 2]], [[1, 0, 2, 2]], [false]); // 1/3
 */
export function boxIou(
  detections: readonly CocoBox[],
  truths: readonly CocoBox[],
  isCrowd: readonly boolean[],
): Float64Array {
  for (const box of [...detections, ...truths]) checkBox(box, 'boxIou');
  checkCrowds(truths.length, isCrowd, 'boxIou');
  const overlaps = new Float64Array(detections.length * truths.length);
  for (const [d, detection] of detections.entries()) {
    for (const [t, truth] of truths.entries()) {
      const width = Math.min(detection[0] + detection[2], truth[0] + truth[2]) - Math.max(detection[0], truth[0]);
      const height = Math.min(detection[1] + detection[3], truth[1] + truth[3]) - Math.max(detection[1], truth[1]);
      if (width <= 0 || height <= 0) continue;
      const shared = width * height;
      // Sides so small that their product is 0 overlap by nothing; the quotient would not be a number.
      if (shared === 0) continue;
      const area = detection[2] * detection[3];
      overlaps[d * truths.length + t] = shared / (isCrowd[t] ? area : area + truth[2] * truth[3] - shared);
    }
  }
  return overlaps;
}

/**
 * Returns the box if it is four finite numbers and no side is negative.
 *
 * @param caller the name that opens the error's message
 * @throws ConfigError otherwise
 * @example
 * checkBox([0, 0, 10, 20], 'annotations[0].bbox');
 */
export function checkBox(box: readonly number[], caller: string): CocoBox {
  if (isBox(box)) return box;
  const got = Array.isArray(box) ? `[${box.slice(0, 5).map(String).join(', ')}]` : String(box);
  throw new ConfigError(
    `${caller}: expected a box [x, y, width, height] of finite numbers, sides of at least 0, got ${got}.`,
  );
}

const isBox = (box: unknown): box is CocoBox =>
  Array.isArray(box) && box.length === 4 && box.every(isBounded) && box[2] >= 0 && box[3] >= 0;

/** Areas and their sums stay finite below this. */
const isBounded = (value: unknown): boolean => typeof value === 'number' && Math.abs(value) < 1e100;

/** Checks that there is one mark of crowds per truth. */
export function checkCrowds(truthCount: number, isCrowd: readonly boolean[], caller: string): void {
  if (isCrowd.length !== truthCount) {
    throw new ConfigError(`${caller}: expected isCrowd for each of ${truthCount} truths, got ${isCrowd.length}.`);
  }
}
