/** `initBackend` of `@sparsevit/ops` with everything that this package brings: every backend, and the kernels for them. */

import type { BackendReport, InitBackendOptions } from '@sparsevit/ops';
import { initBackend as initWith } from '@sparsevit/ops';
import type { KernelPack } from '@sparsevit/windows';

/** Of these only the one for the chosen backend is loaded. */
const allPacks: readonly KernelPack[] = [
  {
    name: '@sparsevit/kernels-webgpu',
    backend: 'webgpu',
    install: async () => (await import('@sparsevit/kernels-webgpu')).webgpuKernels.install(),
  },
  {
    name: '@sparsevit/kernels-wasm',
    backend: 'wasm',
    install: async () => (await import('@sparsevit/kernels-wasm')).wasmKernels.install(),
  },
];

/**
 * Chooses the fastest backend of TensorFlow.js that works here (webgpu on a graphics card, else wasm, else cpu), installs the fused kernels
 * for it, compares them with TensorFlow.js's own ops, and says what it chose and why.
 *
 * @param options as of `initBackend` of `@sparsevit/ops`; `packs` and loaders that are given replace the ones here
 * @throws BackendError when a backend that was asked for by name is missing or cannot start, with what to do
 * @example
 * const { backend, detail, packs } = await initBackend();
 * await initBackend({ prefer: 'webgpu' }); // that one, or an error
 */
export function initBackend(options: InitBackendOptions = {}): Promise<BackendReport> {
  return initWith({
    packs: allPacks,
    loadDawn,
    ...options,
    load: {
      webgpu: () => import('@tensorflow/tfjs-backend-webgpu'),
      wasm: () => import('@tensorflow/tfjs-backend-wasm'),
      cpu: () => import('@tensorflow/tfjs-backend-cpu'),
      ...options.load,
    },
  });
}

/** The optional peer `webgpu`, from where this package is installed. Only for Node: a name that no bundler follows. */
function loadDawn(): Promise<unknown> {
  const name = 'webgpu';
  return import(/* @vite-ignore */ /* webpackIgnore: true */ name);
}
