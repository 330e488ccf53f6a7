import { ConfigError, ShapeError } from '@sparsevit/windows';
import { describe, expect, it } from 'vitest';
import { addToConfusion, classIou, createConfusion, meanIou, pixelAccuracy } from '../src/index';

describe('a confusion matrix', () => {
  it('gives the numbers worked by hand, over two images', () => {
    const matrix = createConfusion(4);
    addToConfusion(matrix, { truth: Uint8Array.of(0, 0, 0, 1, 255), predicted: Uint8Array.of(0, 0, 1, 1, 3) });
    addToConfusion(matrix, { truth: [1, 1, 2, 255], predicted: [1, 0, 2, 200] });
    // Rows are true, columns predicted; class 3 is only predicted where the label is ignored.
    expect([...matrix.counts]).toEqual([2, 1, 0, 0, 1, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
    expect(classIou(matrix)).toEqual([2 / 4, 2 / 4, 1, null]);
    expect(meanIou(matrix)).toBeCloseTo(2 / 3, 12);
    expect(pixelAccuracy(matrix)).toBeCloseTo(5 / 7, 12);
  });

  it('counts a class that is only predicted as 0, not as absent', () => {
    const matrix = createConfusion(3);
    addToConfusion(matrix, { truth: [0, 0], predicted: [0, 2] });
    expect(classIou(matrix)).toEqual([0.5, null, 0]);
    expect(meanIou(matrix)).toBe(0.25);
  });

  it('ignores the label that is asked for', () => {
    const matrix = createConfusion(2);
    addToConfusion(matrix, { truth: [-1, 1, 0], predicted: [0, 1, 0], ignoredLabel: -1 });
    expect(pixelAccuracy(matrix)).toBe(1);
    addToConfusion(matrix, { truth: [0, 1], predicted: [1, 1], ignoredLabel: 0 });
    expect([...matrix.counts]).toEqual([1, 0, 0, 2]);
  });

  it.each([
    [[0, 2], [0, 0], /true labels from 0 to 1, got 2 at pixel 1. Only 255 is ignored/],
    [[0, 1], [0, 255], /predicted labels from 0 to 1, got 255 at pixel 1/],
    [[0, -1], [0, 0], /got -1 at pixel 1/],
    [[0, 0.5], [0, 0], /got 0.5 at pixel 1/],
    [[0, 0], [0, Number.NaN], /got NaN at pixel 1/],
    [[0, undefined as never], [0, 0], /got undefined at pixel 1/],
  ])('refuses labels %j, %j, and adds nothing', (truth, predicted, message) => {
    const matrix = createConfusion(2);
    expect(() => addToConfusion(matrix, { truth, predicted })).toThrow(ConfigError);
    expect(() => addToConfusion(matrix, { truth, predicted })).toThrow(message);
    expect([...matrix.counts]).toEqual([0, 0, 0, 0]);
  });

  it('refuses lists of two lengths, no pixel at all, and a count that is none', () => {
    const matrix = createConfusion(2);
    expect(() => addToConfusion(matrix, { truth: [0, 1], predicted: [0] })).toThrow(ShapeError);
    addToConfusion(matrix, { truth: [255], predicted: [0] });
    expect(() => meanIou(matrix)).toThrow(/meanIou: expected a matrix with a pixel/);
    expect(() => pixelAccuracy(matrix)).toThrow(ConfigError);
    for (const count of [0, 1.5, -1, Number.NaN, 1e6]) expect(() => createConfusion(count)).toThrow(ConfigError);
  });
});
