/** Pixels to a PNG file's bytes, in Node. */

import type { RgbImage } from '../image';
import { checkRgbImage } from '../image';
import { loadSharp } from './sharp';

/**
 * Encodes an image as PNG, without loss.
 *
 * @returns the bytes of a PNG file
 * @throws ImageError when the image is not one; BackendError when sharp is not installed
 * @example
 * await writeFile('scene.png', await encodePng(drawScene({ seed: 1, height: 672, width: 672 }).image));
 */
export async function encodePng(image: RgbImage): Promise<Uint8Array> {
  const { pixels, height, width } = checkRgbImage(image, 'encodePng');
  const sharp = await loadSharp();
  const raw = { height, width, channels: 3 } as const;
  const data = await sharp(pixels, { raw, limitInputPixels: false }).png().toBuffer();
  return new Uint8Array(data.buffer, data.byteOffset, data.length);
}
