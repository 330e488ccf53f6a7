import type { WarmupModel } from '@sparsevit/ops';
import { initBackend, warmup } from '@sparsevit/ops';
import type { Sparsity, SwinArchitecture } from '@sparsevit/windows';
import { uniformSparsity } from '@sparsevit/windows';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';

const architecture: SwinArchitecture = {
  ...{ embedDim: 8, depths: [2], heads: [1], window: 7, mlpRatio: 4, patchSize: 4 },
};

/** A model that writes down what it is run on. */
function listeningModel(options: { features?: (image: tf.Tensor) => (tf.Tensor | null)[] } = {}): {
  model: WarmupModel;
  runs: { shape: number[]; sparsity: Sparsity | null; isZero: boolean }[];
} {
  const { features = (image) => [null, tf.add(image, 1)] } = options;
  const runs: { shape: number[]; sparsity: Sparsity | null; isZero: boolean }[] = [];
  return {
    runs,
    model: {
      architecture,
      forward(image, { sparsity }) {
        runs.push({ shape: image.shape, sparsity, isZero: image.dataSync().every((value) => value === 0) });
        return { features: features(image), logits: null };
      },
    },
  };
}

describe('warmup', () => {
  beforeAll(async () => {
    await initBackend({ prefer: 'wasm', load: { wasm: () => import('@tensorflow/tfjs-backend-wasm') } });
  });

  it('runs dense and sparse once on zeros, and tells the time', async () => {
    const { model, runs } = listeningModel();
    const clock = [100, 350];
    const before = tf.memory().numTensors;
    expect(await warmup(model, { height: 8, width: 12, now: () => clock.shift() ?? 0 })).toBe(250);
    expect(runs).toEqual([
      { shape: [1, 8, 12, 3], sparsity: null, isZero: true },
      { shape: [1, 8, 12, 3], sparsity: uniformSparsity(architecture, 0.5), isZero: true },
    ]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('takes the batch and the sparsity that will be run', async () => {
    const sparsity = uniformSparsity(architecture, 0.8, 'official');
    const { model, runs } = listeningModel();
    expect(await warmup(model, { height: 8, width: 8, batch: 2, sparsity })).toBeGreaterThanOrEqual(0);
    expect(runs.map(({ shape, sparsity }) => [shape[0], sparsity])).toEqual([
      [2, null],
      [2, sparsity],
    ]);
    runs.length = 0;
    await warmup(model, { height: 8, width: 8, sparsity: null });
    expect(runs.map(({ sparsity }) => sparsity)).toEqual([null]);
  });

  it('frees the image where the model refuses it', async () => {
    const before = tf.memory().numTensors;
    const model: WarmupModel = {
      architecture,
      forward() {
        throw new RangeError('too small');
      },
    };
    await expect(warmup(model, { height: 1, width: 1 })).rejects.toThrow('too small');
    expect(tf.memory().numTensors).toBe(before);
  });
});
