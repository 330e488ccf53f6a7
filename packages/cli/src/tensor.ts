/** The only import of TensorFlow.js in this package: what is used of it is listed here. Backends are loaded in `backend.ts`. */

export type { Tensor } from '@tensorflow/tfjs-core';
export {
  dispose,
  env,
  sum,
  tensor4d,
} from '@tensorflow/tfjs-core';
