import { ConfigError, createRandom, ImageError } from '@sparsevit/windows';
import { describe, expect, it } from 'vitest';
import { resizeImage, resizeMask } from '../src/index';

/** An image whose three channels are the rows, the rows reversed in value, and a constant. */
const imageOf = (rows: readonly (readonly number[])[]) => ({
  pixels: Uint8Array.from(rows.flat().flatMap((value) => [value, 255 - value, 77])),
  height: rows.length,
  width: rows[0]?.length ?? 0,
});
const redOf = (pixels: ArrayLike<number>): number[] => Array.from(pixels).filter((_, i) => i % 3 === 0);

describe('resizeImage', () => {
  it.each<[string, number[][], [number, number], number[]]>([
    [
      'halves by averages of 2x2',
      [
        [0, 4, 8, 8],
        [4, 8, 0, 0],
      ],
      [1, 2],
      [4, 4],
    ],
    ['averages areas with shares of pixels, 3 to 2', [[0, 90, 240]], [1, 2], [30, 190]],
    ['averages 5 to 2: weights 2/5 2/5 1/5', [[10, 20, 100, 30, 50]], [1, 2], [32, 52]],
    ['enlarges linearly between centres, 2 to 4', [[0, 100]], [1, 4], [0, 25, 75, 100]],
    ['enlarges down, too', [[0], [100]], [4, 1], [0, 25, 75, 100]],
    ['repeats a single pixel', [[7]], [2, 3], [7, 7, 7, 7, 7, 7]],
    [
      'shrinks one way and enlarges the other',
      [
        [0, 20],
        [100, 120],
      ],
      [4, 1],
      [10, 35, 85, 110],
    ],
    ['rounds half up', [[1, 2]], [1, 1], [2]],
  ])('%s', (_, rows, [height, width], red) => {
    const resized = resizeImage(imageOf(rows), { height, width });
    expect([resized.height, resized.width]).toEqual([height, width]);
    expect(redOf(resized.pixels)).toEqual(red);
    expect(redOf(resized.pixels.subarray(2))).toEqual(red.map(() => 77));
  });

  it('equals the average of every block, when sides divide', () => {
    const random = createRandom(1);
    const pixels = Uint8Array.from({ length: 12 * 15 * 3 }, () => random.integer(0, 256));
    const { pixels: small } = resizeImage({ pixels, height: 12, width: 15 }, { height: 3, width: 5 });
    for (let i = 0; i < small.length; i++) {
      const [channel, x, y] = [i % 3, Math.floor(i / 3) % 5, Math.floor(i / 15)];
      let sum = 0;
      for (let row = 0; row < 4; row++) {
        for (let column = 0; column < 3; column++)
          sum += pixels[3 * ((4 * y + row) * 15 + 3 * x + column) + channel] ?? 0;
      }
      expect(Math.abs((small[i] ?? 0) - sum / 12)).toBeLessThan(0.501);
    }
  });

  it('keeps a constant image constant at any size', () => {
    for (const value of [0, 1, 128, 254, 255]) {
      const image = { pixels: new Uint8Array(7 * 11 * 3).fill(value), height: 7, width: 11 };
      for (const [height, width] of [
        [1, 1],
        [3, 5],
        [7, 12],
        [20, 4],
        [6, 10],
        [23, 29],
      ] as const) {
        const { pixels } = resizeImage(image, { height, width });
        expect(pixels.every((byte) => byte === value)).toBe(true);
      }
    }
  });

  it('leaves the given image alone', () => {
    const image = imageOf([[1, 2, 3]]);
    expect(resizeImage(image, { height: 1, width: 3 })).toBe(image);
    resizeImage(image, { height: 2, width: 2 });
    expect(redOf(image.pixels)).toEqual([1, 2, 3]);
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 1e9])('refuses a side of %d', (side) => {
    expect(() => resizeImage(imageOf([[1]]), { height: side, width: 4 })).toThrow(ConfigError);
  });

  it('refuses what is no image', () => {
    expect(() => resizeImage({ pixels: new Uint8Array(2), height: 1, width: 1 }, { height: 1, width: 1 })).toThrow(
      ImageError,
    );
  });
});

describe('resizeMask', () => {
  it('takes the nearest pixel', () => {
    const resized = resizeMask(Uint8Array.of(1, 2, 3, 4, 5, 6), {
      from: { height: 2, width: 3 },
      to: { height: 4, width: 2 },
    });
    expect([...resized]).toEqual([1, 3, 1, 3, 4, 6, 4, 6]);
  });

  it('invents no class', () => {
    const random = createRandom(3);
    const mask = Uint8Array.from({ length: 9 * 13 }, () => 50 * random.integer(0, 3));
    const resized = resizeMask(mask, { from: { height: 9, width: 13 }, to: { height: 30, width: 5 } });
    expect(new Set(resized)).toEqual(new Set([0, 50, 100]));
  });

  it('refuses bytes that do not fit', () => {
    const size = { height: 2, width: 2 };
    expect(() => resizeMask(new Uint8Array(3), { from: size, to: size })).toThrow(/expected 4 bytes .* got 3/);
  });
});
