// TF.js in plain Node registers no gradients by itself, and its own file that does cannot be imported there: the built entry has to.
import '@sparsevit/ops/gradients';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';

tf.env().set('IS_TEST', true);
for (const backend of ['cpu', 'wasm']) {
  if (!(await tf.setBackend(backend))) throw new Error(`expected ${backend} to start, got a refusal`);
  const gradient = tf
    .grad((x) => tf.sum(tf.square(x)))(tf.tensor1d([1, 2, 3]))
    .dataSync();
  if (String([...gradient]) !== '2,4,6') throw new Error(`expected the gradient 2,4,6 on ${backend}, got ${gradient}`);
}
