/** What kind of file some bytes are, by their first bytes: only three formats reach the decoder, whatever the file is called. */

/** A format that is decoded. */
export type ImageFormat = 'JPEG' | 'PNG' | 'WebP';

/** Either a format that is decoded, or a word for what the bytes are instead. */
export type SniffedFormat = { readonly format: ImageFormat } | { readonly other: string };

/** Beginnings of other formats, one character per byte. */
const others: readonly { readonly name: string; readonly at?: number; readonly beginnings: readonly string[] }[] = [
  { name: 'a GIF image', beginnings: ['GIF8'] },
  { name: 'a TIFF image', beginnings: ['II*\0', 'MM\0*', 'II+\0', 'MM\0+'] },
  { name: 'a PDF document', beginnings: ['%PDF-'] },
  { name: 'a BMP image', beginnings: ['BM'] },
  { name: 'an AVIF, HEIC or video file', at: 4, beginnings: ['ftyp'] },
  { name: 'a JPEG XL image', beginnings: ['\xff\x0a', '\0\0\0\x0cJXL '] },
  { name: 'a JPEG 2000 image', beginnings: ['\0\0\0\x0cjP  ', '\xff\x4f\xff\x51'] },
  { name: 'a gzip archive', beginnings: ['\x1f\x8b'] },
  { name: 'a zip archive', beginnings: ['PK\x03\x04'] },
];

/**
 * Names the format of a file from its first bytes.
 *
 * @example
 * sniffFormat(new TextEncoder().encode('hello')); // { other: 'text' }
 */
export function sniffFormat(bytes: Uint8Array): SniffedFormat {
  if (bytes.length === 0) return { other: 'an empty file' };
  const head = Array.from(bytes.subarray(0, 512), (byte) => String.fromCharCode(byte)).join('');
  if (head.startsWith('\xff\xd8\xff')) return { format: 'JPEG' };
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return { format: 'PNG' };
  if (head.startsWith('RIFF') && head.slice(8, 12) === 'WEBP') return { format: 'WebP' };
  for (const { name, at = 0, beginnings } of others) {
    if (beginnings.some((beginning) => head.startsWith(beginning, at))) return { other: name };
  }
  if (/<svg[\s>]/i.test(head)) return { other: 'an SVG image' };
  const isText = [...bytes.subarray(0, 512)].every((byte) => byte >= 32 || (byte >= 9 && byte <= 13));
  return { other: isText ? 'text' : 'data of another kind' };
}

/**
 * True when a PNG's chunks fill the file up to its end mark. The decoder accepts a file whose end mark is cut off; a copy that was
 * interrupted is refused here instead.
 */
export function endsAsPng(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const endMark = 0x49454e44; // 'IEND'
  for (let at = 8; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    if (view.getUint32(at + 4) === endMark) return true;
  }
  return false;
}
