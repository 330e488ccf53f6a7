/**
 * `Identity` on wasm without a copy. TensorFlow.js clones every tensor that a gradient saves; on its other backends the clone shares the
 * memory and counts references, on wasm (4.22) it copies, which is a tenth of a forward in training. Tensors are never written to, so
 * sharing is safe; `reshape` on wasm shares as well.
 */

import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { getKernel, Identity, registerKernel, unregisterKernel } from '@tensorflow/tfjs-core';
import type { WasmBackend } from './heap';

/** Replaces the kernel; the function returned puts the old one back. */
export function shareIdentity(backend: WasmBackend): () => void {
  const copying = getKernel(Identity, 'wasm');
  if (copying === undefined) return () => {};
  const sharing: KernelConfig = {
    kernelName: Identity,
    backendName: 'wasm',
    kernelFunc: (parameters) => {
      const x = parameters.inputs.x as TensorInfo;
      if (x.dtype === 'string') return copying.kernelFunc(parameters); // strings do not lie in the heap
      backend.incRef(x.dataId);
      return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
    },
  };
  replace(sharing);
  return () => {
    if (getKernel(Identity, 'wasm') === sharing) replace(copying); // else someone has replaced ours
  };
}

function replace(config: KernelConfig): void {
  unregisterKernel(Identity, 'wasm'); // registering over another warns
  registerKernel(config);
}
