/** The published backbone's gradients, as the loop hands them to the optimiser: accumulated over two batches that are the same. */

import '@sparsevit/ops/gradients';
import {
  buildWeights,
  createSwin,
  flattenWeights,
  listWeights,
  loadCheckpoint,
  partsOf,
  readSafetensors,
  saveCheckpoint,
  toFloat32,
} from '@sparsevit/backbone';
import { wasmKernels } from '@sparsevit/kernels-wasm';
import { createTensorOps } from '@sparsevit/ops';
import { describeGolden, expectAllclose, requireGolden, startBackend } from '@sparsevit/testing';
import { checkSparsity, sparsityModes } from '@sparsevit/windows';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import type { GradientTransform, TrainingEvent } from '../src/index';
import { memoryStore, train } from '../src/index';
import { loaders } from './loaders';

beforeAll(async () => {
  await startBackend('wasm', loaders);
  await wasmKernels.install();
});

const cases = ['dense-224', 'uniform60-224', 'layerwise-224-b2', 'layerwise-pad-160x208', 'stage0-only-320x256'];

for (const name of cases) {
  const file = `sparsevit/${name}.safetensors`;
  describeGolden(file, ['sparsevit/weights.safetensors', file], () => {
    test('loss and gradients', async () => {
      const checkpoint = loadCheckpoint(await requireGolden('sparsevit/weights.safetensors'));
      const { tensors, metadata } = readSafetensors(await requireGolden(file));
      const nhwc = (key: string): tf.Tensor4D => {
        const stored = tensors.get(key);
        if (stored === undefined) throw new Error(`expected ${key}`);
        return tf.tidy(() =>
          tf.transpose(
            tf.tensor<tf.Rank.R4>(toFloat32(stored, key), stored.shape as [number, number, number, number]),
            [0, 2, 3, 1],
          ),
        );
      };
      const model = createSwin(createTensorOps({ trainable: true }), checkpoint);
      const { architecture } = model;
      const perBlock = JSON.parse(metadata.pruning_ratios ?? 'null') as number[][] | null;
      const sparsity = checkSparsity(architecture, {
        prunedRatios: architecture.depths.map((depth, stage) =>
          Array.from({ length: depth / 2 }, (_, pair) => perBlock?.[stage]?.[2 * pair] ?? 0),
        ),
        ...sparsityModes.official,
      });
      const variables = flattenWeights(model.weights) as tf.Variable[];
      const slots = listWeights(architecture, checkpoint.weights).map(({ slot }) => slot);
      const gradients = new Map<string, Float32Array>();
      const capture: GradientTransform = {
        name: 'capture',
        init: () => new Map(),
        update(updates, state) {
          for (const [key, gradient] of updates) gradients.set(key, Float32Array.from(gradient.dataSync()));
          return { updates: new Map(), state };
        },
      };
      const cotangents = [0, 1, 2, 3].map((i) => nhwc(`cotangent${i}`));
      const events: TrainingEvent[] = [];
      await train(
        {
          architecture,
          parameters: new Map(slots.map(({ key }, i) => [key, variables[i] as tf.Variable])),
          loss(image: tf.Tensor4D, options) {
            const { features } = model.forward(image, options);
            const terms = features.map((map, i) => tf.mean(tf.mul(map as tf.Tensor, cotangents[i] as tf.Tensor)));
            return { total: tf.addN(terms) as tf.Scalar, parts: {} };
          },
        },
        {
          async *batches() {
            const batch = nhwc('input');
            for (;;) yield { batch, size: 1, items: [name], next: { epoch: 0, position: 0 } };
          },
        },
        { steps: 1, accumulate: 2, sparsitiesOf: () => [sparsity], transform: capture, seed: 0, identity: '' },
        { store: memoryStore(), onEvent: (event) => void events.push(event) },
      );
      const [step] = events;
      if (step?.type !== 'step-end') throw new Error('expected a step');
      const loss = toFloat32(tensors.get('loss') as never, 'loss')[0] ?? Number.NaN;
      expectAllclose([step.loss], [loss], { absolute: Math.max(1e-6, 1e-4 * Math.abs(loss)) }, 'loss');

      // through the exporter, so that their layout is the file's
      const weights = buildWeights(architecture, partsOf(checkpoint.weights), ({ key, shape }) => ({
        values: gradients.get(key) ?? new Float32Array(shape.reduce((product, side) => product * side, 1)),
        shape,
      }));
      const { tensors: exported } = readSafetensors(saveCheckpoint({ ...checkpoint, weights }));
      let compared = 0;
      for (const [key, stored] of tensors) {
        const own = exported.get(key.slice('grad.'.length));
        if (!key.startsWith('grad.') || own === undefined) continue;
        const expected = toFloat32(stored, key);
        const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        expectAllclose(toFloat32(own, key), expected, { absolute: Math.max(1e-4 * largest, 1e-6) }, key);
        compared++;
      }
      const wanted = [...tensors.keys()].filter((key) => key.startsWith('grad.') && key !== 'grad.input');
      expect(compared).toBe(wanted.length); // the large cases have the loss alone
      model.dispose();
    });
  });
}
