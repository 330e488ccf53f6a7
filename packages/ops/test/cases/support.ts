import { createRandom } from '@sparsevit/windows';
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';

/** Rounding of float32 sums of some hundred terms of order 1. */
export const float32Tolerance = { absolute: 2e-5 };

/** Seeded values in [-1, 1). */
export function randomValues(count: number, seed: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: count }, () => random.uniform() * 2 - 1);
}

export function randomTensor(shape: number[], seed: number): tf.Tensor {
  return tf.tensor(
    randomValues(
      shape.reduce((a, b) => a * b, 1),
      seed,
    ),
    shape,
  );
}

/** Runs and fails if a tensor is left over: what the run makes must be freed, but for `kept` results which are freed here. */
export async function expectNoLeak(run: () => Promise<void> | void): Promise<void> {
  const before = tf.memory().numTensors;
  await run();
  expect(tf.memory().numTensors - before, 'tensors left over').toBe(0);
}

/**
 * Compares the gradient of sum(f(x) * cotangent) with central differences at some elements of each input, in double steps of 1e-2 (float32
 * differences are good to about 1e-3 of the slope).
 */
export async function expectGradient(
  f: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: tf.Tensor[],
  seed: number,
): Promise<void> {
  const random = createRandom(seed);
  const y = tf.tidy(() => f(...inputs));
  const cotangent = randomTensor(y.shape, seed + 1);
  const loss = (...xs: tf.Tensor[]): tf.Scalar => tf.tidy(() => tf.sum(tf.mul(f(...xs), cotangent)));
  const gradients = tf.grads(loss)(inputs);
  const step = 1e-2;
  for (const [index, input] of inputs.entries()) {
    const values = Float32Array.from(await input.data());
    const gradient = await (gradients[index] as tf.Tensor).data();
    const largest = Math.max(...Array.from(gradient, Math.abs), 1e-3);
    for (let probe = 0; probe < 5; probe++) {
      const element = random.integer(0, values.length);
      const shifted = async (sign: number): Promise<number> => {
        const moved = Float32Array.from(values);
        moved[element] = (moved[element] ?? 0) + sign * step;
        const x = tf.tensor(moved, input.shape);
        const value = loss(...inputs.map((other, i) => (i === index ? x : other)));
        const [result = Number.NaN] = await value.data();
        tf.dispose([x, value]);
        return result;
      };
      const difference = ((await shifted(1)) - (await shifted(-1))) / (2 * step);
      expect(
        Math.abs(difference - (gradient[element] ?? Number.NaN)),
        `input ${index}, element ${element}`,
      ).toBeLessThan(2e-2 * largest);
    }
  }
  tf.dispose([y, cotangent, ...gradients]);
}
