/** What the kernel cases share: values, running a kernel on the active backend, and comparing with loops in doubles. */

import type { KernelContracts, KernelName } from '@sparsevit/windows';
import { createRandom } from '@sparsevit/windows';
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';

/** A tensor on the host. */
export interface Values {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/** A value by index. */
export const at = (data: ArrayLike<number>, index: number): number => data[index] ?? Number.NaN;

/** Adds to a value by index. */
export function addTo(data: Float64Array, index: number, value: number): void {
  data[index] = at(data, index) + value;
}

/** Seeded values in [-limit, limit). */
export function randomValues(shape: readonly number[], seed: number, limit = 1): Values {
  const random = createRandom(seed);
  const size = shape.reduce((product, side) => product * side, 1);
  return { shape, data: Float32Array.from({ length: size }, () => (random.uniform() * 2 - 1) * limit) };
}

/** Whole numbers [n], int32. */
export const integers = (data: ArrayLike<number>): Values => ({ shape: [data.length], data: Int32Array.from(data) });

/** 0 to count - 1 in an order drawn by the seed. */
export function shuffled(count: number, seed: number): number[] {
  const random = createRandom(seed);
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = random.integer(0, i + 1);
    [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
  }
  return order;
}

/** The result of a kernel. */
export interface Result {
  readonly shape: number[];
  readonly data: Float32Array | Int32Array;
}

/** Runs a kernel of the active backend on tensors of its own; fails when a tensor or its memory is left over. */
export async function runKernel<Name extends KernelName>(
  name: Name,
  inputs: Partial<Record<KernelContracts[Name]['inputs'], Values | undefined>>,
  attributes: KernelContracts[Name]['attributes'],
): Promise<Result[]> {
  const before = [tf.memory().numTensors, tf.engine().backend.numDataIds()];
  const present: Record<string, tf.Tensor> = {};
  for (const [key, input] of Object.entries<Values | undefined>(inputs)) {
    if (input === undefined) continue;
    const dtype = input.data instanceof Int32Array ? 'int32' : 'float32';
    present[key] = tf.tensor(input.data, [...input.shape], dtype);
  }
  const made = tf.engine().runKernel(name, present, attributes as unknown as tf.NamedAttrMap) as
    | tf.Tensor
    | tf.Tensor[];
  const results: Result[] = [];
  for (const output of Array.isArray(made) ? made : [made]) {
    const data = await output.data();
    results.push({ shape: output.shape, data: data instanceof Int32Array ? data.slice() : Float32Array.from(data) });
  }
  tf.dispose([made, present]);
  expect([tf.memory().numTensors, tf.engine().backend.numDataIds()], `${name}: tensors left over`).toEqual(before);
  return results;
}

/** Runs a kernel with one result. */
export async function runForOne<Name extends KernelName>(
  name: Name,
  inputs: Partial<Record<KernelContracts[Name]['inputs'], Values | undefined>>,
  attributes: KernelContracts[Name]['attributes'],
): Promise<Result> {
  const [result] = await runKernel(name, inputs, attributes);
  if (result === undefined) throw new RangeError(`${name}: expected a result, got none.`);
  return result;
}
