/** What an image is in these packages: bytes, row by row, red, green, blue; and how the image of a canvas becomes one. */

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
  checkSides({ height, width }, caller);
  if (!isBytes(pixels)) {
    throw new ImageError(`${caller}: expected pixels as bytes, got ${kindOf(pixels)}. Pass a Uint8Array.`);
  }
  if (pixels.length !== height * width * 3) {
    throw new ImageError(
      `${caller}: expected ${height * width * 3} bytes for ${height}x${width} pixels of 3 channels, got ${pixels.length}. rgbFromRgba takes out an alpha channel.`,
    );
  }
  return image;
}

/** An image with an alpha channel as a canvas has it: `ImageData`, or any object of its shape. `data` is [height, width, 4], not premultiplied. */
export interface RgbaImage {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly height: number;
  readonly width: number;
}

/**
 * Takes the alpha channel out of an image: transparent pixels are laid on white, `round(p * a / 255 + 255 - a)`, as `decodeImage` does.
 *
 * @param image what `context.getImageData` gives: [height, width, 4]
 * @returns [height, width, 3]
 * @throws ImageError when sides and bytes do not fit
 * @example
 * const image = rgbFromRgba(context.getImageData(0, 0, canvas.width, canvas.height));
 */
export function rgbFromRgba(image: RgbaImage): RgbImage {
  const { data, height, width } = image;
  checkSides({ height, width }, 'rgbFromRgba');
  if (!isBytes(data)) {
    throw new ImageError(`rgbFromRgba: expected data as bytes, got ${kindOf(data)}. Pass an ImageData.`);
  }
  if (data.length !== height * width * 4) {
    throw new ImageError(
      `rgbFromRgba: expected ${height * width * 4} bytes for ${height}x${width} pixels of 4 channels, got ${data.length}.`,
    );
  }
  const pixels = new Uint8Array(height * width * 3);
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    const alpha = data[from + 3] ?? 0;
    for (let channel = 0; channel < 3; channel++) {
      const value = data[from + channel] ?? 0;
      pixels[to + channel] = alpha === 255 ? value : Math.round((value * alpha) / 255 + 255 - alpha);
    }
  }
  return { pixels, height, width };
}

function checkSides(sides: { height: number; width: number }, caller: string): void {
  for (const [name, side] of Object.entries(sides)) {
    if (!Number.isInteger(side) || side < 1) {
      throw new ImageError(`${caller}: expected the image's ${name} to be a whole number of at least 1, got ${side}.`);
    }
  }
}

const isBytes = (value: unknown): boolean => value instanceof Uint8Array || value instanceof Uint8ClampedArray;
const kindOf = (value: unknown): string => (value === null ? 'null' : typeof value);
