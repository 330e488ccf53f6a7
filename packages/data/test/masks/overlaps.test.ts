import { ConfigError, createRandom } from '@sparsevit/windows';
import { describe, expect, it } from 'vitest';
import type { CocoBox } from '../../src/index';
import { boxIou, encodeRle, maskIou } from '../../src/index';
import { randomBitmap } from './random-bitmap';

describe('maskIou', () => {
  it('is what counting pixels gives', () => {
    const random = createRandom(5);
    for (let at = 0; at < 40; at++) {
      const size = { height: random.integer(1, 14), width: random.integer(1, 14) };
      const draw = (count: number) => Array.from({ length: count }, () => randomBitmap(random, size).bitmap);
      const [detections, truths] = [draw(random.integer(0, 4)), draw(random.integer(0, 4))];
      const isCrowd = truths.map(() => random.uniform() < 0.4);
      const encode = (bitmap: Uint8Array) => encodeRle(bitmap, size.height, size.width);
      const expected = detections.flatMap((detection) =>
        truths.map((truth, t) => {
          const shared = detection.filter((value, pixel) => value === 1 && truth[pixel] === 1).length;
          const whole = detection.filter((value, pixel) => value === 1 || (!isCrowd[t] && truth[pixel] === 1)).length;
          return whole === 0 ? 0 : shared / whole;
        }),
      );
      expect([...maskIou(detections.map(encode), truths.map(encode), isCrowd)]).toEqual(expected);
    }
  });

  it('refuses masks of two sizes, and marks of crowds that are not one per truth', () => {
    const [small, large] = [encodeRle(new Uint8Array(4), 2, 2), encodeRle(new Uint8Array(6), 2, 3)];
    expect(() => maskIou([small], [large], [false])).toThrow(ConfigError);
    expect(() => maskIou([small], [large], [false])).toThrow(/one size, got 2x2 and 2x3/);
    expect(() => maskIou([small], [small], [])).toThrow(/each of 1 truths, got 0/);
  });
});

describe('boxIou', () => {
  it('is intersection over union, and over the detection for a crowd', () => {
    const box: CocoBox = [0, 0, 4, 2];
    const truths: CocoBox[] = [
      [2, 0, 4, 2],
      [2, 0, 4, 2],
      [4, 0, 1, 1],
      [0, 0, 4, 2],
      [1, 1, 0, 0],
    ];
    expect([...boxIou([box], truths, [false, true, false, false, false])]).toEqual([4 / 12, 0.5, 0, 1, 0]);
    expect([...boxIou([], truths, [false, true, false, false, false])]).toEqual([]);
  });

  it('is never NaN', () => {
    const tiny: CocoBox = [0, 0, 1e-200, 1e-200];
    expect([...boxIou([tiny], [tiny], [true])]).toEqual([0]);
  });

  it.each([
    [[0, 0, -1, 2] as never, /sides of at least 0, got \[0, 0, -1, 2\]/],
    [[0, 0, Number.NaN, 2] as never, /got \[0, 0, NaN, 2\]/],
    [[0, 0, 1e200, 1e200] as never, /finite/],
    [[0, 0, 1] as never, /got \[0, 0, 1\]/],
    [['0', 0, 1, 1] as never, /finite/],
    [undefined as never, /got undefined/],
  ])('refuses box %j', (box, message) => {
    expect(() => boxIou([box], [], [])).toThrow(ConfigError);
    expect(() => boxIou([], [box], [false])).toThrow(message);
  });
});
