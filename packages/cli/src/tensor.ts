/** The only import of TensorFlow.js in this package: what is used of it is listed here. Backends are loaded in `backend.ts`. */

export type { KernelBackend, Tensor } from '@tensorflow/tfjs-core';
export {
  backend,
  dispose,
  env,
  ready,
  setBackend,
  slice,
  sum,
  tensor4d,
  version_core as tensorFlowVersion,
} from '@tensorflow/tfjs-core';
