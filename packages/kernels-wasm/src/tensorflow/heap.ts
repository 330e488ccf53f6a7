/**
 * The memory of TensorFlow.js's wasm backend, as kernels see it. It is an internal of a frozen library (4.22): what is used of it is
 * declared here and checked before anything is registered.
 */

import { BackendError } from '@sparsevit/windows';
import type { DataType, TensorInfo } from '@tensorflow/tfjs-core';
import type { WasmKernels } from '../wasm-kernels';

type DataId = TensorInfo['dataId'];

/** The part of the backend that is used. */
export interface WasmBackend {
  readonly wasm: {
    readonly asm: { readonly memory: WebAssembly.Memory };
    _malloc(bytes: number): number;
    _free(address: number): void;
  };
  readonly dataIdMap: { get(dataId: DataId): { readonly memoryOffset: number } };
  makeOutput(shape: readonly number[], dtype: DataType): TensorInfo;
  disposeData(dataId: DataId, force?: boolean): boolean;
  refCount(dataId: DataId): number;
  incRef(dataId: DataId): void;
}

/**
 * Checks that a backend has everything that is used, and a memory of its own.
 *
 * @throws BackendError naming what is missing
 */
export function checkBackend(backend: unknown): WasmBackend {
  const refuse = (got: string, remedy = 'install @tensorflow/tfjs-backend-wasm@4.22.0'): never => {
    throw new BackendError(
      `kernels-wasm: expected the internals of TensorFlow.js 4.22's wasm backend, got ${got}. The plain ops of TensorFlow.js are used instead; ${remedy} for the kernels.`,
    );
  };
  const at = (object: unknown, key: string): unknown =>
    typeof object === 'object' && object !== null ? (object as Record<string, unknown>)[key] : undefined;
  const methods = ['makeOutput', 'disposeData', 'refCount', 'incRef'];
  for (const name of methods) if (typeof at(backend, name) !== 'function') refuse(`a backend without ${name}`);
  const wasm = at(backend, 'wasm');
  for (const name of ['_malloc', '_free']) if (typeof at(wasm, name) !== 'function') refuse(`a module without ${name}`);
  if (typeof at(at(backend, 'dataIdMap'), 'get') !== 'function') refuse('a backend without dataIdMap');
  const memory = at(at(wasm, 'asm'), 'memory');
  const buffer = memory instanceof WebAssembly.Memory ? (memory.buffer as ArrayBufferLike) : null;
  const isShared = typeof SharedArrayBuffer !== 'undefined' && buffer instanceof SharedArrayBuffer;
  if (isShared || at(wasm, 'PThread') !== undefined) {
    refuse(
      'its build with threads, whose memory is a shared one',
      "call tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false) before tf.setBackend('wasm')",
    );
  }
  if (buffer === null) refuse('a module that does not show its memory');
  return backend as WasmBackend;
}

/** What a kernel works with: the module, addresses of tensors, and memory to write to. */
export interface KernelHeap {
  readonly wasm: WasmKernels;
  /** Where a tensor lies; 0 for one that is absent. */
  address(tensor: TensorInfo | undefined): number;
  /** A new tensor, not yet written. */
  output(shape: readonly number[], dtype?: 'float32' | 'int32'): TensorInfo;
  /** A new tensor of zeros. */
  zeros(shape: readonly number[]): TensorInfo;
  /** The same memory under a tensor of its own, if nobody else holds it; else null. */
  takeOver(tensor: TensorInfo): TensorInfo | null;
  /** A new tensor with the values of another. */
  copy(tensor: TensorInfo): TensorInfo;
  /** Memory for the time of a call. */
  withScratch<Result>(bytes: number, run: (address: number) => Result): Result;
  /** What is made of a weight once and kept as long as the weight: `fill` writes it the first time. */
  packed(weight: TensorInfo, layout: string, bytes: number, fill: (address: number) => void): number;
  /** What is made once and kept as long as the pack is installed. */
  constant(key: string, bytes: number, fill: (address: number) => void): number;
}

/** A heap that can be given back, and watched in tests. */
export interface OwnedHeap extends KernelHeap {
  /** Bytes kept for weights. */
  packedBytes(): number;
  /** Frees what is kept and takes its hands off the backend. */
  release(): void;
}

/** The backend does not look whether it got memory; at address 0 a kernel would write over the module's own data. */
function checkAllocated(address: number, bytes: number): number {
  if (address !== 0) return address;
  throw new BackendError(
    `kernels-wasm: expected room for ${bytes} bytes, got none of the 4 GB that WebAssembly can address. Use smaller images or batches, or dispose tensors.`,
  );
}

/** The heap of a backend; from now on what is kept of a weight is freed when the backend frees the weight. */
export function createHeap(backend: WasmBackend, wasm: WasmKernels): OwnedHeap {
  // addresses above 2 GB come as negative numbers
  const allocate = (bytes: number): number => checkAllocated(backend.wasm._malloc(bytes) >>> 0, bytes);
  // made for every use: the memory may grow with any allocation, and a view of it is void then
  const memory = (): Uint8Array => new Uint8Array(backend.wasm.asm.memory.buffer);
  const free = (address: number): void => backend.wasm._free(address);
  const byWeight = new Map<DataId, Map<string, { address: number; bytes: number }>>();
  const constants = new Map<string, number>();

  const forget = (dataId: DataId): void => {
    for (const { address } of byWeight.get(dataId)?.values() ?? []) free(address);
    byWeight.delete(dataId);
  };
  const disposeData = backend.disposeData;
  const hadOwn = Object.hasOwn(backend, 'disposeData');
  const watched: WasmBackend['disposeData'] = (dataId, force) => {
    const isGone = disposeData.call(backend, dataId, force);
    if (isGone) forget(dataId);
    return isGone;
  };
  backend.disposeData = watched;

  const address = (tensor: TensorInfo | undefined): number =>
    tensor === undefined ? 0 : backend.dataIdMap.get(tensor.dataId).memoryOffset;
  const bytesOf = (shape: readonly number[]): number => shape.reduce((product, side) => product * side, 4);
  const output: KernelHeap['output'] = (shape, dtype = 'float32') => {
    const made = backend.makeOutput([...shape], dtype);
    try {
      checkAllocated(address(made), bytesOf(shape));
    } catch (error) {
      backend.disposeData(made.dataId);
      throw error;
    }
    return made;
  };
  const fillNew = (bytes: number, fill: (at: number) => void): number => {
    const at = allocate(bytes);
    try {
      fill(at);
    } catch (error) {
      free(at);
      throw error;
    }
    return at;
  };
  return {
    wasm,
    address,
    output,
    zeros(shape) {
      const made = output(shape);
      const at = address(made);
      memory().fill(0, at, at + bytesOf(shape));
      return made;
    },
    takeOver(tensor) {
      if (backend.refCount(tensor.dataId) !== 1) return null;
      backend.incRef(tensor.dataId);
      forget(tensor.dataId); // what was made of its old values
      return { dataId: tensor.dataId, shape: tensor.shape, dtype: tensor.dtype };
    },
    copy(tensor) {
      const made = output(tensor.shape);
      const from = address(tensor);
      memory().copyWithin(address(made), from, from + bytesOf(tensor.shape));
      return made;
    },
    withScratch(bytes, run) {
      const at = allocate(bytes);
      try {
        return run(at);
      } finally {
        free(at);
      }
    },
    packed(weight, layout, bytes, fill) {
      const key = `${layout} of ${weight.shape.join('x')}`; // a reshaped weight has the same dataId
      const known = byWeight.get(weight.dataId)?.get(key);
      if (known !== undefined) return known.address;
      const at = fillNew(bytes, fill);
      const layouts = byWeight.get(weight.dataId) ?? new Map();
      layouts.set(key, { address: at, bytes });
      byWeight.set(weight.dataId, layouts);
      return at;
    },
    constant(key, bytes, fill) {
      const known = constants.get(key);
      if (known !== undefined) return known;
      const at = fillNew(bytes, fill);
      constants.set(key, at);
      return at;
    },
    packedBytes() {
      let sum = 0;
      for (const layouts of byWeight.values()) for (const { bytes } of layouts.values()) sum += bytes;
      return sum;
    },
    release() {
      for (const dataId of [...byWeight.keys()]) forget(dataId);
      for (const at of constants.values()) free(at);
      constants.clear();
      if (backend.disposeData !== watched) return; // someone has wrapped it since; ours has nothing left to free
      if (hadOwn) backend.disposeData = disposeData;
      else Reflect.deleteProperty(backend, 'disposeData');
    },
  };
}
