import type { BackendLoaders } from '@sparsevit/testing';

/** How this package's tests load TensorFlow.js. */
export const loaders: BackendLoaders = {
  core: () => import('@tensorflow/tfjs-core'),
  cpu: () => import('@tensorflow/tfjs-backend-cpu'),
  wasm: () => import('@tensorflow/tfjs-backend-wasm'),
  webgpu: () => import('@tensorflow/tfjs-backend-webgpu'),
};
