import { createSwin, randomWeights } from '@sparsevit/backbone';
import { packedWeightBytes, wasmKernels } from '@sparsevit/kernels-wasm';
import { createTensorOps } from '@sparsevit/ops';
import { startBackend } from '@sparsevit/testing';
import { createRandom, uniformSparsity } from '@sparsevit/windows';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { loaders } from './loaders';

const architecture = { embedDim: 16, depths: [2, 2, 2], heads: [1, 2, 4], window: 4, mlpRatio: 4, patchSize: 4 };
const weights = randomWeights(architecture, 1);
const heapBytes = (): number => (tf.backend() as unknown as { wasm: { HEAPU8: Uint8Array } }).wasm.HEAPU8.length;
const newModel = () => createSwin(createTensorOps(), { architecture, family: 'mmdet', weights });

describe('memory', () => {
  beforeAll(async () => {
    await startBackend('wasm', loaders);
    await wasmKernels.install();
  });

  test('2,000 forwards of changing sizes, sparsities and batches keep it flat', () => {
    const model = newModel();
    const random = createRandom(2);
    const forward = (height: number, width: number, batch: number, prunedRatio: number): void => {
      const image = tf.zeros<tf.Rank.R4>([batch, height, width, 3]);
      const { features } = model.forward(image, { sparsity: uniformSparsity(architecture, prunedRatio) });
      tf.dispose([image, features as tf.Tensor[]]);
    };
    forward(160, 160, 3, 0); // the largest, as the first of the 50 that may make the heap grow
    let tensors = 0;
    let bytes = 0;
    let packed = 0;
    for (let i = 0; i < 2000; i++) {
      forward(random.integer(8, 161), random.integer(8, 161), random.integer(1, 4), random.uniform() * 0.9);
      if (i === 50) [tensors, bytes, packed] = [tf.memory().numTensors, heapBytes(), packedWeightBytes()];
    }
    expect({ tensors: tf.memory().numTensors, bytes: heapBytes(), packed: packedWeightBytes() }).toEqual({
      tensors,
      bytes,
      packed,
    });
    model.dispose();
  });

  test('200 models made, run and disposed leave no packed weight', () => {
    const image = tf.zeros<tf.Rank.R4>([1, 64, 64, 3]);
    const before = packedWeightBytes();
    let bytes = 0;
    for (let i = 0; i < 200; i++) {
      const model = newModel();
      tf.dispose(model.forward(image).features as tf.Tensor[]);
      expect(packedWeightBytes()).toBeGreaterThan(before);
      model.dispose();
      expect(packedWeightBytes()).toBe(before);
      if (i === 5) bytes = heapBytes();
    }
    expect(heapBytes()).toBe(bytes);
    image.dispose();
  });

  test('a weight that is trained is packed anew, and its old copy is freed', () => {
    const initial = tf.ones<tf.Rank.R2>([8, 8]);
    const variable = tf.variable(initial);
    initial.dispose(); // it shares the memory
    const x = tf.ones([4, 8]);
    const { linear } = createTensorOps();
    const value = (): number => tf.tidy(() => linear(x, { weight: variable, bias: null }).dataSync()[0] ?? 0);
    const before = packedWeightBytes();
    expect(value()).toBe(8);
    const one = packedWeightBytes();
    expect(one - before).toBe(8 * 8 * 4);
    const doubled = tf.mul(variable, 2) as tf.Tensor2D;
    variable.assign(doubled);
    doubled.dispose();
    expect(value()).toBe(16);
    expect(packedWeightBytes()).toBe(one);
    tf.dispose([variable, x]);
    expect(packedWeightBytes()).toBe(before);
  });
});
