import '@sparsevit/ops/gradients';
import { createSwin, randomWeights } from '@sparsevit/backbone';
import { createTensorOps } from '@sparsevit/ops';
import { backends, expectAllclose, startBackend } from '@sparsevit/testing';
import { createRandom, uniformSparsity } from '@sparsevit/windows';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, test } from 'vitest';
import { goldenCases } from './cases/goldens';
import { propertyCases } from './cases/properties';
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
      blocks.map(({ selection }) => (selection.kind === 'topk' ? Int32Array.from(selection.ids?.dataSync() ?? []) : null)),
    );
    outputs.push(result.features.map((feature) => Float32Array.from(feature?.dataSync() ?? [])));
    tf.dispose([image, result.features, result.windows] as unknown as tf.TensorContainer);
    model.dispose();
  }
  outputs[0]?.forEach((values, stage) => expectAllclose(outputs[1]?.[stage] ?? [], values, { absolute: 1e-4 }));
});
