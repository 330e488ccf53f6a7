/** What an image is in these packages: bytes, row by row, red, green, blue. */

import { ImageError } from '@sparsevit/windows';

/** An 8-bit sRGB image: `pixels` is [height, width, 3], row-major, red before green before blue. */
export interface RgbImage {
  readonly pixels: Uint8Array | Uint8ClampedArray;
  readonly height: number;
  readonly width: number;
}

/**
 * Returns the image if its sides are whole numbers of at least 1 and it has `height * width * 3` bytes.
 *
 * @param caller the name that opens the error's message
 * @throws ImageError otherwise
 * @example
 * checkRgbImage({ pixels: new Uint8Array(12), height: 2, width: 2 }, 'predict');
 */
export function checkRgbImage(image: RgbImage, caller: string): RgbImage {
  const { pixels, height, width } = image;
  for (const [name, side] of Object.entries({ height, width })) {
    if (!Number.isInteger(side) || side < 1) {
      throw new ImageError(`${caller}: expected the image's ${name} to be a whole number of at least 1, got ${side}.`);
    }
  }
  if (!(pixels instanceof Uint8Array || pixels instanceof Uint8ClampedArray)) {
    throw new ImageError(
      `${caller}: expected pixels as bytes, got ${pixels === null ? 'null' : typeof pixels}. Pass a Uint8Array.`,
    );
  }
  if (pixels.length !== height * width * 3) {
    throw new ImageError(
      `${caller}: expected ${height * width * 3} bytes for ${height}x${width} pixels of 3 channels, got ${pixels.length}. Leave out an alpha channel.`,
    );
  }
  return image;
}
