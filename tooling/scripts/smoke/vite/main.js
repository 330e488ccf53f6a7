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
console.log('vite app: ok');
