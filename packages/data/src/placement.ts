/** Where an image went when it was resized, cropped or padded, and the way back for what a model found on it. */

import { ConfigError } from '@sparsevit/windows';
import type { ImageSize } from './resample';

/** A map from an original image into another: `x' = x * scaleX + offsetX`, `y' = y * scaleY + offsetY`, in pixels, borders to borders. */
export interface Placement {
  readonly scaleX: number;
  readonly scaleY: number;
  readonly offsetX: number;
  readonly offsetY: number;
}

interface BoxLike {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * The placement of a resize from one size to another.
 *
 * @example
 * resizePlacement({ height: 480, width: 640 }, { height: 240, width: 320 }).scaleX; // 0.5
 */
export function resizePlacement(from: ImageSize, to: ImageSize): Placement {
  return { scaleX: to.width / from.width, scaleY: to.height / from.height, offsetX: 0, offsetY: 0 };
}

/**
 * The placement of a crop whose corner is at (x, y); of a pad, with the negated width of the pad.
 *
 * @example
 * cropPlacement({ x: 16, y: 0 }).offsetX; // -16
 */
export function cropPlacement(corner: { readonly x: number; readonly y: number }): Placement {
  return { scaleX: 1, scaleY: 1, offsetX: 0 - corner.x, offsetY: 0 - corner.y };
}

/**
 * The placement of one step after another.
 *
 * @example
 * const whole = composePlacements([resizePlacement(original, resized), cropPlacement({ x: 16, y: 0 })]);
 */
export function composePlacements(steps: readonly Placement[]): Placement {
  return steps.reduce(
    (before, after) => ({
      scaleX: before.scaleX * after.scaleX,
      scaleY: before.scaleY * after.scaleY,
      offsetX: before.offsetX * after.scaleX + after.offsetX,
      offsetY: before.offsetY * after.scaleY + after.offsetY,
    }),
    { scaleX: 1, scaleY: 1, offsetX: 0, offsetY: 0 },
  );
}

/**
 * Maps a box of the original image to where it was placed, `x' = x * scaleX + offsetX`; what else the box has (label, score) is kept.
 *
 * @throws ConfigError when a scale is not above 0 or a number is not finite
 * @example
 * const placed = boxToPlaced({ x: 8, y: 8, width: 4, height: 4, label: 2 }, placement);
 */
export function boxToPlaced<B extends BoxLike>(box: B, placement: Placement): B {
  const { scaleX, scaleY, offsetX, offsetY } = checkPlacement(placement, 'boxToPlaced');
  return {
    ...box,
    x: box.x * scaleX + offsetX,
    y: box.y * scaleY + offsetY,
    width: box.width * scaleX,
    height: box.height * scaleY,
  };
}

/**
 * Maps a box that was found on the placed image back to the original: `x = (x' - offsetX) / scaleX`; what else the box has is kept.
 *
 * @throws ConfigError when a scale is not above 0 or a number is not finite
 * @example
 * const { sample, placement } = letterbox({ id: 'photo', image }, { height: 672, width: 672 });
 * const boxes = found.map((box) => boxToOriginal(box, placement));
 */
export function boxToOriginal<B extends BoxLike>(box: B, placement: Placement): B {
  const { scaleX, scaleY, offsetX, offsetY } = checkPlacement(placement, 'boxToOriginal');
  return {
    ...box,
    x: (box.x - offsetX) / scaleX,
    y: (box.y - offsetY) / scaleY,
    width: box.width / scaleX,
    height: box.height / scaleY,
  };
}

function checkPlacement(placement: Placement, caller: string): Placement {
  const { scaleX, scaleY, offsetX, offsetY } = placement;
  if (![scaleX, scaleY, offsetX, offsetY].every(Number.isFinite) || scaleX <= 0 || scaleY <= 0) {
    throw new ConfigError(
      `${caller}: expected finite offsets and scales above 0, got ${JSON.stringify(placement)}. Take the placement that letterbox returned.`,
    );
  }
  return placement;
}
