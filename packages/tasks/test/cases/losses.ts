import { expectAllclose } from '@sparsevit/testing';
import { ShapeError } from '@sparsevit/windows';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { crossEntropy, focalLoss, weightedL1 } from '../../src/losses';
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

  test('shapes that differ are refused', () => {
    const [a, b] = [tf.zeros([1, 2]), tf.zeros([2, 1])];
    expect(() => focalLoss(a, b, 1)).toThrow(/expected two equal shapes, got \[1, 2\] and \[2, 1\]/);
    expect(() => weightedL1(a, b, a, 1)).toThrow(ShapeError);
    tf.dispose([a, b]);
  });
}
