// A Swin from end to end, as an application uses it: weights, dense and sparse forward, a checkpoint and back, counting, gradients.
// The gradients come first on purpose: imported before TensorFlow.js they once left an engine whose tensors could not be cast.
import '@sparsevit/ops/gradients';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { createSwin, loadCheckpoint, randomWeights, saveCheckpoint } from '@sparsevit/backbone';
import { countMacs } from '@sparsevit/latency';
import { createTensorOps } from '@sparsevit/ops';
import { createRandom, keptWindows, uniformSparsity } from '@sparsevit/windows';
import * as tf from '@tensorflow/tfjs-core';

const ensure = (isTrue, expected, got) => {
  if (!isTrue) throw new Error(`expected ${expected}, got ${got}`);
};
const largestDifference = (a, b) => a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i])), 0);

tf.env().set('PROD', true); // no greeting; IS_TEST would take what a gradient saves on wasm for a leak
const architecture = { embedDim: 16, depths: [2, 2], heads: [1, 2], window: 7, mlpRatio: 4, patchSize: 4 };
const [height, width] = [61, 90]; // no stage is a whole number of windows
const checkpoint = { architecture, family: 'mmdet', weights: randomWeights(architecture, 7), sparsity: null };
const random = createRandom(3);
const pixels = Float32Array.from({ length: 2 * height * width * 3 }, () => random.normal());
const half = uniformSparsity(architecture, 0.5);

/** The features of all stages one after the other, the ids of the kept windows, and how many tensors are left behind. */
const forward = (model, options) => {
  const before = tf.memory().numTensors;
  const image = tf.tensor(pixels, [2, height, width, 3]);
  const { features, windows } = model.forward(image, { ...options, wantsWindows: true });
  const values = features.flatMap((map) => [...map.dataSync()]);
  const kept = architecture.depths.map((_, stage) =>
    windows
      .filter((block) => block.stage === stage)
      .map(({ selection }) => (selection.kind === 'topk' ? Int32Array.from(selection.ids.dataSync()) : null)),
  );
  const shapes = features.map((map) => map.shape.join('x')).join(' ');
  const grids = windows.map(({ grid }) => grid);
  const made = [...features, ...windows.flatMap(({ selection, scores }) => [selection.ids, scores])].filter(Boolean);
  tf.dispose([image, made]);
  return { values, kept, shapes, grids, leaked: tf.memory().numTensors - before };
};

const onWasm = {};
for (const backend of ['wasm', 'cpu']) {
  ensure(await tf.setBackend(backend), `${backend} to start`, 'a refusal');
  const model = createSwin(createTensorOps(), checkpoint);
  const dense = forward(model, {});
  ensure(dense.shapes === '2x16x23x16 2x8x12x32', 'the shapes of two stages', dense.shapes);
  ensure(dense.values.every(Number.isFinite), 'finite features', 'others');
  const zero = forward(model, { sparsity: uniformSparsity(architecture, 0) });
  ensure(largestDifference(zero.values, dense.values) === 0, 'ratio 0 to be dense', 'other features');

  const sparse = forward(model, { sparsity: half });
  ensure(largestDifference(sparse.values, dense.values) > 0.01, 'half of the windows to matter', 'dense features');
  sparse.kept.flat().forEach((ids, block) => {
    const expected = 2 * keptWindows(sparse.grids[block].windowsPerImage, 0.5, half);
    ensure(ids?.length === expected, `${expected} kept windows in block ${block}`, ids?.length);
  });
  for (const { leaked } of [dense, zero, sparse]) ensure(leaked === 0, 'no tensor left behind', leaked);

  if (backend === 'wasm') Object.assign(onWasm, { dense, sparse });
  // given the same windows, since two backends may rank a tie differently
  const same = forward(model, { kept: onWasm.sparse.kept });
  for (const [mine, theirs] of [
    [dense, onWasm.dense],
    [same, onWasm.sparse],
  ]) {
    const difference = largestDifference(mine.values, theirs.values);
    ensure(difference < 1e-4, `${backend} to agree with wasm`, `a difference of ${difference}`);
  }

  const bytes = saveCheckpoint({ ...checkpoint, sparsity: half }, { layout: 'mmdet' });
  const loaded = loadCheckpoint(bytes);
  ensure(
    JSON.stringify(loaded.sparsity) === JSON.stringify(half),
    'the saved sparsity',
    JSON.stringify(loaded.sparsity),
  );
  const again = createSwin(createTensorOps(), loaded);
  const reloaded = forward(again, { sparsity: loaded.sparsity });
  ensure(largestDifference(reloaded.values, sparse.values) === 0, 'the same features after saving', 'others');
  again.dispose();
  model.dispose();

  const trained = createSwin(createTensorOps({ trainable: true }), checkpoint);
  const { value, grads } = tf.variableGrads(() => {
    const { features } = trained.forward(tf.tensor(pixels, [2, height, width, 3]), { sparsity: half });
    return tf.addN(features.map((map) => tf.mean(tf.square(map))));
  });
  const slopes = Object.values(grads).map((gradient) => tf.tidy(() => tf.sum(tf.abs(gradient)).dataSync()[0]));
  const without = slopes.filter((slope) => !(Number.isFinite(slope) && slope > 0)).length;
  ensure(
    slopes.length === 63 && without === 0,
    'a gradient of each of 63 weights',
    `${slopes.length}, ${without} of them 0`,
  );
  tf.dispose([value, grads]);
  trained.dispose();
  const left = tf.memory().numTensors;
  ensure(left === 0, 'no tensor after dispose', left);
}

const gmacs = (sparsity) =>
  countMacs(architecture, { height, width, batch: 2, sparsity, accounting: 'published' }).totalMacs / 1e9;
ensure(
  gmacs(half) > 0 && gmacs(half) < gmacs(null),
  'a sparse forward to count less',
  `${gmacs(half)} of ${gmacs(null)}`,
);
