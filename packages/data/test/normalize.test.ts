import { ConfigError, ImageError } from '@sparsevit/windows';
import { describe, expect, it } from 'vitest';
import { checkRgbImage, normalizeImage, rgbFromRgba } from '../src/index';

const mean = [0.485, 0.456, 0.406];
const std = [0.229, 0.224, 0.225];

describe('normalizeImage', () => {
  it('is (p / 255 - mean) / std of the channel for every byte, in single precision', () => {
    const pixels = Uint8Array.from({ length: 256 * 3 }, (_, i) => Math.floor(i / 3));
    const values = normalizeImage({ pixels, height: 16, width: 16 }, { mean, std });
    const expected = Float32Array.from(
      pixels,
      (p, i) => (p / 255 - (mean[i % 3] ?? Number.NaN)) / (std[i % 3] ?? Number.NaN),
    );
    expect(values).toEqual(expected);
  });

  it('keeps the order of pixels and channels', () => {
    const pixels = Uint8ClampedArray.of(255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255);
    const values = normalizeImage({ pixels, height: 1, width: 4 }, { mean: [0, 0, 0], std: [1, 0.5, 0.25] });
    expect([...values]).toEqual([1, 0, 0, 0, 2, 0, 0, 0, 4, 1, 2, 4]);
  });

  it('leaves the image as it was', () => {
    const pixels = Uint8Array.of(1, 2, 3);
    normalizeImage({ pixels, height: 1, width: 1 }, { mean, std });
    expect([...pixels]).toEqual([1, 2, 3]);
  });

  it.each([
    [[0.5, 0.5], std],
    [[0.5, 0.5, 0.5, 0.5], std],
    [[0.5, Number.NaN, 0.5], std],
    [mean, [1, 1]],
    [mean, [1, 0, 1]],
    [mean, [1, -1, 1]],
    [mean, [1, Number.POSITIVE_INFINITY, 1]],
  ])('refuses mean %j and std %j', (badMean, badStd) => {
    const image = { pixels: new Uint8Array(3), height: 1, width: 1 };
    expect(() => normalizeImage(image, { mean: badMean, std: badStd })).toThrow(ConfigError);
  });
});

describe('checkRgbImage', () => {
  const pixels = new Uint8Array(12);

  it('returns a valid image', () => {
    const image = { pixels, height: 2, width: 2 };
    expect(checkRgbImage(image, 'test')).toBe(image);
  });

  it.each([
    [{ pixels, height: 0, width: 2 }, "test: expected the image's height to be a whole number of at least 1, got 0."],
    [
      { pixels, height: 2, width: 1.5 },
      "test: expected the image's width to be a whole number of at least 1, got 1.5.",
    ],
    [{ pixels, height: 2, width: Number.NaN }, /width .* got NaN/],
    [{ pixels: new Uint8Array(16), height: 2, width: 2 }, /expected 12 bytes for 2x2 pixels of 3 channels, got 16/],
    [{ pixels: new Uint8Array(0), height: 2, width: 2 }, /expected 12 bytes/],
  ])('refuses %j', (image, message) => {
    expect(() => checkRgbImage(image, 'test')).toThrow(ImageError);
    expect(() => checkRgbImage(image, 'test')).toThrow(message);
  });

  it('refuses pixels that are no bytes, as they may come from JavaScript', () => {
    const image = JSON.parse('{ "pixels": [0, 0, 0], "height": 1, "width": 1 }');
    expect(() => checkRgbImage(image, 'test')).toThrow(/expected pixels as bytes, got object/);
  });
});

describe('rgbFromRgba', () => {
  it('drops an opaque alpha channel, whatever the values', () => {
    const data = Uint8ClampedArray.from({ length: 256 * 4 }, (_, i) =>
      i % 4 === 3 ? 255 : Math.floor(i / 4) ^ (i % 4),
    );
    const { pixels, height, width } = rgbFromRgba({ data, height: 8, width: 32 });
    expect([height, width]).toEqual([8, 32]);
    expect([...pixels]).toEqual([...data.filter((_, i) => i % 4 !== 3)]);
  });

  it('lays transparent pixels on white', () => {
    const data = Uint8Array.of(0, 100, 255, 0, 0, 100, 255, 128, 0, 0, 0, 51);
    expect([...rgbFromRgba({ data, height: 1, width: 3 }).pixels]).toEqual([
      255, 255, 255, 127, 177, 255, 204, 204, 204,
    ]);
  });

  it.each([
    [{ data: new Uint8Array(4), height: 1, width: 2 }, /expected 8 bytes for 1x2 pixels of 4 channels, got 4/],
    [{ data: new Uint8Array(3), height: 1, width: 1 }, /expected 4 bytes .* got 3/],
    [{ data: new Uint8Array(4), height: 0.5, width: 2 }, /height .* got 0.5/],
    [{ data: [0, 0, 0, 0] as never, height: 1, width: 1 }, /expected data as bytes, got object/],
    [{ data: null as never, height: 1, width: 1 }, /got null/],
  ])('refuses image %#', (image, message) => {
    expect(() => rgbFromRgba(image)).toThrow(ImageError);
    expect(() => rgbFromRgba(image)).toThrow(message);
  });
});
