/** Transforms that add borders: to a size, to a multiple of a number, or around a resized image (letterbox). */

import { ConfigError } from '@sparsevit/windows';
import { cropRle } from '../masks/move';
import type { Placement } from '../placement';
import { composePlacements, cropPlacement, resizePlacement } from '../placement';
import type { ImageSize } from '../resample';
import { checkImageSize } from '../resample';
import type { Sample } from '../sample';
import { ignoredClass } from '../sample';
import { resizeSample, sizeInside } from './resize';
import type { Transform } from './transform';
import { moveMasks } from './transform';

/** Red, green and blue from 0 to 255. */
export type FillColour = readonly [number, number, number];

const black: FillColour = [0, 0, 0];

/**
 * Lays a sample on a larger canvas with its corner at (x, y): the rest of the image is `fill` (default black), of the mask 255.
 *
 * @throws ConfigError when the sample does not fit there, or the colour is not three bytes
 * @example
 * const padded = padSample(sample, { height: 224, width: 224, x: 0, y: 0 });
 */
export function padSample(
  sample: Sample,
  options: ImageSize & { readonly x: number; readonly y: number; readonly fill?: FillColour },
): Sample {
  const { height, width, x, y, fill = black } = options;
  const { image, boxes, mask } = sample;
  checkImageSize({ height, width }, 'padSample');
  checkFill(fill, 'padSample');
  const isInside = [x, y].every((value) => Number.isInteger(value) && value >= 0);
  if (!isInside || x + image.width > width || y + image.height > height) {
    throw new ConfigError(
      `padSample: expected room for ${image.height}x${image.width} pixels at row ${y}, column ${x}, got ${height}x${width}. Resize or crop first.`,
    );
  }
  if (height === image.height && width === image.width) return sample;
  const pixels = new Uint8Array(height * width * 3);
  if (fill.some((value) => value !== 0)) {
    for (let i = 0; i < pixels.length; i++) pixels[i] = fill[i % 3] ?? 0;
  }
  const padded = mask && new Uint8Array(height * width).fill(ignoredClass);
  for (let row = 0; row < image.height; row++) {
    const from = row * image.width;
    const to = (y + row) * width + x;
    pixels.set(image.pixels.subarray(3 * from, 3 * (from + image.width)), 3 * to);
    if (padded) padded.set(mask.subarray(from, from + image.width), to);
  }
  return {
    ...sample,
    image: { pixels, height, width },
    ...(boxes && {
      boxes: moveMasks(
        boxes.map((box) => ({ ...box, x: box.x + x, y: box.y + y })),
        (own) => cropRle(own, { x: -x, y: -y, height, width }),
      ),
    }),
    ...(padded && { mask: padded }),
  };
}

/**
 * Pads at the right and at the bottom to a size; a side that is long enough stays as it is. Draws nothing.
 *
 * @throws ConfigError when the size or the colour is not one
 * @example
 * const transform = padTo({ height: 224, width: 224, fill: [124, 116, 104] });
 */
export function padTo(options: ImageSize & { readonly fill?: FillColour }): Transform {
  const { fill = black } = options;
  checkImageSize(options, 'padTo');
  checkFill(fill, 'padTo');
  return (sample) => {
    const height = Math.max(options.height, sample.image.height);
    const width = Math.max(options.width, sample.image.width);
    return padSample(sample, { height, width, x: 0, y: 0, fill });
  };
}

/**
 * Pads at the right and at the bottom until both sides are multiples of the divisor. Draws nothing.
 *
 * @throws ConfigError when the divisor is not a whole number of at least 1
 * @example
 * const transform = padToDivisor({ divisor: 32 });
 */
export function padToDivisor(options: { readonly divisor: number; readonly fill?: FillColour }): Transform {
  const { divisor, fill = black } = options;
  if (!Number.isInteger(divisor) || divisor < 1) {
    throw new ConfigError(`padToDivisor: expected divisor to be a whole number of at least 1, got ${divisor}.`);
  }
  checkFill(fill, 'padToDivisor');
  const up = (side: number): number => Math.ceil(side / divisor) * divisor;
  return (sample) =>
    padSample(sample, { height: up(sample.image.height), width: up(sample.image.width), x: 0, y: 0, fill });
}

/**
 * Fits a sample into a size with its ratio kept, and pads the rest: half on either side, or with `align: 'corner'` at the right and at
 * the bottom. The placement maps what a model finds back to the original (`boxToOriginal`).
 *
 * @throws ConfigError when the size or the colour is not one
 * @example
 * const { sample: fitted, placement } = letterbox({ id: 'photo', image }, { height: 672, width: 672 });
 */
export function letterbox(
  sample: Sample,
  options: ImageSize & { readonly fill?: FillColour; readonly align?: 'centre' | 'corner' },
): { readonly sample: Sample; readonly placement: Placement } {
  const { height, width, fill = black, align = 'centre' } = options;
  checkImageSize({ height, width }, 'letterbox');
  const fitted = sizeInside(sample.image, { height, width });
  const x = align === 'centre' ? Math.floor((width - fitted.width) / 2) : 0;
  const y = align === 'centre' ? Math.floor((height - fitted.height) / 2) : 0;
  return {
    sample: padSample(resizeSample(sample, fitted), { height, width, x, y, fill }),
    placement: composePlacements([resizePlacement(sample.image, fitted), cropPlacement({ x: -x, y: -y })]),
  };
}

function checkFill(fill: FillColour, caller: string): void {
  if (fill.length !== 3 || !fill.every((value) => Number.isInteger(value) && value >= 0 && value <= 255)) {
    throw new ConfigError(
      `${caller}: expected fill to be red, green and blue from 0 to 255, got [${[...fill].join(', ')}].`,
    );
  }
}
