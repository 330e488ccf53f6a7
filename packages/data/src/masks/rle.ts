/**
 * Run-length masks as COCO has them: the lengths of runs of equal pixels, down the first column, then down the next; the first run
 * is of zeros (and may be 0 long). A mask is some hundred numbers where its bitmap has a byte for each pixel of the image.
 */

import { ConfigError, ImageError } from '@sparsevit/windows';

/** A mask over an image: `counts` are run lengths in column-major order, zeros first, and add up to `height * width`. */
export interface Rle {
  readonly size: readonly [height: number, width: number];
  readonly counts: Uint32Array;
}

/** What bounds the memory that a document can ask for: as large as the largest image that `decodeImage` takes. */
const maxPixels = 100_000_000;

/**
 * Encodes a bitmap: the lengths of its runs, column by column.
 *
 * @param bitmap [height, width], row-major; every value but 0 belongs to the mask
 * @throws ImageError when bitmap and sides do not fit
 * @example
 * encodeRle(Uint8Array.of(0, 1, 0, 1), 2, 2).counts; // 2, 2: the right column
 */
export function encodeRle(bitmap: Uint8Array | Uint8ClampedArray, height: number, width: number): Rle {
  checkSize([height, width], 'encodeRle', (message) => new ImageError(message));
  if (bitmap.length !== height * width) {
    throw new ImageError(
      `encodeRle: expected ${height * width} values for ${height}x${width}, got ${bitmap.length}. Pass one byte per pixel.`,
    );
  }
  const counts: number[] = [];
  for (let x = 0; x < width; x++) {
    for (let at = x; at < bitmap.length; at += width) appendRun(counts, bitmap[at] !== 0, 1);
  }
  return { size: [height, width], counts: Uint32Array.from(counts) };
}

/**
 * Decodes a mask to the bitmap that {@link encodeRle} takes.
 *
 * @returns [height, width], row-major, of 0 and 1
 * @throws ConfigError when the mask is not one
 * @example
 * decodeRle({ size: [2, 2], counts: Uint32Array.of(2, 2) }); // 0, 1, 0, 1
 */
export function decodeRle(rle: Rle): Uint8Array {
  const [height, width] = checkRle(rle, 'decodeRle').size;
  const bitmap = new Uint8Array(height * width);
  for (const [start, end] of foregroundOf(rle)) {
    for (let pixel = start; pixel < end; pixel++) {
      bitmap[(pixel % height) * width + Math.floor(pixel / height)] = 1;
    }
  }
  return bitmap;
}

/**
 * Counts the pixels of a mask: the sum of every second run.
 *
 * @throws ConfigError when the mask is not one
 * @example
 * areaOf({ size: [2, 2], counts: Uint32Array.of(1, 3) }); // 3
 */
export function areaOf(rle: Rle): number {
  const { counts } = checkRle(rle, 'areaOf');
  let area = 0;
  for (let run = 1; run < counts.length; run += 2) area += counts[run] ?? 0;
  return area;
}

/**
 * Returns the mask if its sides are whole numbers of at least 1, up to 100 million pixels, and its runs add up to them.
 *
 * @param caller the name that opens the error's message
 * @throws ConfigError otherwise
 * @example
 * checkRle({ size: [2, 2], counts: Uint32Array.of(4) }, 'paint');
 */
export function checkRle(rle: Rle, caller: string): Rle {
  if (typeof rle !== 'object' || rle === null || !(rle.counts instanceof Uint32Array)) {
    throw new ConfigError(
      `${caller}: expected a mask { size, counts: Uint32Array }, got none. parseRle reads COCO's forms.`,
    );
  }
  const [height, width] = checkSize(rle.size, caller, (message) => new ConfigError(message));
  let sum = 0;
  for (const count of rle.counts) sum += count;
  if (sum !== height * width) {
    throw new ConfigError(
      `${caller}: expected runs that add up to ${height * width} for ${height}x${width}, got ${sum}. The mask is of another size, or cut off.`,
    );
  }
  return rle;
}

/** Checks the sides of a mask; `errorOf` makes the error, because sides come with bitmaps and with annotations. */
export function checkSize(
  size: readonly number[],
  caller: string,
  errorOf: (message: string) => Error,
): readonly [height: number, width: number] {
  const [height, width, ...rest] = Array.isArray(size) ? (size as readonly number[]) : [];
  const isSide = (side: number | undefined): side is number => Number.isInteger(side) && Number(side) >= 1;
  if (!isSide(height) || !isSide(width) || rest.length > 0) {
    throw errorOf(`${caller}: expected a size [height, width] of whole numbers of at least 1, got ${shown(size)}.`);
  }
  if (height * width > maxPixels) {
    throw errorOf(`${caller}: expected a mask of at most ${maxPixels} pixels, got ${height}x${width}.`);
  }
  return [height, width];
}

/** Lists the runs of ones as [start, end) in column-major pixels; runs without a pixel are left out. */
export function* foregroundOf({ counts }: Rle): Generator<readonly [start: number, end: number]> {
  let at = 0;
  for (let run = 0; run < counts.length; run++) {
    const end = at + (counts[run] ?? 0);
    if (run % 2 === 1 && end > at) yield [at, end];
    at = end;
  }
}

/** Makes `counts` longer by `length` pixels of one value; the last run grows where it has that value already. */
export function appendRun(counts: number[], isForeground: boolean, length: number): void {
  if (length === 0) return;
  // Runs alternate and zeros come first: an even number of runs ends with ones, and with no run at all the next is of zeros.
  if (counts.length === 0 && isForeground) counts.push(0);
  const endsForeground = counts.length % 2 === 0;
  if (counts.length > 0 && endsForeground === isForeground) counts[counts.length - 1] = (counts.at(-1) ?? 0) + length;
  else counts.push(length);
}

const shown = (value: unknown): string => (JSON.stringify(value) ?? String(value)).slice(0, 60);
