/** Starting a backend of TensorFlow.js with the fused kernels for it. Each is loaded only when it is needed. */

import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BackendReport } from '@sparsevit/ops';
import { initBackend, isOutOfMemory } from '@sparsevit/ops';
import type { KernelPack } from '@sparsevit/windows';
import { BackendError, SparseViTError } from '@sparsevit/windows';
import { env } from './tensor';

/** A backend of TensorFlow.js. `graphics card` is webgpu on one, and an error where the processor plays it. */
export type TensorBackend = 'webgpu' | 'graphics card' | 'wasm' | 'cpu';

/** What runs the model. */
export interface StartedBackend extends BackendReport {
  /** False when plain ops were asked for. */
  readonly wantsKernels: boolean;
}

/**
 * Loads a backend with its kernels and makes it the active one.
 *
 * @throws BackendError when it is not installed, or this machine has no adapter for it
 */
export async function startBackend(
  choice: TensorBackend,
  options: { wantsKernels: boolean } = { wantsKernels: true },
): Promise<StartedBackend> {
  const { wantsKernels } = options;
  env().set('PROD', true); // the cpu backend prints a greeting otherwise
  try {
    const report = await initBackend({
      prefer: choice === 'graphics card' ? ['webgpu'] : choice,
      packs: wantsKernels ? kernelPacks : [],
      load: {
        webgpu: () => import('@tensorflow/tfjs-backend-webgpu'),
        wasm: () => import('@tensorflow/tfjs-backend-wasm'),
        cpu: () => import('@tensorflow/tfjs-backend-cpu'),
      },
      loadDawn,
    });
    return { ...report, wantsKernels };
  } catch (error) {
    if (!SparseViTError.isInstance(error) || error.code !== 'backend') throw error;
    const instead = choice === 'webgpu' ? ' To go on without it: --backend wasm.' : '';
    throw new BackendError(`--backend: ${error.message}${instead}`, { cause: error });
  }
}

/** Of these only the one for the chosen backend is loaded. */
const kernelPacks: readonly KernelPack[] = [
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

/** WebGPU for Node from where this package is installed, else from the folder the command runs in (`npx sparsevit` has one of its own). */
async function loadDawn(): Promise<unknown> {
  const name = 'webgpu'; // an optional peer: found at run time, so that this package compiles and loads without it
  let missing: unknown;
  for (const from of [import.meta.url, resolve('index.js')]) {
    let path: string;
    try {
      path = createRequire(from).resolve(name);
    } catch (error) {
      missing = error;
      continue;
    }
    return import(pathToFileURL(path).href);
  }
  throw missing;
}

/** The error to report for one that came out of a backend: running out of memory is said in terms of what was typed. */
export function explainOutOfMemory(error: unknown): unknown {
  if (!isOutOfMemory(error)) return error;
  return new BackendError(
    '--backend: expected everything to fit into the 4 GB that wasm can address, got an image that needs more. Use a smaller --size, or --backend webgpu.',
    { cause: error },
  );
}
