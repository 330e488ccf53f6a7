/** Every Swin case of the goldens, computed by the reference implementations: values, kept windows, loss and gradients. */

import type { HostTensor, SwinCheckpoint, SwinModel } from '@sparsevit/backbone';
import {
  buildWeights,
  createSwin,
  flattenWeights,
  loadCheckpoint,
  partsOf,
  readSafetensors,
  saveCheckpoint,
  toFloat32,
} from '@sparsevit/backbone';
import { createTensorOps } from '@sparsevit/ops';
import { describeGolden, expectAllclose, requireGolden } from '@sparsevit/testing';
import { checkSparsity, sparsityModes } from '@sparsevit/windows';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import type { Golden } from './tensors';
import { free, nchwValues, openGolden } from './tensors';

/** Values are of order 1. */
const outputTolerance = { absolute: 1e-4 };
/** 1e-4 of the tensor's largest magnitude, and 1e-6 for gradients that are 0 or nearly so. */
function gradientTolerance(expected: Float32Array): { absolute: number } {
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return { absolute: Math.max(1e-4 * largest, 1e-6) };
}

function expectGradient(actual: ArrayLike<number>, expected: Float32Array, name: string): void {
  expectAllclose(actual, expected, gradientTolerance(expected), name);
}

async function open(weights: string, family?: SwinCheckpoint['family']): Promise<SwinCheckpoint> {
  return loadCheckpoint(await requireGolden(weights), family === undefined ? {} : { family });
}

function sparsevitCase(name: string): void {
  const file = `sparsevit/${name}.safetensors`;
  describeGolden(file, ['sparsevit/weights.safetensors', file], () => {
    test('outputs, kept windows, loss and gradients', async () => {
      const golden = await openGolden(file);
      const checkpoint = await open('sparsevit/weights.safetensors');
      const before = tf.memory().numTensors;
      const model = createSwin(createTensorOps({ trainable: true }), checkpoint);
      const sparsity = checkSparsity(model.architecture, {
        prunedRatios: pairsOf(golden.metadata.pruning_ratios, model.architecture.depths),
        ...sparsityModes.official,
      });
      const image = tf.variable(golden.nhwc('input'), true);
      const cotangents = [0, 1, 2, 3].map((i) => golden.nhwc(`cotangent${i}`));

      const { features, windows } = model.forward(image, { sparsity, wantsWindows: true });
      for (const [i, feature] of features.entries()) {
        expectAllclose(await nchwValues(feature as tf.Tensor), golden.floats(`out${i}`), outputTolerance, `out${i}`);
      }
      for (const { stage, block, selection } of windows) {
        const name = `kept.${stage}.${block}`;
        if (!golden.has(name)) {
          expect(selection.kind, name).toBe('all');
          continue;
        }
        const ids = selection.kind === 'topk' && selection.ids !== null ? Array.from(await selection.ids.data()) : [];
        expect(ids, name).toEqual(Array.from(golden.integers(name)));
      }

      const { value, grads } = tf.variableGrads(() => {
        const outputs = model.forward(image, { sparsity }).features;
        const terms = outputs.map((output, i) => tf.mean(tf.mul(output as tf.Tensor, cotangents[i] as tf.Tensor)));
        return tf.addN(terms) as tf.Scalar;
      });
      expectGradient(await value.data(), golden.floats('loss'), 'loss');
      await compareGradients(golden, checkpoint, model, image, grads);

      free([features, windows, value, grads, image, cotangents]);
      model.dispose();
      expect(tf.memory().numTensors - before - 1, 'tensors left over').toBe(0); // 1: the variable's initial value
    });
  });
}

/** Stage -> pair from stage -> block, `null` being dense. */
function pairsOf(text: string | undefined, depths: readonly number[]): number[][] {
  const perBlock = JSON.parse(text ?? 'null') as number[][] | null;
  return depths.map((depth, stage) =>
    Array.from({ length: depth / 2 }, (_, pair) => perBlock?.[stage]?.[2 * pair] ?? 0),
  );
}

/** Gradients travel through the exporter, so that their layout is the file's: all its conversions are moves of values. */
async function compareGradients(
  golden: Golden,
  checkpoint: SwinCheckpoint,
  model: SwinModel<tf.Tensor>,
  image: tf.Variable,
  grads: tf.NamedTensorMap,
): Promise<void> {
  const leaves: HostTensor[] = [];
  for (const weight of flattenWeights(model.weights)) {
    const gradient = grads[(weight as tf.Variable).name];
    // a block without a kept window is not part of the loss: TensorFlow.js leaves its gradients out, the reference has zeros
    const values = gradient === undefined ? new Float32Array(weight.size) : ((await gradient.data()) as Float32Array);
    leaves.push({ values, shape: weight.shape });
  }
  let at = 0;
  const weights = buildWeights(checkpoint.architecture, partsOf(checkpoint.weights), () => leaves[at++] as HostTensor);
  const { tensors } = readSafetensors(saveCheckpoint({ ...checkpoint, weights }));
  for (const name of golden.names().filter((name) => name.startsWith('grad.'))) {
    const key = name.slice('grad.'.length);
    if (key === 'input') {
      const gradient = grads[image.name] as tf.Tensor;
      expectGradient(await nchwValues(gradient), golden.floats(name), name);
      continue;
    }
    const stored = tensors.get(key) ?? tensors.get(`backbone.${key}`);
    if (stored === undefined) throw new Error(`no exported tensor ${key}`);
    expectGradient(toFloat32(stored), golden.floats(name), name);
  }
}

/** A dense case: stage outputs (as they leave the stage, or normed), and logits where the file has them. */
function denseCase(
  file: string,
  weights: string,
  family: SwinCheckpoint['family'],
  compare: (run: { golden: Golden; model: SwinModel<tf.Tensor>; features: readonly tf.Tensor[] }) => Promise<void>,
): void {
  describeGolden(file, [weights, file], () => {
    test(`equals ${family}`, async () => {
      const golden = await openGolden(file);
      const checkpoint = await open(weights);
      expect(checkpoint.family).toBe(family);
      const before = tf.memory().numTensors;
      const model = createSwin(createTensorOps(), checkpoint);
      const image = golden.nhwc('input');
      const { features, logits } = model.forward(image, { wantsLogits: true });
      await compare({ golden, model, features: features as tf.Tensor[] });
      if (golden.has('logits')) {
        expectAllclose(await (logits as tf.Tensor).data(), golden.floats('logits'), outputTolerance, 'logits');
      }
      free([image, features, logits]);
      model.dispose();
      expect(tf.memory().numTensors - before, 'tensors left over').toBe(0);
    });
  });
}

const stageOutputs = async ({
  golden,
  features,
}: {
  golden: Golden;
  features: readonly tf.Tensor[];
}): Promise<void> => {
  for (const [i, feature] of features.entries()) {
    if (golden.leavesOut(`stage${i}`)) continue;
    expectAllclose((await feature.data()) as Float32Array, golden.floats(`stage${i}`), outputTolerance, `stage${i}`);
  }
};

export function goldenCases(): void {
  for (const name of [
    'dense-224',
    'layerwise-224-b2',
    'layerwise-pad-160x208',
    'stage0-only-320x256',
    'uniform60-224',
  ]) {
    sparsevitCase(name);
  }

  denseCase(
    'swin-mmdet/dense-pad-160x208.safetensors',
    'sparsevit/weights.safetensors',
    'mmdet',
    async ({ golden, features }) => {
      for (const [i, feature] of features.entries()) {
        expectAllclose(await nchwValues(feature), golden.floats(`out${i}`), outputTolerance, `out${i}`);
      }
    },
  );

  const torchvision = [
    ['swin-torchvision', 'dense-224'],
    ['swin-torchvision', 'dense-narrow-96x448'],
    ['swin-torchvision', 'dense-pad-180x200-b2'],
    ['swin-torchvision-w5', 'dense-80x160'],
    ['swin-torchvision-w5', 'dense-120x88'],
  ];
  for (const [folder, name] of torchvision) {
    denseCase(`${folder}/${name}.safetensors`, `${folder}/weights.safetensors`, 'torchvision', stageOutputs);
  }

  for (const name of ['dense-224', 'dense-pad-232x260']) {
    denseCase(`swin-timm/${name}.safetensors`, 'swin-timm/weights.safetensors', 'timm', stageOutputs);
    denseCase(
      `swin-huggingface/${name}.safetensors`,
      'swin-huggingface/weights.safetensors',
      'huggingface',
      async ({ golden, model, features }) => {
        const ops = createTensorOps();
        for (const [i, feature] of features.entries()) {
          // hidden states are taken after the merging that follows a stage
          if (golden.leavesOut(`hidden${i + 1}`)) continue;
          const merging = model.weights.stages[i]?.merging ?? null;
          const hidden = merging === null ? tf.clone(feature) : ops.patchMerging(feature, merging);
          expectAllclose(await nchwValues(hidden), golden.floats(`hidden${i + 1}`), outputTolerance, `hidden${i + 1}`);
          hidden.dispose();
        }
      },
    );
  }
}
