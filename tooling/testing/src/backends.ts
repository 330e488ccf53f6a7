/**
 * The TF.js backends of each lane. TF.js is a devDependency of the package under test, not of this one, so the package hands in
 * how to load it.
 */
import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the test server has the `.wasm` files of TF.js's wasm backend; empty in Node, where the backend finds them itself. */
    wasmPath: string;
  }
}

/** Name of a TF.js backend. */
export type BackendName = 'cpu' | 'wasm' | 'webgpu';

/** The part of `@tensorflow/tfjs-core` that starting a backend needs. */
export interface TensorFlowCore {
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  env(): { set(flag: string, value: boolean): void };
}

/** How the package under test loads TF.js and the backends; each is called at most when its backend is started. */
export interface BackendLoaders {
  readonly core: () => Promise<TensorFlowCore>;
  readonly cpu?: () => Promise<unknown>;
  readonly wasm?: () => Promise<{ setWasmPaths(prefix: string): void }>;
  readonly webgpu?: () => Promise<unknown>;
}

/** Backends of the lane that runs, for `describe.each`: cpu and wasm in Node, webgpu and wasm in a browser. */
export const backends: readonly BackendName[] = typeof window === 'undefined' ? ['cpu', 'wasm'] : ['webgpu', 'wasm'];

/**
 * Loads a backend, makes it the active one and keeps TF.js from printing.
 *
 * @example
 * const loaders = {
 *   core: () => import('@tensorflow/tfjs-core'),
 *   cpu: () => import('@tensorflow/tfjs-backend-cpu'),
 *   wasm: () => import('@tensorflow/tfjs-backend-wasm'),
 * };
 * describe.each(backends)('gather on %s', (name) => { beforeAll(() => startBackend(name, loaders)); });
 */
export async function startBackend(name: BackendName, loaders: BackendLoaders): Promise<void> {
  const core = await loaders.core();
  // The cpu backend greets on its first tensor otherwise. Not IS_TEST: its leak check takes the copies that wasm makes of saved tensors for leaks.
  core.env().set('PROD', true);
  const load = loaders[name];
  if (load === undefined)
    throw new Error(`startBackend: expected a loader of ${name}, got none. Add it to the loaders.`);
  const backend = await load();
  const wasmPath = inject('wasmPath');
  if (isWasmBackend(backend) && wasmPath !== '') backend.setWasmPaths(wasmPath);
  if (!(await core.setBackend(name)))
    throw new Error(`startBackend: expected ${name} to start, got a refusal of TF.js.`);
  await core.ready();
}

function isWasmBackend(backend: unknown): backend is { setWasmPaths(prefix: string): void } {
  return typeof backend === 'object' && backend !== null && 'setWasmPaths' in backend;
}
