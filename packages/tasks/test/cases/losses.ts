import { expectAllclose } from '@sparsevit/testing';
import { ConfigError, ShapeError } from '@sparsevit/windows';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { crossEntropy, focalLoss, guidanceLoss, weightedL1 } from '../../src/losses';
import { draw } from './tiny';

/** Compares a gradient with differences of the loss, element by element, and the loss with its definition in doubles. */
async function expectLoss(
  values: Float32Array,
  shape: number[],
  loss: (x: tf.Tensor) => tf.Scalar,
  definition: (values: Float64Array) => number,
): Promise<void> {
  const before = tf.memory().numTensors;
  const x = tf.tensor(values, shape);
  const { value, grad } = tf.valueAndGrad((x) => loss(x))(x);
  const exact = Float64Array.from(values);
  expectAllclose(await value.data(), [definition(exact)], { absolute: 1e-6, relative: 2e-6 });
  const step = 1e-5;
  const differences = Array.from(exact, (_, i) => {
    const at = (move: number): number => definition(exact.map((v, j) => (i === j ? v + move : v)));
    return (at(step) - at(-step)) / (2 * step);
  });
  expectAllclose(await grad.data(), differences, { absolute: 2e-6, relative: 1e-5 });
  tf.dispose([x, value, grad]);
  expect(tf.memory().numTensors).toBe(before);
}

/** Losses against their definitions in doubles, gradients against differences of those. */
export function lossCases(): void {
  describe('crossEntropy', () => {
    const definition =
      (labels: readonly number[], classes: number, smoothing: number) =>
      (x: Float64Array): number => {
        let total = 0;
        let count = 0;
        for (const [row, label] of labels.entries()) {
          if (label === 255) continue;
          count++;
          const logits = x.subarray(row * classes, (row + 1) * classes);
          const largest = Math.max(...logits);
          const logSum = largest + Math.log(logits.reduce((sum, v) => sum + Math.exp(v - largest), 0));
          for (let c = 0; c < classes; c++) {
            const q = smoothing / classes + (c === label ? 1 - smoothing : 0);
            total -= q * ((logits[c] ?? 0) - logSum);
          }
        }
        return count === 0 ? 0 : total / count;
      };
    test.each([
      [[0, 3, 2], 0],
      [[1, 255, 2], 0],
      [[1, 255, 3], 0.1],
      [[255, 255, 255], 0.1],
    ])('labels %j, smoothing %f', (labels, smoothing) =>
      expectLoss(
        draw(12, 5).map((v) => v * 3),
        [3, 4],
        (x) => crossEntropy(x as tf.Tensor2D, Uint8Array.from(labels), { smoothing }),
        definition(labels, 4, smoothing),
      ),
    );

    test('is finite for logits of any size, and right for large ones', async () => {
      const x = tf.tensor2d([1000, -1000, 0, -1e30, 1e30, 0], [2, 3]);
      const loss = crossEntropy(x, [1, 1]);
      expectAllclose(await loss.data(), [1000], { absolute: 1e-3 });
      tf.dispose([x, loss]);
    });

    test('labels that are none are refused', () => {
      const x = tf.zeros([2, 3]) as tf.Tensor2D;
      expect(() => crossEntropy(x, [0])).toThrow(/expected 2 labels, one per row of logits, got 1/);
      expect(() => crossEntropy(x, [0, 3])).toThrow(/labels from 0 to 2 or 255, got 3/);
      expect(() => crossEntropy(x, [0, -1])).toThrow(ShapeError);
      x.dispose();
    });
  });

  test('focalLoss', () => {
    const wanted = Float32Array.of(0, 0.3, 1, 0.9, 0, 1, 0.999, 0);
    return expectLoss(
      draw(8, 6).map((v) => v * 6),
      [1, 2, 2, 2],
      (x) => {
        const y = tf.tensor(wanted, [1, 2, 2, 2]);
        const loss = focalLoss(x, y, 2);
        y.dispose();
        return loss;
      },
      (x) => {
        let total = 0;
        for (const [i, v] of x.entries()) {
          const p = 1 / (1 + Math.exp(-v));
          const y = wanted[i] ?? 0;
          total -= y === 1 ? (1 - p) ** 2 * Math.log(p) : (1 - y) ** 4 * p ** 2 * Math.log(1 - p);
        }
        return total / 2;
      },
    );
  });

  test('weightedL1', () => {
    const wanted = draw(8, 8);
    const weights = Float32Array.of(0.1, 0.1, 1, 1, 0, 0, 0, 0);
    return expectLoss(
      draw(8, 9),
      [1, 1, 2, 4],
      (x) => tf.tidy(() => weightedL1(x, tf.tensor(wanted, [1, 1, 2, 4]), tf.tensor(weights, [1, 1, 2, 4]), 3)),
      (x) => x.reduce((sum, v, i) => sum + Math.abs(v - (wanted[i] ?? 0)) * (weights[i] ?? 0), 0) / 3,
    );
  });

  describe('guidanceLoss', () => {
    const geometry = { patchSize: 4, window: 2 };
    // windows of 8 pixels, the last row and column of one token; objects in windows 0 and 4 of the first image, in all of the second
    const boxes = [
      [
        { x: 1, y: 1, width: 2, height: 2, label: 0 },
        { x: 9, y: 10, width: 5, height: 5, label: 1 },
      ],
      [{ x: -5, y: -5, width: 100, height: 100, label: 0 }],
    ];
    const definition = (x: Float64Array): number => {
      const logs = Array.from({ length: 9 }, (_, id) => {
        const [top, left] = [Math.floor(id / 3) * 2, (id % 3) * 2];
        const squares: number[] = [];
        for (let y = top; y < Math.min(5, top + 2); y++) {
          for (let column = left; column < Math.min(5, left + 2); column++) squares.push((x[y * 5 + column] ?? 0) ** 2);
        }
        return Math.log(squares.reduce((sum, v) => sum + v, 0) / squares.length);
      });
      const withObjects = [0, 4];
      const pairs = logs.flatMap((without, id) =>
        withObjects.includes(id)
          ? []
          : withObjects.map((object) => Math.log1p(Math.exp(10 * (without - (logs[object] ?? 0)))) / 10),
      );
      return pairs.reduce((sum, v) => sum + v, 0) / pairs.length;
    };

    test('is the loss of the pairs of an image that has both kinds of windows', () =>
      expectLoss(
        draw(50, 12).map((v) => v + 2),
        [2, 5, 5],
        (map) => guidanceLoss([map], boxes, geometry),
        definition,
      ));

    test('a stage has windows of its own size, and one without both kinds counts nothing', async () => {
      const [first, second] = [tf.tensor(draw(16, 13), [1, 4, 4]), tf.tensor(draw(4, 14), [1, 2, 2])];
      const box = [[{ x: 0, y: 0, width: 3, height: 3, label: 0 }]];
      const own = guidanceLoss([first], box, geometry);
      // the second stage has one window
      const both = guidanceLoss([first, second], box, geometry);
      const none = guidanceLoss([first, second], [[]], geometry);
      expect(await both.data()).toEqual(await own.data());
      expect(await none.data()).toEqual(Float32Array.of(0));
      tf.dispose([first, second, own, both, none]);
    });

    test('maps that do not belong to the boxes are refused', () => {
      const map = tf.zeros([1, 4, 4]);
      expect(() => guidanceLoss([map], [[], []], geometry)).toThrow(ShapeError);
      expect(() => guidanceLoss([map], [[]], { patchSize: 4, window: 0 })).toThrow(ConfigError);
      map.dispose();
    });
  });

  test('shapes that differ are refused', () => {
    const [a, b] = [tf.zeros([1, 2]), tf.zeros([2, 1])];
    expect(() => focalLoss(a, b, 1)).toThrow(/expected two equal shapes, got \[1, 2\] and \[2, 1\]/);
    expect(() => weightedL1(a, b, a, 1)).toThrow(ShapeError);
    tf.dispose([a, b]);
  });
}
