/** PNG masks to classes: the bytes of a grey image as they were stored, whatever the file says about colour. */

import { readFile, stat } from 'node:fs/promises';
import { ImageError } from '@sparsevit/windows';
import { endsAsPng, sniffFormat } from '../format';
import { loadSharp } from './sharp';

const maxFileBytes = 512 * 1024 * 1024;
const maxPixels = 100_000_000;

/** A decoded mask: `classes` is [height, width], one byte per pixel. */
export interface DecodedMask {
  readonly classes: Uint8Array;
  readonly height: number;
  readonly width: number;
}

/**
 * Decodes an 8-bit grey PNG file without any conversion: the stored bytes are the classes.
 *
 * @param source a path, or the bytes of a file
 * @param name what errors call it; default: the path, or `mask` for bytes
 * @throws ImageError when it is missing, no PNG, damaged, larger than 100 million pixels, or has a palette, colours, an alpha channel or
 * another depth; BackendError when sharp is not installed
 * @example
 * const { classes, height, width } = await decodeMask('masks/0001.png');
 */
export async function decodeMask(
  source: string | Uint8Array,
  name: string = typeof source === 'string' ? source : 'mask',
): Promise<DecodedMask> {
  const fail = (why: string, cause?: unknown): never => {
    throw new ImageError(`decodeMask: expected an 8-bit grey PNG file, got ${JSON.stringify(name)}, which ${why}.`, {
      cause,
    });
  };
  const bytes = typeof source === 'string' ? await readMaskFile(source, fail) : source;
  const sniffed = sniffFormat(bytes);
  if ('other' in sniffed) return fail(`is ${sniffed.other}`);
  if (sniffed.format !== 'PNG') return fail(`is a ${sniffed.format} image; its compression may change classes`);
  if (!endsAsPng(bytes)) return fail('is truncated or damaged (no end mark)');
  const header = headerOf(bytes);
  if (header === undefined) return fail('is damaged (no header)');
  const { height, width, depth, colourType } = header;
  const types: Record<number, string> = {
    2: 'has colours',
    3: 'has a palette',
    4: 'has alpha',
    6: 'has colours and alpha',
  };
  if (colourType !== 0)
    return fail(`${types[colourType] ?? 'is of no known kind'}. Store the class itself as grey value`);
  if (depth !== 8) return fail(`has ${depth} bits per pixel. Store one byte per pixel`);
  if (height * width > maxPixels) return fail(`has ${height}x${width} pixels, more than ${maxPixels}`);
  const sharp = await loadSharp();
  const { data, info } = await sharp(withoutExtras(bytes), { failOn: 'warning', limitInputPixels: false })
    .toColourspace('b-w')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
    .catch((cause: unknown) => fail('is truncated or damaged', cause));
  if (info.channels !== 1 || info.height !== height || info.width !== width || data.length !== height * width) {
    return fail(`decodes to ${info.height}x${info.width}x${info.channels} instead of ${height}x${width}`);
  }
  return { classes: new Uint8Array(data.buffer, data.byteOffset, data.length), height, width };
}

async function readMaskFile(path: string, fail: (why: string, cause?: unknown) => never): Promise<Uint8Array> {
  const found = await stat(path).catch((cause: unknown) => fail('cannot be read', cause));
  if (!found.isFile()) return fail('is no regular file');
  if (found.size > maxFileBytes) return fail(`has more than ${maxFileBytes} bytes`);
  return readFile(path).catch((cause: unknown) => fail('cannot be read', cause));
}

/** Bytes of a PNG file before its first chunk, and of a chunk around its data (length, type, checksum). */
const [signatureBytes, chunkFrameBytes] = [8, 12];

function headerOf(bytes: Uint8Array): { height: number; width: number; depth: number; colourType: number } | undefined {
  if (bytes.length < 33) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(12) !== 0x49484452) return undefined; // IHDR
  return { width: view.getUint32(16), height: view.getUint32(20), depth: bytes[24] ?? 0, colourType: bytes[25] ?? 0 };
}

/** The file with nothing but header, pixels and end: gamma, profiles and transparency would make a decoder convert. */
function withoutExtras(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const kept: Uint8Array[] = [bytes.subarray(0, signatureBytes)];
  for (let at = signatureBytes; at + chunkFrameBytes <= bytes.length; ) {
    const end = at + chunkFrameBytes + view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (['IHDR', 'IDAT', 'IEND'].includes(type)) kept.push(bytes.subarray(at, end));
    at = end;
  }
  return Buffer.concat(kept);
}
