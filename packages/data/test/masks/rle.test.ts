import { ConfigError, createRandom, ImageError } from '@sparsevit/windows';
import { describe, expect, it } from 'vitest';
import { areaOf, boxOf, compressRle, decodeRle, encodeRle, mergeRles, parseRle } from '../../src/index';
import { randomBitmap } from './random-bitmap';

const rle = (height: number, width: number, ...counts: number[]) => ({
  size: [height, width] as const,
  counts: Uint32Array.from(counts),
});

describe('encodeRle', () => {
  it('runs down the columns, zeros first', () => {
    // 0 1 1
    // 1 1 0
    expect([...encodeRle(Uint8Array.of(0, 1, 1, 1, 1, 0), 2, 3).counts]).toEqual([1, 4, 1]);
    expect([...encodeRle(Uint8Array.of(7, 0), 1, 2).counts]).toEqual([0, 1, 1]);
    expect([...encodeRle(new Uint8Array(6), 2, 3).counts]).toEqual([6]);
    expect([...encodeRle(new Uint8Array(6).fill(255), 2, 3).counts]).toEqual([0, 6]);
  });

  it.each([
    [new Uint8Array(5), 2, 3, /expected 6 values for 2x3, got 5/],
    [new Uint8Array(0), 0, 3, /whole numbers of at least 1, got \[0,3\]/],
    [new Uint8Array(6), 1.5, 4, /got \[1.5,4\]/],
    [new Uint8Array(6), 20_000, 20_000, /at most 100000000 pixels, got 20000x20000/],
  ])('refuses bitmap %#', (bitmap, height, width, message) => {
    expect(() => encodeRle(bitmap, height, width)).toThrow(ImageError);
    expect(() => encodeRle(bitmap, height, width)).toThrow(message);
  });
});

describe('masks of random bitmaps', () => {
  const random = createRandom(11);
  const cases = Array.from({ length: 200 }, () => randomBitmap(random));

  it('come back from runs, from the string and from the list of numbers', () => {
    for (const { bitmap, height, width } of cases) {
      const encoded = encodeRle(bitmap, height, width);
      expect(decodeRle(encoded)).toEqual(bitmap);
      const size = [height, width];
      expect(parseRle({ size, counts: compressRle(encoded) })).toEqual(encoded);
      expect(parseRle({ size, counts: [...encoded.counts] })).toEqual(encoded);
    }
  });

  it('have the area and the box of their pixels', () => {
    for (const { bitmap, height, width } of cases) {
      const encoded = encodeRle(bitmap, height, width);
      const pixels = [...bitmap.keys()].filter((at) => bitmap[at] === 1);
      const [xs, ys] = [pixels.map((at) => at % width), pixels.map((at) => Math.floor(at / width))];
      const [left, top] = [Math.min(...xs), Math.min(...ys)];
      expect(areaOf(encoded)).toBe(pixels.length);
      expect(boxOf(encoded)).toEqual(
        pixels.length === 0 ? [0, 0, 0, 0] : [left, top, Math.max(...xs) - left + 1, Math.max(...ys) - top + 1],
      );
    }
  });

  it('merge to the union of their pixels', () => {
    for (let at = 0; at < 60; at++) {
      const [height, width] = [random.integer(1, 12), random.integer(1, 12)];
      const bitmaps = Array.from(
        { length: random.integer(1, 5) },
        () => randomBitmap(random, { height, width }).bitmap,
      );
      const union = Uint8Array.from({ length: height * width }, (_, pixel) =>
        bitmaps.some((bitmap) => bitmap[pixel] === 1) ? 1 : 0,
      );
      expect(mergeRles(bitmaps.map((bitmap) => encodeRle(bitmap, height, width)))).toEqual(
        encodeRle(union, height, width),
      );
    }
  });
});

describe('runs of no pixel', () => {
  it('change nothing', () => {
    const odd = rle(2, 3, 0, 0, 1, 2, 0, 1, 2, 0);
    expect([...decodeRle(odd)]).toEqual([0, 1, 0, 1, 1, 0]);
    expect(areaOf(odd)).toBe(3);
    expect(boxOf(odd)).toEqual([0, 0, 2, 2]);
    expect([...mergeRles([odd]).counts]).toEqual([1, 3, 2]);
  });
});

describe('what is no mask', () => {
  it.each([
    [rle(2, 2, 3), /add up to 4 for 2x2, got 3/],
    [rle(2, 2, 4, 4_294_967_295), /got 4294967299/],
    [rle(0, 2), /size \[height, width\]/],
    [{ size: [2, 2], counts: [4] } as never, /counts: Uint32Array/],
    [{ size: [2, 2, 1], counts: Uint32Array.of(4) } as never, /got \[2,2,1\]/],
    [{ counts: Uint32Array.of(4) } as never, /size \[height, width\]/],
    [null as never, /expected a mask/],
  ])('is refused: %#', (bad, message) => {
    for (const use of [decodeRle, areaOf, boxOf, compressRle]) {
      expect(() => use(bad)).toThrow(ConfigError);
      expect(() => use(bad)).toThrow(message);
    }
    expect(() => mergeRles([bad])).toThrow(ConfigError);
  });

  it('is refused by mergeRles where there is none, or sizes differ', () => {
    expect(() => mergeRles([])).toThrow(/one or more masks, got none/);
    expect(() => mergeRles([rle(2, 2, 4), rle(1, 4, 4)])).toThrow(/one size, got 2x2 and 1x4/);
  });

  it.each([
    [{ size: [2, 2], counts: [5, -1] }, /runs of 0 to 4 pixels, got 5 at 0/],
    [{ size: [2, 2], counts: [2, -1, 3] }, /got -1 at 1/],
    [{ size: [2, 2], counts: [2, 1.5, 0.5] }, /got 1.5 at 1/],
    [{ size: [2, 2], counts: [Number.NaN] }, /got NaN at 0/],
    [{ size: [2, 2], counts: [2, null] as never }, /got null at 1/],
    [{ size: [2, 2], counts: [2, 1] }, /add up to 4 for 2x2, got 3/],
    [{ size: [2, 2], counts: [] }, /got 0/],
    [{ size: [2, 2], counts: '' }, /got 0/],
    [{ size: [2, 2], counts: '2/2' }, /from "0" to "o", got "\/" at 1/],
    [{ size: [2, 2], counts: '2é2' }, /got "é" at 1/],
    [{ size: [2, 2], counts: '2p' }, /got "p" at 1/],
    [{ size: [2, 2], counts: '2R' }, /expected a whole number at the end/],
    [{ size: [2, 2], counts: 'PPPPPP0' }, /at most 6 characters per run/],
    [{ size: [2, 2], counts: 'O5' }, /got -1 at 0/],
    [{ size: [1e5, 1e5], counts: [1e10] }, /at most 100000000 pixels/],
    [{ size: [2, '2'] as never, counts: [4] }, /got \[2,"2"\]/],
    [{ size: [2, 2] } as never, /list of numbers or a string, got undefined/],
    [null as never, /got null/],
  ])('is refused by parseRle: %j', (form, message) => {
    expect(() => parseRle(form)).toThrow(ConfigError);
    expect(() => parseRle(form)).toThrow(message);
  });
});
