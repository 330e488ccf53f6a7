/** Starting a backend of TensorFlow.js. Each is loaded only when it is asked for. */

import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BackendError } from '@sparsevit/windows';
import type { KernelBackend } from './tensor';
import { backend, env, ready, setBackend, tensorFlowVersion } from './tensor';
import type { WasmAllocator } from './wasm-memory';
import { guardAllocations } from './wasm-memory';

/** The backends by name. */
export const backendNames = ['cpu', 'wasm', 'webgpu'] as const;

/** The name of a backend. */
export type BackendName = (typeof backendNames)[number];

/** What runs the model. */
export interface StartedBackend {
  readonly name: BackendName;
  /** Threads and instructions, or the graphics adapter. */
  readonly detail: string;
  readonly tensorFlowVersion: string;
}

/**
 * Loads a backend and makes it the active one.
 *
 * @throws BackendError when it is not installed, or this machine has no adapter for it
 */
export async function startBackend(name: BackendName): Promise<StartedBackend> {
  env().set('PROD', true); // the cpu backend prints a greeting otherwise
  const detail = await load[name]();
  if (!(await setBackend(name))) {
    throw new BackendError(
      `--backend: expected ${name} to start, got a refusal of TensorFlow.js. Use another backend.`,
    );
  }
  await ready();
  return { name, detail: await detail(), tensorFlowVersion };
}

/** Each loads its package and returns what to ask once the backend runs. */
const load: Readonly<Record<BackendName, () => Promise<() => Promise<string>>>> = {
  async cpu() {
    await import('@tensorflow/tfjs-backend-cpu').catch(missing('@tensorflow/tfjs-backend-cpu'));
    return async () => 'plain JavaScript';
  },
  async wasm() {
    const wasm = await import('@tensorflow/tfjs-backend-wasm').catch(missing('@tensorflow/tfjs-backend-wasm'));
    return async () => {
      // The type of a backend leaves out what it is made of.
      const { wasm: allocator } = backend() as KernelBackend & { wasm?: WasmAllocator };
      if (allocator !== undefined) guardAllocations(allocator);
      const hasSimd = await env().getAsync('WASM_HAS_SIMD_SUPPORT');
      const hasThreads = await env().getAsync('WASM_HAS_MULTITHREAD_SUPPORT');
      const threads = hasThreads ? wasm.getThreadsCount() : 1;
      return `${hasSimd ? 'SIMD' : 'no SIMD'}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
    };
  },
  async webgpu() {
    const adapter = await findAdapter(); // first: the backend dies with a TypeError where there is none
    await import('@tensorflow/tfjs-backend-webgpu').catch(missing('@tensorflow/tfjs-backend-webgpu'));
    return async () => adapter;
  },
};

function missing(name: string): (cause: unknown) => never {
  return (cause) => {
    throw new BackendError(`--backend: expected ${name} to be installed, got none. Run \`npm install ${name}\`.`, {
      cause,
    });
  };
}

/** The part of the package `webgpu` (Dawn for Node) that is used. */
interface DawnModule {
  create(options: string[]): GpuSource;
  readonly globals: object;
}

interface GpuSource {
  requestAdapter(options?: { powerPreference: 'high-performance' }): Promise<GpuAdapter | null>;
}

interface GpuAdapter {
  readonly info?: { readonly vendor?: string; readonly architecture?: string; readonly description?: string };
}

const remedy = 'Use --backend wasm.';

/** Makes `navigator.gpu` be there and returns the name of its adapter. */
async function findAdapter(): Promise<string> {
  const own = (globalThis.navigator as { gpu?: GpuSource } | undefined)?.gpu;
  const gpu = own ?? (await startDawn());
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null);
  if (adapter === null) {
    throw new BackendError(`--backend: expected a graphics adapter for webgpu, got none on this machine. ${remedy}`);
  }
  const { vendor, architecture, description } = adapter.info ?? {};
  return [description || vendor, architecture].filter(Boolean).join(', ') || 'unnamed adapter';
}

/** Node has no WebGPU of its own: the optional package `webgpu` brings one, and TensorFlow.js looks for it where a browser has it. */
async function startDawn(): Promise<GpuSource> {
  const dawn = await importDawn();
  let gpu: GpuSource;
  try {
    gpu = dawn.create([]);
  } catch (cause) {
    throw new BackendError(`--backend: expected the package webgpu to start, got an error of its binary. ${remedy}`, {
      cause,
    });
  }
  Object.assign(globalThis, dawn.globals);
  Object.defineProperty(globalThis, 'navigator', { value: { gpu, userAgent: 'node' }, configurable: true });
  return gpu;
}

/** From where this package is installed, else from the folder the command runs in (`npx sparsevit` has a folder of its own). */
async function importDawn(): Promise<DawnModule> {
  const name = 'webgpu'; // an optional peer: found at run time, so that this package compiles and loads without it
  const path = [import.meta.url, resolve('index.js')].reduce<string | null>(
    (found, from) => found ?? findPackage(name, from),
    null,
  );
  if (path === null) {
    throw new BackendError(
      '--backend: expected WebGPU, got none in this Node. Run `npm install webgpu`, or use --backend wasm.',
    );
  }
  try {
    return await import(pathToFileURL(path).href);
  } catch (cause) {
    throw new BackendError(`--backend: expected the package webgpu to load, got an error of its binary. ${remedy}`, {
      cause,
    });
  }
}

function findPackage(name: string, from: string): string | null {
  try {
    return createRequire(from).resolve(name);
  } catch {
    return null;
  }
}
