/** Image files to pixels, in Node. Input is hostile: only three formats, a limit on pixels, and a damaged file is never half an image. */

import { readFile, stat } from 'node:fs/promises';
import { ImageError } from '@sparsevit/windows';
import type { DecodeOptions } from '../decode-options';
import { checkSize, defaultMaxPixels } from '../decode-options';
import type { RgbImage } from '../image';
import { openImageFile } from '../image-file';
import { loadSharp } from './sharp';

const maxFileBytes = 512 * 1024 * 1024;

/**
 * Decodes a JPEG, PNG or WebP file to 8-bit sRGB [height, width, 3], turned as its EXIF orientation says.
 *
 * Embedded colour profiles, CMYK, grey, palettes and 16 bits are converted; transparent pixels are laid on white; of an animation the
 * first frame is taken.
 *
 * @param source a path, or the bytes of a file
 * @throws ImageError with one line that names the file, when it is missing, no file, empty, of another format, truncated, damaged
 * or too large; BackendError when sharp is not installed; ConfigError for a size that is not one
 * @example
 * const image = await decodeImage('photo.jpg', { size: { height: 672, width: 672 } });
 */
export async function decodeImage(source: string | Uint8Array, options: DecodeOptions = {}): Promise<RgbImage> {
  const { size, maxPixels = defaultMaxPixels } = options;
  checkSize(size, maxPixels);
  const isPath = typeof source === 'string';
  const name = options.name ?? (isPath ? source : 'image');
  if (!isPath && !(source instanceof Uint8Array)) {
    throw new ImageError(`decodeImage: expected a path or bytes, got ${typeof source}.`);
  }
  const bytes = isPath ? await readImageFile(source) : source;
  const { damaged, checkPixels } = openImageFile(bytes, name);

  const sharp = await loadSharp();
  // Warnings count as errors: damage inside the data of a JPEG is only a warning, and the decoder would fill the rest with grey.
  const open = (): ReturnType<typeof sharp> => sharp(bytes, { failOn: 'warning', limitInputPixels: false });
  const header = await open()
    .metadata()
    .catch((cause: unknown) => {
      throw damaged(reasonOf(cause), cause);
    });
  checkPixels(header, maxPixels);
  const oriented = open().rotate(); // without an angle: by the EXIF orientation
  const resized = size
    ? oriented.resize({ ...size, fit: 'fill', kernel: 'lanczos3', fastShrinkOnLoad: false })
    : oriented;
  const { data, info } = await resized
    .flatten({ background: '#ffffff' })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
    .catch((cause: unknown) => {
      throw damaged(reasonOf(cause), cause);
    });
  const { height, width, channels } = info;
  if (channels !== 3 || data.length !== height * width * 3) {
    throw damaged(`${channels} channels and ${data.length} bytes for ${height}x${width} pixels`);
  }
  return { pixels: new Uint8Array(data.buffer, data.byteOffset, data.length), height, width };
}

async function readImageFile(path: string): Promise<Uint8Array> {
  const name = JSON.stringify(path);
  const unreadable = (cause: unknown): ImageError => {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    const reasons: Record<string, string> = {
      ENOENT: 'does not exist',
      ENOTDIR: 'does not exist',
      EACCES: 'may not be read by this user',
      EPERM: 'may not be read by this user',
    };
    return new ImageError(
      `decodeImage: expected an image file, got ${name}, which ${reasons[code] ?? `cannot be read (${code || reasonOf(cause)})`}. Check the path.`,
      { cause },
    );
  };
  const found = await stat(path).catch((cause: unknown) => {
    throw unreadable(cause);
  });
  if (!found.isFile()) {
    const kind = found.isDirectory() ? 'a directory' : 'no regular file';
    throw new ImageError(`decodeImage: expected an image file, got ${name}, which is ${kind}. Name a file.`);
  }
  if (found.size > maxFileBytes) {
    throw new ImageError(
      `decodeImage: expected a file of at most ${maxFileBytes} bytes, got ${name} with ${found.size}. Compress or scale it down first.`,
    );
  }
  return readFile(path).catch((cause: unknown) => {
    throw unreadable(cause);
  });
}

/** The decoder's own words, as one short line. */
function reasonOf(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  const words = message
    .replace(/^Input buffer has corrupt header:?/, '')
    .replace(/^Warning treated as error[^\n]*/, '');
  const line = words
    .split('\n')
    .map((part) => part.trim())
    .find((part) => part !== '');
  return (line ?? 'its header cannot be read').slice(0, 120);
}
