import { createHash } from 'node:crypto';

/** All values of a result as their bits: -0 and NaN count. */
export function bitsOf(result: unknown): string {
  const hash = createHash('sha256');
  const visit = (item: unknown): void => {
    if (ArrayBuffer.isView(item)) hash.update(new Uint8Array(item.buffer, item.byteOffset, item.byteLength));
    else if (typeof item === 'object' && item !== null) {
      for (const [key, inner] of Object.entries(item)) {
        hash.update(`${key}:`);
        visit(inner);
      }
    } else hash.update(`${String(item)};`);
  };
  visit(result);
  return hash.digest('hex');
}
