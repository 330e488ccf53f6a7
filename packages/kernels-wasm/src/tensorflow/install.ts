/** Registering the kernels with TensorFlow.js. */

import type { InstalledPack, KernelName, KernelPack } from '@sparsevit/windows';
import { BackendError } from '@sparsevit/windows';
import type { NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core';
import { backend as activeBackend, getBackend, registerKernel, unregisterKernel } from '@tensorflow/tfjs-core';
import { loadKernels } from '../binary';
import type { OwnedHeap, WasmBackend } from './heap';
import { checkBackend, createHeap } from './heap';
import { shareIdentity } from './identity';
import type { KernelFunction } from './kernel-function';
import { kernelFunctions } from './kernels';

/** What is installed on which backend; removing a backend takes it out. */
const installed = new WeakMap<WasmBackend, { pack: InstalledPack; heap: OwnedHeap }>();

/**
 * The fused kernels for TensorFlow.js's wasm backend, on its own memory.
 *
 * @example
 * await tf.setBackend('wasm');
 * const { detail } = await wasmKernels.install(); // 'relaxed SIMD' where the engine has it
 */
export const wasmKernels: KernelPack = {
  name: '@sparsevit/kernels-wasm',
  backend: 'wasm',
  async install() {
    if (getBackend() !== 'wasm') {
      throw new BackendError(
        `kernels-wasm: expected wasm to be the active backend, got ${getBackend()}. Call tf.setBackend('wasm') first.`,
      );
    }
    const backend = checkBackend(activeBackend());
    const known = installed.get(backend);
    if (known !== undefined) return known.pack;
    const { kernels, build } = await loadKernels({ memory: backend.wasm.asm.memory });
    const again = installed.get(backend); // two installs at once: the first to come here wins
    if (again !== undefined) return again.pack;
    const heap = createHeap(backend, kernels);
    const names = Object.keys(kernelFunctions) as KernelName[];
    const restoreIdentity = shareIdentity(backend);
    const pack: InstalledPack = {
      detail: build,
      kernels: names,
      uninstall() {
        if (!installed.delete(backend)) return;
        for (const name of names) unregisterKernel(name, 'wasm');
        restoreIdentity();
        heap.release();
      },
    };
    // a backend that is removed asks its kernels to free what they hold: one made anew has other memory
    for (const name of names) register(name, heap, () => pack.uninstall());
    installed.set(backend, { pack, heap });
    return pack;
  },
};

function register(kernelName: KernelName, heap: OwnedHeap, disposeFunc: () => void): void {
  const run = kernelFunctions[kernelName] as unknown as KernelFunction<typeof kernelName>;
  registerKernel({
    kernelName,
    backendName: 'wasm',
    disposeFunc,
    kernelFunc: ({ inputs, attrs }) =>
      run(heap, inputs as unknown as Parameters<typeof run>[1], (attrs ?? {}) as NamedAttrMap as never) as
        | TensorInfo
        | TensorInfo[],
  });
}

/** Bytes that the pack keeps for packed weights on the active backend; 0 where it is not installed. */
export function packedWeightBytes(): number {
  return installed.get(activeBackend() as unknown as WasmBackend)?.heap.packedBytes() ?? 0;
}
