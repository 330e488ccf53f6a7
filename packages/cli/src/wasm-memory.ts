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
    if (begin === 0 || begin + bytes > addressSpace) throw outOfMemory();
    return address;
  };
}

/** The error to report for one that came out of a backend: a trap of WebAssembly means that its memory ran out. */
export function explainTrap(error: unknown): unknown {
  return error instanceof WebAssembly.RuntimeError ? outOfMemory(error) : error;
}

function outOfMemory(cause?: unknown): BackendError {
  return new BackendError(
    '--backend: expected everything to fit into the 4 GB that wasm can address, got an image that needs more. Use a smaller --size, or --backend webgpu.',
    { cause },
  );
}
