/** Image files to pixels, in a page or a worker: what `@sparsevit/data/node` does with sharp, with the browser's own decoder. */

import { ImageError } from '@sparsevit/windows';
import type { DecodeOptions } from '../decode-options';
import { checkSize, defaultMaxPixels } from '../decode-options';
import type { RgbImage } from '../image';
import { rgbFromRgba } from '../image';
import { openImageFile } from '../image-file';
import { resizeImage } from '../resample';

/**
 * Decodes a JPEG, PNG or WebP file to 8-bit sRGB [height, width, 3], turned as its EXIF orientation says; transparent pixels are laid on white; of an
 * animation the first frame is taken.
 *
 * @param source a `Blob` or `File`, or the bytes of a file
 * @throws ImageError with one line, when it is empty, of another format, truncated, damaged or too large; ConfigError for a size that is not one
 * @example
 * const image = await decodeImage(fileInput.files[0], { size: { height: 672, width: 672 } });
 */
export async function decodeImage(source: Blob | Uint8Array, options: DecodeOptions = {}): Promise<RgbImage> {
  const { size, maxPixels = defaultMaxPixels } = options;
  checkSize(size, maxPixels);
  const isBlob = source instanceof Blob;
  if (!isBlob && !(source instanceof Uint8Array)) {
    throw new ImageError(`decodeImage: expected a Blob or bytes, got ${source === null ? 'null' : typeof source}.`);
  }
  const name = options.name ?? (source instanceof File ? source.name : 'image');
  const bytes = isBlob ? new Uint8Array(await source.arrayBuffer()) : source;
  const { damaged, checkPixels } = openImageFile(bytes, name);
  let bitmap: ImageBitmap;
  try {
    // by bytes: what the file calls itself does not count
    bitmap = await createImageBitmap(new Blob([bytes.slice()]), { imageOrientation: 'from-image' });
  } catch (cause) {
    throw damaged(cause instanceof Error ? cause.message : String(cause), cause);
  }
  try {
    const { height, width } = bitmap;
    checkPixels({ height, width }, maxPixels);
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
    if (context === null) throw damaged('no canvas of its size');
    context.drawImage(bitmap, 0, 0);
    const image = rgbFromRgba(context.getImageData(0, 0, width, height));
    return size === undefined ? image : resizeImage(image, size);
  } finally {
    bitmap.close();
  }
}
