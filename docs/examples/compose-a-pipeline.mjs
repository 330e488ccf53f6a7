// A pipeline of one's own, package by package: data, a task on a Swin, adaptation, latencies, search. Every step is a function whose result is
// plain data, so that any of them can be replaced: other data, another trainer, another device.
//
//   npm install sparsevit
//   node compose-a-pipeline.mjs
//
// So small that it takes seconds and learns nothing; `sparsevit pipeline` does the same in earnest, and can be stopped.
import { randomWeights } from '@sparsevit/backbone';
import { formatSparsity } from '@sparsevit/config/presets';
import { createScenes, flipHorizontal } from '@sparsevit/data';
import { createEngine } from '@sparsevit/engine';
import { wasmKernels } from '@sparsevit/kernels-wasm';
import { choosePredictor, createSamplingPlan, measure } from '@sparsevit/latency';
import { createTensorOps, initBackend } from '@sparsevit/ops';
import '@sparsevit/ops/gradients';
import {
  createValidation,
  engineLatencyRunner,
  engineRunner,
  latencyModelOf,
  searchEvaluator,
  searchSparsity,
  trainingData,
} from '@sparsevit/pipeline';
import { createTask, newTask, readTask } from '@sparsevit/tasks';
import { trainableTask } from '@sparsevit/tasks/losses';
import { memoryStore, train, trainConfigOf } from '@sparsevit/trainer';
import { createSparsitySpace } from '@sparsevit/windows';

// a detector of drawn scenes, with random weights
const [height, width] = [96, 96];
const scenes = (count, seed) => createScenes({ count, seed, height, width });
const architecture = { patchSize: 4, embedDim: 16, depths: [2, 2], heads: [1, 2], window: 4, mlpRatio: 2 };
const normalization = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
const task = { kind: 'detection', classes: scenes(1, 0).classes, channels: 8 };
const backbone = { architecture, family: 'microsoft-detection', weights: randomWeights(architecture, 0) };
const checkpoint = newTask(task, backbone, { seed: 0 });

// 1. adaptation: another sparsity at every step, on TensorFlow.js
await initBackend({
  prefer: 'wasm',
  packs: [wasmKernels],
  load: { wasm: () => import('@tensorflow/tfjs-backend-wasm') },
});
const ops = createTensorOps({ trainable: true });
const trained = createTask(ops, checkpoint);
const model = trainableTask(trained, { upsample: ops.upsample });
const data = trainingData(scenes(8, 1), { task, batch: 2, seed: 0, transform: flipHorizontal(), normalization });
const config = { mode: 'adapt', steps: 6, seed: 0, optimizer: { learningRate: 1e-3 } };
await train(model, data, trainConfigOf(config, architecture, 'example'), {
  store: memoryStore(), // checkpoints; folderStore of @sparsevit/trainer/node survives a kill
  onEvent(event) {
    if (event.type === 'step-end') console.log(`step ${event.step}: loss ${event.loss.toFixed(2)}`);
  },
});
const adapted = await readTask(trained, checkpoint);

// 2. latencies of this machine, in the engine
const engine = await createEngine({ threads: 1 });
const input = { batch: 1, height, width };
const stopwatch = engineLatencyRunner(engine, adapted, { input });
const space = createSparsitySpace(architecture);
const { fit } = createSamplingPlan(space, { seed: 0, fit: 20, holdOut: 0 });
const device = { name: 'this machine', driver: null, platform: process.platform, runtime: process.version };
const table = await measure(stopwatch, fit, {
  fingerprint: {
    device: { ...device, backend: 'engine', backendVersion: '0', kernels: engine.build, threads: 1 },
    model: latencyModelOf(adapted),
    input,
  },
  now: () => performance.now(),
  protocol: { rounds: 3, largestMove: 1 }, // runs of a millisecond: whatever else the machine does moves them
});
const subject = { architecture, ...input, sparsity: table.model.rules };
const { predictor } = choosePredictor(subject, table.rows);
console.log(`${table.rows.length} sparsities measured, ${predictor.kind} predictor`);

// 3. the search, on scenes that training has not seen
const runner = engineRunner(engine, adapted, { maxPlans: 1 });
const validation = createValidation(runner, scenes(4, 2), { task, normalization });
const dense = predictor.predictMs([[0], [0]]);
const result = await searchSparsity({
  space,
  predictMs: (prunedRatios) => predictor.predictMs(prunedRatios),
  evaluate: searchEvaluator(validation, { name: 'AP' }),
  scoreName: 'AP',
  budget: { atMostMs: 0.8 * dense, margin: 0 },
  wantsFront: false,
  seed: 0,
  evaluations: 20,
  subject: 'example',
  measuring: null,
});
console.log(`${result.history.length} evaluated, the best within 80 % of dense: ${formatSparsity(result.best)}`);

stopwatch.dispose();
await runner.dispose();
await engine.dispose();
trained.dispose();
