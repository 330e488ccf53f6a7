/** Scaling by areas: every output pixel is the mean of the part of the photo that it covers. */

import type { RgbImage } from '@sparsevit/data';

/** Which pixels along one axis an output pixel covers, and by how much; the weights of one output pixel add up to 1. */
interface Coverage {
  readonly first: number;
  readonly weights: readonly number[];
}

function coverageOf(position: number, from: number, to: number): Coverage {
  const start = (position * from) / to;
  const end = ((position + 1) * from) / to;
  const first = Math.floor(start);
  const weights: number[] = [];
  for (let i = first; i < end && i < from; i++) {
    weights.push(((Math.min(end, i + 1) - Math.max(start, i)) * to) / from);
  }
  return { first, weights };
}

/**
 * The image in another size; smaller by means over areas, larger by a whole factor by repeating pixels.
 *
 * @returns [height, width, 3]; the same pixels when the size is the same
 */
export function resampleByArea(image: RgbImage, height: number, width: number): RgbImage & { pixels: Uint8Array } {
  const columns = Array.from({ length: width }, (_, x) => coverageOf(x, image.width, width));
  const pixels = new Uint8Array(height * width * 3);
  const sum = new Float64Array(width * 3);
  const reduced = new Float64Array(width * 3);
  let reducedRow = -1;
  const reduceRow = (row: number): void => {
    if (row === reducedRow) return; // neighbours share the row between them
    reducedRow = row;
    reduced.fill(0);
    columns.forEach(({ first, weights }, x) => {
      let at = 3 * (row * image.width + first);
      for (const weight of weights) {
        for (let channel = 0; channel < 3; channel++) {
          reduced[3 * x + channel] = (reduced[3 * x + channel] ?? 0) + weight * (image.pixels[at + channel] ?? 0);
        }
        at += 3;
      }
    });
  };
  for (let y = 0; y < height; y++) {
    const { first, weights } = coverageOf(y, image.height, height);
    sum.fill(0);
    weights.forEach((weight, i) => {
      reduceRow(first + i);
      for (let j = 0; j < sum.length; j++) sum[j] = (sum[j] ?? 0) + weight * (reduced[j] ?? 0);
    });
    for (let j = 0; j < sum.length; j++) pixels[y * width * 3 + j] = Math.floor((sum[j] ?? 0) + 0.5);
  }
  return { pixels, height, width };
}
