import '@sparsevit/ops/gradients';
import type { CheckpointLayout, SwinCheckpoint } from '@sparsevit/backbone';
import {
  buildWeights,
  createSwin,
  loadCheckpoint,
  randomWeights,
  readSafetensors,
  saveCheckpoint,
  writeSafetensors,
} from '@sparsevit/backbone';
import { createTensorOps } from '@sparsevit/ops';
import { backends, expectAllclose, startBackend } from '@sparsevit/testing';
import { createRandom, uniformSparsity } from '@sparsevit/windows';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { goldenCases } from './cases/goldens';
import { propertyCases } from './cases/properties';
import { free } from './cases/tensors';
import { loaders } from './loaders';

describe.each(backends)('%s', (backend) => {
  beforeAll(() => startBackend(backend, loaders));
  goldenCases();
  propertyCases(backend);
});

test('cpu and wasm agree on the same windows', async () => {
  const architecture = { embedDim: 16, depths: [2, 4], heads: [1, 2], window: 7, mlpRatio: 4, patchSize: 4 };
  const weights = randomWeights(architecture, 3);
  const random = createRandom(4);
  const pixels = Float32Array.from({ length: 2 * 90 * 130 * 3 }, () => random.normal());
  const sparsity = uniformSparsity(architecture, 0.6);
  let kept: (Int32Array | null)[][] | undefined;
  const outputs: Float32Array[][] = [];
  for (const backend of ['cpu', 'wasm'] as const) {
    await startBackend(backend, loaders);
    const model = createSwin(createTensorOps(), { architecture, family: 'mmdet', weights });
    const image = tf.tensor4d(pixels, [2, 90, 130, 3]);
    const result = model.forward(image, { sparsity, wantsWindows: true, ...(kept && { kept }) });
    // the second backend is given the first one's windows: scores that tie within rounding may rank otherwise
    kept ??= [result.windows.slice(0, 2), result.windows.slice(2)].map((blocks) =>
      blocks.map(({ selection }) =>
        selection.kind === 'topk' ? Int32Array.from(selection.ids?.dataSync() ?? []) : null,
      ),
    );
    outputs.push(result.features.map((feature) => Float32Array.from(feature?.dataSync() ?? [])));
    free([image, result.features, result.windows]);
    model.dispose();
  }
  for (const [stage, values] of (outputs[0] ?? []).entries()) {
    expectAllclose(outputs[1]?.[stage] ?? [], values, { absolute: 1e-4 });
  }
});

describe('exported, imported again, a model gives the same features bit for bit', () => {
  beforeAll(() => startBackend('wasm', loaders));
  const architecture = { embedDim: 8, depths: [2, 2, 2], heads: [1, 2, 4], window: 7, mlpRatio: 3, patchSize: 4 };
  const random = createRandom(9);
  /** Every value random, norms and biases too, so that nothing can be swapped unseen. */
  const tree = (parts: { outputNorms: boolean[]; hasFinalNorm: boolean; classes: number }) =>
    buildWeights(architecture, parts, ({ shape }) => ({
      shape,
      values: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal() * 0.3),
    }));
  const detector = tree({ outputNorms: [true, true, true], hasFinalNorm: false, classes: 0 });
  const classifier = tree({ outputNorms: [false, false, false], hasFinalNorm: true, classes: 5 });
  const cases: [CheckpointLayout, SwinCheckpoint['family'], SwinCheckpoint['weights']][] = [
    ['microsoft', 'microsoft', classifier],
    ['microsoft', 'microsoft-detection', detector],
    ['microsoft', 'timm', classifier], // old timm: Microsoft's keys
    ['mmdet', 'mmdet', detector],
    ['timm', 'timm', classifier],
    ['torchvision', 'torchvision', classifier],
    ['huggingface', 'huggingface', classifier],
    ['huggingface', 'huggingface-backbone', detector],
  ];
  test.each(cases)('%s keys, family %s', async (layout, family, weights) => {
    const checkpoint: SwinCheckpoint = { architecture, family, weights, sparsity: null, notes: [] };
    const file = saveCheckpoint(checkpoint, { layout });
    const again = loadCheckpoint(file);
    expect(again.family).toBe(family);
    // as another program would have written it: without our metadata the keys alone must say all
    const bare = loadCheckpoint(
      writeSafetensors(readSafetensors(file).tensors),
      layout === 'microsoft' && family === 'timm' ? { family } : {},
    );
    expect([bare.family, bare.architecture]).toEqual([family, architecture]);
    const image = tf.randomNormal<tf.Rank.R4>([1, 70, 90, 3], 0, 1, 'float32', 3);
    const [before, after, fromKeys] = [checkpoint, again, bare].map((each) => {
      const model = createSwin(createTensorOps(), each);
      const { features, logits } = model.forward(image, {
        sparsity: uniformSparsity(architecture, 0.4),
        wantsLogits: true,
      });
      model.dispose();
      return [...features, ...(logits === null ? [] : [logits])].map((tensor) =>
        Float32Array.from(tensor?.dataSync() ?? []),
      );
    });
    expect(before?.length).toBe(weights === classifier ? 4 : 3);
    expect(after).toEqual(before);
    expect(fromKeys).toEqual(before);
  });
});
