import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { figures } from '../src/figures/figures';
import { pngAddress } from '../src/figures/png';

describe.each(Object.entries(figures))('docs/images/%s', (name, draw) => {
  it('is what the packages draw (if not: node tooling/site/site.mjs figures)', async () => {
    const committed = readFileSync(new URL(`../../../docs/images/${name}`, import.meta.url), 'utf8');
    // not toBe: a difference of a hundred kilobytes helps nobody
    expect((await draw()) === committed).toBe(true);
  });
});

describe('pngAddress', () => {
  it('stores pixels that a decoder of its own reads back', async () => {
    const { decodeImage } = await import('@sparsevit/data/node');
    const [height, width] = [151, 163]; // more than one stored block
    const pixels = Uint8Array.from({ length: height * width * 3 }, (_, i) => (i * 7919) % 256);
    const file = Buffer.from(pngAddress(pixels, height, width, 3).split(',')[1] ?? '', 'base64');
    const image = await decodeImage(file);
    expect([image.height, image.width]).toEqual([height, width]);
    expect(Buffer.from(image.pixels).equals(Buffer.from(pixels))).toBe(true);
  });
});
