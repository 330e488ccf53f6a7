/** What decoding is asked for, in Node and in a page alike. */

import { ConfigError } from '@sparsevit/windows';

/** The largest image that is decoded unless told otherwise, height * width. */
export const defaultMaxPixels = 100_000_000;

/** How `decodeImage` decodes. */
export interface DecodeOptions {
  /** Resizes to exactly these sides in pixels (aspect not kept; Lanczos in Node, averages in a page); default: the image's own. */
  readonly size?: { readonly height: number; readonly width: number };
  /** The largest image that is decoded, height * width; default 100 million pixels. */
  readonly maxPixels?: number;
  /** What errors call the image; default: its path, or `image` for bytes. */
  readonly name?: string;
}

/**
 * Refuses a size or a limit that is none.
 *
 * @throws ConfigError
 */
export function checkSize(size: DecodeOptions['size'], maxPixels: number): void {
  if (!(maxPixels >= 1)) {
    throw new ConfigError(`decodeImage: expected maxPixels to be at least 1, got ${maxPixels}.`);
  }
  if (size === undefined) return;
  const { height, width } = size;
  if (![height, width].every((side) => Number.isInteger(side) && side >= 1) || height * width > maxPixels) {
    throw new ConfigError(
      `decodeImage: expected a size of whole sides of at least 1 and at most ${maxPixels} pixels, got ${height}x${width}.`,
    );
  }
}
