// Which windows of a photo a sparse Swin works on.
//
//   npm install @sparsevit/backbone @sparsevit/config @sparsevit/data @sparsevit/kernels-wasm @sparsevit/ops @sparsevit/windows \
//     @tensorflow/tfjs-core @tensorflow/tfjs-backend-wasm sharp
//   node prune-a-photo.mjs [photo.jpg] [swin.safetensors | swin.pth]
//
// Without a photo it draws a scene. Without a checkpoint the weights are random: windows with much texture win, whatever they show.
import { readFile } from 'node:fs/promises';
import { createSwin, loadCheckpoint, randomWeights } from '@sparsevit/backbone';
import { imagenetNormalization, swinPreset } from '@sparsevit/config/presets';
import { drawScene, normalizeImage } from '@sparsevit/data';
import { decodeImage, encodePng } from '@sparsevit/data/node';
import { wasmKernels } from '@sparsevit/kernels-wasm';
import { createTensorOps, initBackend } from '@sparsevit/ops';
import { uniformSparsity } from '@sparsevit/windows';
import * as tf from '@tensorflow/tfjs-core';

const [photo, weightsFile] = process.argv.slice(2);
const size = { height: 448, width: 672 };

const source = photo ?? (await encodePng(drawScene({ seed: 4, ...size }).image));
const pixels = normalizeImage(await decodeImage(source, { size }), imagenetNormalization); // [height, width, 3]

const architecture = swinPreset('swin-nano');
const checkpoint =
  weightsFile === undefined
    ? { architecture, family: 'mmdet', weights: randomWeights(architecture, 7) }
    : loadCheckpoint(await readFile(weightsFile));

await initBackend({
  prefer: 'wasm',
  packs: [wasmKernels], // fused kernels; without them the same runs on TensorFlow.js's own ops, slower
  load: { wasm: () => import('@tensorflow/tfjs-backend-wasm') },
});
const model = createSwin(createTensorOps(), checkpoint);
const sparsity = uniformSparsity(model.architecture, 0.6); // the share of windows that is left out
const input = tf.tensor(pixels, [1, size.height, size.width, 3]);
const { features, windows } = model.forward(input, { sparsity, wantsWindows: true });

for (const { stage, block, grid, selection } of windows) {
  if (block !== 0) continue; // the other blocks of a stage keep windows of the same importance map
  const kept = new Set(await selection.ids.data());
  console.log(
    `stage ${stage}: features ${features[stage].shape.slice(1)}, ${kept.size} of ${grid.windowsPerImage} windows`,
  );
  for (let row = 0; row < grid.rows; row++) {
    const marks = Array.from({ length: grid.columns }, (_, i) => (kept.has(row * grid.columns + i) ? '██' : '··'));
    console.log(marks.join(''));
  }
}
model.dispose();
