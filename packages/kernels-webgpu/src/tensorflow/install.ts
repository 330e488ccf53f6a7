/** Registering the kernels with TensorFlow.js. */

import type { InstalledPack, KernelName, KernelPack } from '@sparsevit/windows';
import { BackendError } from '@sparsevit/windows';
import type { NamedAttrMap } from '@tensorflow/tfjs-core';
import {
  backend as activeBackend,
  getBackend,
  getKernel,
  registerKernel,
  unregisterKernel,
} from '@tensorflow/tfjs-core';
import { kernelFunctions } from '../kernels/all';
import type { WebGPUBackend } from './backend';
import { checkBackend } from './backend';
import type { KernelFunction } from './kernel-function';

/** What is installed on which backend: a backend that was removed and made anew has none. */
const installed = new WeakMap<WebGPUBackend, InstalledPack>();

/**
 * The fused kernels for TensorFlow.js's webgpu backend: WGSL programs that it compiles and runs.
 *
 * @example
 * await tf.setBackend('webgpu');
 * const { detail } = await webgpuKernels.install(); // 'WGSL'
 */
export const webgpuKernels: KernelPack = {
  name: '@sparsevit/kernels-webgpu',
  backend: 'webgpu',
  async install() {
    if (getBackend() !== 'webgpu') {
      throw new BackendError(
        `kernels-webgpu: expected webgpu to be the active backend, got ${getBackend()}. Call tf.setBackend('webgpu') first.`,
      );
    }
    const backend = checkBackend(activeBackend());
    const known = installed.get(backend);
    if (known !== undefined) return known;
    const names = Object.keys(kernelFunctions) as KernelName[];
    for (const name of names) register(name);
    const pack: InstalledPack = {
      detail: 'WGSL',
      kernels: names,
      uninstall() {
        if (!installed.delete(backend)) return;
        for (const name of names) unregisterKernel(name, 'webgpu');
      },
    };
    installed.set(backend, pack);
    return pack;
  },
};

function register(kernelName: KernelName): void {
  const run = kernelFunctions[kernelName] as unknown as KernelFunction<typeof kernelName>;
  if (getKernel(kernelName, 'webgpu') !== undefined) unregisterKernel(kernelName, 'webgpu'); // of a backend that is gone
  registerKernel({
    kernelName,
    backendName: 'webgpu',
    kernelFunc: ({ inputs, attrs, backend }) =>
      run(
        backend as WebGPUBackend,
        inputs as unknown as Parameters<typeof run>[1],
        (attrs ?? {}) as NamedAttrMap as never,
      ),
  });
}
