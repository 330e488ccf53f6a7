/**
 * The two forms in which COCO writes a run-length mask into JSON: a list of numbers, and a string. The string has each number as
 * little-endian groups of 5 bits, signed, a sixth bit says that another group follows, and each group is the character of code 48
 * above it; from the fourth number on, the difference to the number two before is written, as runs of one mask resemble each other.
 */

import { ConfigError } from '@sparsevit/windows';
import type { Rle } from './rle';
import { checkRle, checkSize } from './rle';

/** A mask as it is in COCO's JSON: `counts` as numbers (annotations of crowds), or as a string (results of models). */
export interface CocoRle {
  readonly size: readonly number[];
  readonly counts: readonly number[] | string;
}

/** Six groups hold any difference of two runs of 100 million pixels; more groups are never needed. */
const maxGroups = 6;

/**
 * Reads a mask from either of COCO's forms.
 *
 * @throws ConfigError when the size is none, a character is outside of the code, a run is negative, or the runs do not fill the size
 * @example
 * parseRle({ size: [2, 2], counts: '22' }).counts; // 2, 2
 * parseRle({ size: [2, 2], counts: [2, 2] }).counts; // 2, 2
 */
export function parseRle(form: CocoRle): Rle {
  if (typeof form !== 'object' || form === null) {
    throw new ConfigError(`parseRle: expected { size, counts }, got ${form === null ? 'null' : typeof form}.`);
  }
  const size = checkSize(form.size, 'parseRle', (message) => new ConfigError(message));
  const { counts } = form;
  if (typeof counts !== 'string' && !Array.isArray(counts)) {
    throw new ConfigError(`parseRle: expected counts as a list of numbers or a string, got ${typeof counts}.`);
  }
  const runs = typeof counts === 'string' ? readString(counts) : counts;
  const largest = size[0] * size[1];
  // Uint32Array would wrap a negative or broken number to a valid one, so every run is looked at before.
  for (const [index, run] of runs.entries()) {
    if (!Number.isInteger(run) || run < 0 || run > largest) {
      throw new ConfigError(
        `parseRle: expected runs of 0 to ${largest} pixels, got ${run} at ${index}. The counts are damaged.`,
      );
    }
  }
  return checkRle({ size, counts: Uint32Array.from(runs) }, 'parseRle');
}

/**
 * Writes the counts of a mask as COCO's string; `{ size, counts: compressRle(rle) }` is what a file of results has.
 *
 * @throws ConfigError when the mask is not one
 * @example
 * compressRle({ size: [2, 2], counts: Uint32Array.of(2, 2) }); // '22'
 */
export function compressRle(rle: Rle): string {
  const { counts } = checkRle(rle, 'compressRle');
  const characters: string[] = [];
  for (let run = 0; run < counts.length; run++) {
    let rest = (counts[run] ?? 0) - (run > 2 ? (counts[run - 2] ?? 0) : 0);
    let isLast = false;
    while (!isLast) {
      const group = rest & 31;
      rest >>= 5;
      // The last group's highest bit is the sign: what is left has to be that sign and nothing else.
      isLast = rest === ((group & 16) === 0 ? 0 : -1);
      characters.push(String.fromCharCode(48 + (isLast ? group : group | 32)));
    }
  }
  return characters.join('');
}

function readString(text: string): number[] {
  const runs: number[] = [];
  let value = 0;
  let groups = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at) - 48;
    if (code < 0 || code > 63) {
      throw new ConfigError(
        `parseRle: expected characters from "0" to "o", got ${JSON.stringify(text[at])} at ${at}. The string is damaged.`,
      );
    }
    if (groups === maxGroups) {
      throw new ConfigError(`parseRle: expected at most ${maxGroups} characters per run, got more at ${at}.`);
    }
    value |= (code & 31) << (5 * groups++);
    if ((code & 32) !== 0) continue;
    if ((code & 16) !== 0) value |= -1 << (5 * groups);
    runs.push(value + (runs.length > 2 ? (runs[runs.length - 2] ?? 0) : 0));
    value = 0;
    groups = 0;
  }
  if (groups > 0)
    throw new ConfigError('parseRle: expected a whole number at the end of the string, got a part of one.');
  return runs;
}
