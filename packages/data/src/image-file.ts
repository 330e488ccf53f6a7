/** An image file before a decoder sees it, and what is said of one that cannot be decoded: the same in Node and in a page. */

import { ImageError } from '@sparsevit/windows';
import { endsAsPng, sniffFormat } from './format';
import type { ImageSize } from './resample';

/** A file of a format that is decoded. */
export interface ImageFile {
  /** The error of a file that a decoder refuses; `detail` is why, in a few words. */
  damaged(detail: string, cause?: unknown): ImageError;
  /** @throws ImageError for more pixels than are wanted */
  checkPixels(size: ImageSize, maxPixels: number): void;
}

/**
 * Looks at the first bytes of a file, and at the last ones of a PNG: the decoders accept a PNG whose end is cut off.
 *
 * @param name what errors call the file
 * @throws ImageError for an empty file, another format, or a PNG that is cut off
 * @example
 * const { damaged } = openImageFile(bytes, 'photo.jpg');
 */
export function openImageFile(bytes: Uint8Array, name: string): ImageFile {
  const quoted = JSON.stringify(name);
  const sniffed = sniffFormat(bytes);
  if ('other' in sniffed) {
    throw new ImageError(
      `decodeImage: expected a JPEG, PNG or WebP image, got ${quoted}, which is ${sniffed.other}. Convert it to one of these formats.`,
    );
  }
  const damaged: ImageFile['damaged'] = (detail, cause) =>
    new ImageError(
      `decodeImage: expected a whole ${sniffed.format} image, got ${quoted}, which is truncated or damaged (${detail}). Fetch or export the file again.`,
      { cause },
    );
  if (sniffed.format === 'PNG' && !endsAsPng(bytes)) throw damaged('no end mark');
  return {
    damaged,
    checkPixels({ height, width }, maxPixels) {
      if (height * width <= maxPixels) return;
      throw new ImageError(
        `decodeImage: expected at most ${maxPixels} pixels, got ${quoted} with ${height * width} (${height}x${width}). Scale it down first.`,
      );
    },
  };
}
