/** The image that every engine gets. */

import { createRandom } from '@sparsevit/windows';

/** Seeded pixels [1, side, side, 3], normal with mean 0 and deviation 1, as a normalised photo has them. */
export function seededImage(sidePixels: number): Float32Array {
  const random = createRandom(sidePixels);
  return Float32Array.from({ length: sidePixels * sidePixels * 3 }, () => random.normal());
}

/** The same pixels as [1, 3, side, side]. */
export function channelsFirst(pixels: Float32Array, sidePixels: number): Float32Array {
  const plane = sidePixels * sidePixels;
  return Float32Array.from(pixels, (_, index) => pixels[(index % plane) * 3 + Math.floor(index / plane)] ?? 0);
}
