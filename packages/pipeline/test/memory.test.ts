/** A thousand steps of adaptation: neither tensors nor the WebAssembly memory grow. */

import '@sparsevit/ops/gradients';
import { randomWeights } from '@sparsevit/backbone';
import { cacheDataset, createScenes, randomCrop } from '@sparsevit/data';
import { wasmKernels } from '@sparsevit/kernels-wasm';
import { createTensorOps } from '@sparsevit/ops';
import { createTask, newTask } from '@sparsevit/tasks';
import { trainableTask } from '@sparsevit/tasks/losses';
import { startBackend } from '@sparsevit/testing';
import { memoryStore, train, trainConfigOf } from '@sparsevit/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { trainingData } from '../src/index';
import { loaders } from './loaders';

beforeAll(async () => {
  await startBackend('wasm', loaders);
  await wasmKernels.install();
});

const heapBytes = (): number =>
  (tf.backend() as unknown as { wasm: { asm: { memory: WebAssembly.Memory } } }).wasm.asm.memory.buffer.byteLength;

test('a thousand steps', { timeout: 120_000 }, async () => {
  const architecture = { patchSize: 4, embedDim: 8, depths: [2], heads: [1], window: 4, mlpRatio: 2 };
  const scenes = cacheDataset(createScenes({ count: 6, seed: 1, height: 48, width: 48 }));
  const config = { kind: 'detection', classes: scenes.classes, channels: 8 } as const;
  const ops = createTensorOps({ trainable: true });
  const before = tf.memory().numTensors;
  const checkpoint = { architecture, family: 'mmdet', weights: randomWeights(architecture, 1) } as const;
  const task = createTask(ops, newTask(config, checkpoint, { seed: 1 }));
  const normalization = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
  const transform = randomCrop({ height: 32, width: 32 });
  const data = trainingData(scenes, { task: config, batch: 1, seed: 1, transform, normalization });
  const seen: { tensors: number; bytes: number }[] = [];
  const run = {
    mode: 'adapt',
    steps: 1000,
    seed: 1,
    optimizer: { learningRate: 1e-4, clipNorm: 1 },
    averageDecay: 0.99,
    dropPathRate: 0.1,
    saveEvery: 250,
  } as const;
  const { average } = await train(
    trainableTask(task, { upsample: ops.upsample }),
    data,
    trainConfigOf(run, architecture, ''),
    {
      store: memoryStore(),
      onEvent: ({ type }) =>
        void (type === 'step-end' && seen.push({ tensors: tf.memory().numTensors, bytes: heapBytes() })),
    },
  );
  expect(seen).toHaveLength(1000);
  expect(new Set(seen.slice(1).map(({ tensors }) => tensors)).size).toBe(1);
  expect(seen.at(-1)?.bytes).toBe(seen[100]?.bytes);
  tf.dispose([...(average?.values() ?? [])]);
  task.dispose();
  expect(tf.memory().numTensors).toBe(before);
});
