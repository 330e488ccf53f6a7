/** PNG files that are the same bytes on every machine: the pixels are stored, not compressed, since compressors differ. */
import { crc32 } from 'node:zlib';

const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const mostStored = 0xffff;

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const bytes = Buffer.alloc(body.length + 8);
  bytes.writeUInt32BE(data.length, 0);
  body.copy(bytes, 4);
  bytes.writeUInt32BE(crc32(body), body.length + 4);
  return bytes;
}

function adler32(data: Uint8Array): number {
  let [low, high] = [1, 0];
  for (const byte of data) {
    low = (low + byte) % 65_521;
    high = (high + low) % 65_521;
  }
  return ((high << 16) | low) >>> 0;
}

/** The zlib format with blocks that are stored. */
function stored(data: Uint8Array): Buffer {
  const parts = [Buffer.of(0x78, 0x01)];
  for (let start = 0; start < data.length; start += mostStored) {
    const block = data.subarray(start, start + mostStored);
    const head = Buffer.alloc(5);
    head[0] = start + block.length === data.length ? 1 : 0;
    head.writeUInt16LE(block.length, 1);
    head.writeUInt16LE(block.length ^ 0xffff, 3);
    parts.push(head, Buffer.from(block));
  }
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(adler32(data), 0);
  return Buffer.concat([...parts, sum]);
}

/**
 * An image as an address that a page can show.
 *
 * @param pixels [height, width, channels] bytes; 1 channel is grey, 3 are red, green and blue, 4 have an opacity
 */
export function pngAddress(pixels: Uint8Array, height: number, width: number, channels: 1 | 3 | 4): string {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  header[9] = { 1: 0, 3: 2, 4: 6 }[channels];
  const stride = width * channels;
  const rows = Array.from({ length: height }, (_, row) => [
    Buffer.of(0), // no filter
    Buffer.from(pixels.subarray(row * stride, (row + 1) * stride)),
  ]);
  const file = Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', stored(Buffer.concat(rows.flat()))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
  return `data:image/png;base64,${file.toString('base64')}`;
}
