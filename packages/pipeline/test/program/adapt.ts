/**
 * A small run in a process of its own, to be killed: `node adapt.mjs <folder> <steps>` adapts a detector on scenes and prints a hash of the weights
 * that it ends with.
 */

import '@sparsevit/ops/gradients';
import { createHash } from 'node:crypto';
import { randomWeights } from '@sparsevit/backbone';
import { createScenes, flipHorizontal } from '@sparsevit/data';
import { wasmKernels } from '@sparsevit/kernels-wasm';
import { createTensorOps, initBackend } from '@sparsevit/ops';
import { trainingData } from '@sparsevit/pipeline';
import { createTask, newTask } from '@sparsevit/tasks';
import { trainableTask } from '@sparsevit/tasks/losses';
import { train, trainConfigOf } from '@sparsevit/trainer';
import { folderStore } from '@sparsevit/trainer/node';

const [folder = '', steps = ''] = process.argv.slice(2);
await initBackend({
  prefer: 'wasm',
  packs: [wasmKernels],
  load: { wasm: () => import('@tensorflow/tfjs-backend-wasm') },
});
const architecture = { patchSize: 4, embedDim: 16, depths: [2, 2], heads: [1, 2], window: 4, mlpRatio: 2 };
const scenes = createScenes({ count: 10, seed: 1, height: 64, width: 64 });
const config = { kind: 'detection', classes: scenes.classes, channels: 8 } as const;
const checkpoint = newTask(
  config,
  { architecture, family: 'mmdet', weights: randomWeights(architecture, 1) },
  { seed: 1 },
);
const ops = createTensorOps({ trainable: true });
const task = createTask(ops, checkpoint);
const normalization = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
const data = trainingData(scenes, { task: config, batch: 2, seed: 3, transform: flipHorizontal(), normalization });
const run = {
  mode: 'adapt',
  steps: Number(steps),
  seed: 4,
  optimizer: { learningRate: 1e-3, clipNorm: 1 },
  dropPathRate: 0.1,
  averageDecay: 0.99,
  saveEvery: 2,
} as const;
const { average } = await train(
  trainableTask(task, { upsample: ops.upsample }),
  data,
  trainConfigOf(run, architecture, ''),
  {
    store: folderStore(folder),
    onEvent: ({ type }) => void process.stderr.write(`${type}\n`),
  },
);
const hash = createHash('sha256');
for (const tensors of [task.weights, average ?? new Map()]) {
  for (const tensor of tensors.values()) hash.update(new Uint8Array((await tensor.data()).slice().buffer));
}
process.stdout.write(hash.digest('hex'));
