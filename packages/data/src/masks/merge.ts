/** The union of run-length masks, run by run: no bitmap is made. */

import { ConfigError } from '@sparsevit/windows';
import type { Rle } from './rle';
import { appendRun, checkRle, foregroundOf } from './rle';

/**
 * Joins masks of one size to their union: a pixel is in it where it is in any of them.
 *
 * @throws ConfigError when there is no mask, one is not valid, or their sizes differ
 * @example
 * mergeRles([left, right]).counts;
 */
export function mergeRles(rles: readonly Rle[]): Rle {
  const [first] = rles;
  if (first === undefined) throw new ConfigError('mergeRles: expected one or more masks, got none.');
  const [height, width] = checkRle(first, 'mergeRles').size;
  for (const rle of rles) {
    const size = checkRle(rle, 'mergeRles').size;
    if (size[0] !== height || size[1] !== width) {
      throw new ConfigError(
        `mergeRles: expected masks of one size, got ${height}x${width} and ${size[0]}x${size[1]}. Merge the masks of one image.`,
      );
    }
  }
  const runs = rles.flatMap((rle) => [...foregroundOf(rle)]).sort((a, b) => a[0] - b[0]);
  const counts: number[] = [];
  let filled = 0;
  for (const [start, end] of runs) {
    if (end <= filled) continue;
    const from = Math.max(start, filled);
    appendRun(counts, false, from - filled);
    appendRun(counts, true, end - from);
    filled = end;
  }
  appendRun(counts, false, height * width - filled);
  return { size: [height, width], counts: Uint32Array.from(counts) };
}
