/**
 * The end of WebAssembly's memory, made an error. TensorFlow.js 4.22 does not look whether its wasm backend could allocate (4 GB at most):
 * a tensor that does not fit is written over the module's own data, and what follows is garbage or a crash.
 */

import { BackendError } from '@sparsevit/windows';

/** The part of the backend's module that allocates. */
export interface WasmAllocator {
  _malloc(bytes: number): number;
}

/** The allocator takes a larger request for a negative one and gives memory back that is in use. */
const largestRequest = 2 ** 31;
const addressSpace = 2 ** 32;

const guarded = new WeakSet<WasmAllocator>();
const outOfMemoryErrors = new WeakSet<object>();

/** Makes a failed allocation throw a BackendError. Doing it twice is doing it once. */
export function guardAllocations(wasm: WasmAllocator): void {
  if (guarded.has(wasm)) return;
  guarded.add(wasm);
  wasm._malloc(0); // the first call replaces the function by the real one
  const allocate = wasm._malloc;
  wasm._malloc = (bytes) => {
    if (bytes === 0) return allocate(bytes);
    const address = bytes < largestRequest ? allocate(bytes) : 0;
    // Near the end of the memory the allocator also gives out space that goes on behind it, at address 0.
    const begin = address >>> 0;
    if (begin === 0 || begin + bytes > addressSpace) throw outOfMemory(bytes);
    return address;
  };
}

/**
 * True for an error that means that the wasm backend ran out of memory: the BackendError of a failed allocation (`initBackend` switches that
 * check on), or a trap of WebAssembly, which is what running out comes to where TensorFlow.js allocates without a look.
 *
 * @example
 * const result = await run(image).catch((error) => {
 *   if (isOutOfMemory(error)) return run(smallerImage);
 *   throw error;
 * });
 */
export function isOutOfMemory(error: unknown): boolean {
  if (error instanceof WebAssembly.RuntimeError) return true;
  return typeof error === 'object' && error !== null && outOfMemoryErrors.has(error);
}

function outOfMemory(bytes: number): BackendError {
  const error = new BackendError(
    `wasm: expected everything to fit into the 4 GB that it can address, got a request of ${bytes} bytes that does not. Use smaller images or batches, or the webgpu backend.`,
  );
  outOfMemoryErrors.add(error);
  return error;
}
