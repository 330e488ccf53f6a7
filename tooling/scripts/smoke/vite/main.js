// What a web page does with the packages: bundled by Vite from the tarballs, then run on the cpu backend.
import * as backbone from '@sparsevit/backbone';
import * as config from '@sparsevit/config';
import * as presets from '@sparsevit/config/presets';
import * as data from '@sparsevit/data';
import * as latency from '@sparsevit/latency';
import * as ops from '@sparsevit/ops';
import '@sparsevit/ops/gradients';
import * as windows from '@sparsevit/windows';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';

for (const [name, module] of Object.entries({ backbone, config, presets, data, latency, ops, windows })) {
  if (Object.keys(module).length === 0) throw new Error(`${name} has no exports`);
}

tf.env().set('IS_TEST', true);
await tf.setBackend('cpu');
const gradient = tf
  .grad((x) => tf.sum(tf.square(x)))(tf.tensor1d([1, 2, 3]))
  .dataSync();
if (String([...gradient]) !== '2,4,6') throw new Error(`expected the gradient 2,4,6, got ${gradient}`);

const architecture = { embedDim: 8, depths: [2, 2], heads: [1, 2], window: 7, mlpRatio: 4, patchSize: 4 };
const checkpoint = { architecture, family: 'mmdet', weights: backbone.randomWeights(architecture, 7), sparsity: null };
const model = backbone.createSwin(ops.createTensorOps(), backbone.loadCheckpoint(backbone.saveCheckpoint(checkpoint)));
const image = tf.randomNormal([1, 61, 90, 3], 0, 1, 'float32', 3); // no stage is a whole number of windows
const sparsities = [null, windows.uniformSparsity(architecture, 0.5)];
const [dense, sparse] = sparsities.map((sparsity) => model.forward(image, { sparsity }).features[1]);
if (String(dense.shape) !== '1,8,12,16') throw new Error(`expected features 1,8,12,16, got ${dense.shape}`);
const difference = tf.max(tf.abs(tf.sub(dense, sparse))).dataSync()[0];
if (!(difference > 0.01)) throw new Error(`expected half of the windows to matter, got a difference of ${difference}`);
console.log('vite app: ok');
