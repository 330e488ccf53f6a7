import { ConfigError, ShapeError } from '@sparsevit/windows';
import { describe, expect, it } from 'vitest';
import { countTopK, topKAccuracy } from '../src/index';

describe('countTopK and topKAccuracy', () => {
  const logits = Float32Array.of(0.1, 0.9, 0.5, -3, -1, -2, 4, 3, 2);

  it('count the classes among the k largest', () => {
    // Ranks of the right classes: 1 (0.5), 0 (-1), 2 (2).
    expect([1, 2, 3].map((k) => countTopK(logits, [2, 1, 2], k))).toEqual([1, 2, 3]);
    expect(topKAccuracy(logits, Int32Array.of(2, 1, 2), 2)).toBeCloseTo(2 / 3, 12);
  });

  it('rank the lower class first where logits are equal', () => {
    const equal = [1, 1, 1, 1];
    expect([0, 1, 2, 3].map((label) => countTopK(equal, [label], 2))).toEqual([1, 1, 0, 0]);
    expect([0, 1, 2, 3].map((label) => countTopK([0, 7, 7, 0], [label], 1))).toEqual([0, 1, 0, 0]);
  });

  it('take infinite logits, as masked classes have', () => {
    expect(countTopK([Number.NEGATIVE_INFINITY, 1, Number.POSITIVE_INFINITY], [2], 1)).toBe(1);
  });

  it.each([
    [[1, 2, 3], [0, 1], 1, ShapeError, /got 3 logits and 2 labels/],
    [[], [], 1, ShapeError, /got 0 logits and 0 labels/],
    [[], [0], 1, ShapeError, /got 0 logits/],
    [[1, 2], [2], 1, ConfigError, /labels from 0 to 1, got 2 for image 0/],
    [[1, 2], [0.5], 1, ConfigError, /got 0.5 for image 0/],
    [[1, 2], [0], 3, ConfigError, /k from 1 to the 2 classes, got 3/],
    [[1, 2], [0], 0, ConfigError, /got 0/],
    [[1, 2, 3, Number.NaN], [0, 0], 1, ConfigError, /got NaN for class 1 of image 1/],
  ])('refuse %j, %j, %j', (values, labels, k, kind, message) => {
    expect(() => countTopK(values, labels, k)).toThrow(kind);
    expect(() => topKAccuracy(values, labels, k)).toThrow(message);
  });
});
