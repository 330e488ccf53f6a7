/** The bare kernels: a WebAssembly module on a memory of the caller's, without TensorFlow.js. Addresses are bytes, counts are elements. */

import { BackendError } from '@sparsevit/windows';
import { relaxedSimdBinary } from './generated/relaxed-simd';
import { simdBinary } from './generated/simd';
import { forSharedMemory } from './shared-memory';
import type { WasmKernels } from './wasm-kernels';

export type { WasmKernels } from './wasm-kernels';

/** The two builds of the kernels. */
export const kernelBuilds = ['relaxed SIMD', 'SIMD'] as const;

/** Which build: with fused multiply-add where the machine has one, or without. */
export type KernelBuild = (typeof kernelBuilds)[number];

const binaries: Readonly<Record<KernelBuild, string>> = { 'relaxed SIMD': relaxedSimdBinary, SIMD: simdBinary };

/** The kernels on one memory. */
export interface LoadedKernels {
  readonly kernels: WasmKernels;
  readonly build: KernelBuild;
}

/** The kernels, compiled: what a worker is given to instantiate. */
export interface CompiledKernels {
  /** Imports `env.memory` and nothing else; its exports are `WasmKernels`. */
  readonly module: WebAssembly.Module;
  readonly build: KernelBuild;
}

/** The builds that this engine can run, the faster first. */
export function runnableBuilds(): KernelBuild[] {
  return kernelBuilds.filter((build) => WebAssembly.validate(bytesOf(build)));
}

/**
 * Compiles the kernels for a memory that is shared between threads or not: a module must be built for the one or the other.
 *
 * @param options.build default: the fastest that this engine runs
 * @throws BackendError when this engine has no WebAssembly SIMD, or not the build that was asked for
 * @example
 * const { module } = await compileKernels({ isShared: true });
 * const memory = new WebAssembly.Memory({ initial: 16, maximum: 65536, shared: true });
 * const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
 */
export async function compileKernels(options: { build?: KernelBuild; isShared: boolean }): Promise<CompiledKernels> {
  const runnable = runnableBuilds();
  const build = options.build ?? runnable[0];
  if (build === undefined || !runnable.includes(build)) {
    throw new BackendError(
      `loadKernels: expected WebAssembly with ${options.build ?? 'SIMD'}, got an engine without it. Use Node 18 or a browser of 2023 or newer, or run without this pack.`,
    );
  }
  // Not the synchronous constructor: on a page's main thread it refuses more than 4 KB.
  return {
    module: await WebAssembly.compile(options.isShared ? forSharedMemory(bytesOf(build)) : bytesOf(build)),
    build,
  };
}

/**
 * Compiles the kernels and binds them to a memory (not shared).
 *
 * The caller owns the memory: where operands, results and scratch lie, and that it is large enough. A call outside of it traps.
 *
 * @param options.build default: the fastest that this engine runs
 * @throws BackendError when this engine has no WebAssembly SIMD, or not the build that was asked for
 * @example
 * const memory = new WebAssembly.Memory({ initial: 16 });
 * const { kernels, build } = await loadKernels({ memory });
 * kernels.gelu(0, 0, 0, 1024); // in place, on the first 1024 values
 */
export async function loadKernels(options: {
  memory: WebAssembly.Memory;
  build?: KernelBuild;
}): Promise<LoadedKernels> {
  const { memory, ...rest } = options;
  const { module, build } = await compileKernels({ ...rest, isShared: false });
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  return { kernels: instance.exports as unknown as WasmKernels, build };
}

function bytesOf(build: KernelBuild): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(binaries[build]), (character) => character.charCodeAt(0));
}
