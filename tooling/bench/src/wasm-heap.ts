/** The memory of TensorFlow.js's wasm backend. */

import { backend, getBackend } from '@tensorflow/tfjs-core';

/** Its size in bytes, which is its peak: WebAssembly's memory never shrinks. Null on another backend. */
export function wasmHeapBytes(): number | null {
  if (getBackend() !== 'wasm') return null;
  // an internal that the type of the backend leaves out
  const { wasm } = backend() as unknown as { wasm?: { HEAPU8?: Uint8Array } };
  return wasm?.HEAPU8?.byteLength ?? null;
}
