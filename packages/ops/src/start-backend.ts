/** Starting one backend of TensorFlow.js: loaded if it is not registered, made the active one, and described. */

import { BackendError } from '@sparsevit/windows';
import { messageOf } from './message-of';
import type { KernelBackend } from './tensor';
import { backend, engine, env, findBackendFactory, ready, setBackend } from './tensor';
import type { WasmAllocator } from './wasm-memory';
import { guardAllocations } from './wasm-memory';
import { findAdapter } from './webgpu-adapter';

/** The backends that the ops are tested on, the fastest first. */
export const backendNames = ['webgpu', 'wasm', 'cpu'] as const;

/** The name of a backend. */
export type BackendName = (typeof backendNames)[number];

/** How backends are loaded. */
export interface BackendSources {
  /** Imports a backend that TensorFlow.js does not have yet. */
  readonly load: Partial<Readonly<Record<BackendName, () => Promise<unknown>>>>;
  /** Imports Dawn, the WebGPU for Node. */
  readonly loadDawn: () => Promise<unknown>;
  /** Whether a graphics adapter that the processor plays will do. */
  readonly takesSoftware: boolean;
}

/**
 * Makes a backend the active one and returns what it runs on: instructions and threads, or the graphics adapter.
 *
 * @throws BackendError when it is not installed, cannot start, or this machine has no adapter for it
 */
export async function startBackend(name: BackendName, sources: BackendSources): Promise<string> {
  if (findBackendFactory(name) === null && sources.load[name] === undefined) {
    throw new BackendError(
      `${name}: expected a backend that is imported, or a loader for it, got neither. Import '${packageOf(name)}', or give \`load: { ${name}: () => import('${packageOf(name)}') }\`.`,
    );
  }
  const detail = await starters[name](sources);
  await activate(name);
  return detail();
}

/** Each brings its package in, and returns what to ask once the backend runs. */
const starters: Readonly<Record<BackendName, (sources: BackendSources) => Promise<() => Promise<string>>>> = {
  async cpu(sources) {
    await loadPackage('cpu', sources);
    return async () => 'plain JavaScript';
  },
  async wasm(sources) {
    await loadPackage('wasm', sources);
    return describeWasm;
  },
  async webgpu(sources) {
    const adapter = await findAdapter(sources.loadDawn);
    if (adapter.isSoftware && !sources.takesSoftware) {
      throw new BackendError(
        `webgpu: expected a graphics card, got one that the processor plays (${adapter.detail}), slower than wasm. To run on it all the same ask for webgpu by name.`,
      );
    }
    adapter.install();
    await loadPackage('webgpu', sources);
    return async () => adapter.detail;
  },
};

async function loadPackage(name: BackendName, { load }: BackendSources): Promise<void> {
  if (findBackendFactory(name) !== null) return;
  try {
    await load[name]?.();
  } catch (cause) {
    throw new BackendError(
      `${name}: expected ${packageOf(name)} to load, got an error (${messageOf(cause)}). Run \`npm install ${packageOf(name)}\`.`,
      { cause },
    );
  }
  if (findBackendFactory(name) !== null) return;
  throw new BackendError(
    name === 'webgpu'
      ? `webgpu: expected ${packageOf(name)} to register itself, got a package that was imported before this machine's WebGPU was there. Import it only through the loader, not beside it.`
      : `${name}: expected its loader to register the backend, got none. Import '${packageOf(name)}' in it; one copy of @tensorflow/tfjs-core must serve all packages.`,
  );
}

/** Makes it the active backend. TensorFlow.js prints why a backend did not start and tells only that; here the reason is thrown. */
async function activate(name: BackendName): Promise<void> {
  const { registryFactory } = engine();
  const entry = registryFactory[name];
  if (entry === undefined) throw new RangeError(`activate: expected ${name} to be registered, got none.`);
  let cause: unknown;
  const remember = (error: unknown): never => {
    cause = error;
    throw error;
  };
  const factory = (): KernelBackend | Promise<KernelBackend> => {
    try {
      const made = entry.factory();
      return made instanceof Promise ? made.catch(remember) : made;
    } catch (error) {
      return remember(error);
    }
  };
  const before = env().getBool('PROD');
  env().set('PROD', true); // the flag under which it does not print
  registryFactory[name] = { ...entry, factory };
  let isStarted: boolean;
  try {
    isStarted = await setBackend(name);
    if (isStarted) await ready();
  } finally {
    registryFactory[name] = entry;
    env().set('PROD', before);
  }
  if (isStarted) return;
  throw new BackendError(
    `${name}: expected the backend to start, got an error (${messageOf(cause)}). ${remedies[name]}`,
    {
      cause,
    },
  );
}

const remedies: Readonly<Record<BackendName, string>> = {
  cpu: 'Use another backend.',
  wasm: 'In a browser its .wasm files must be served: call setWasmPaths of @tensorflow/tfjs-backend-wasm first.',
  webgpu: 'Look for a newer graphics driver, or use the wasm backend.',
};

/** What the type of the backend leaves out: Emscripten's module, and in it the functions of TensorFlow.js. */
interface WasmModule extends Partial<WasmAllocator> {
  readonly tfjs?: { getThreadsCount?(): number };
}

async function describeWasm(): Promise<string> {
  const { wasm } = backend() as KernelBackend & { wasm?: WasmModule };
  if (hasAllocator(wasm)) guardAllocations(wasm);
  const hasSimd = await env().getAsync('WASM_HAS_SIMD_SUPPORT');
  const threads = wasm?.tfjs?.getThreadsCount?.() ?? 1;
  return `${hasSimd ? 'SIMD' : 'no SIMD'}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
}

function hasAllocator(wasm: WasmModule | undefined): wasm is WasmModule & WasmAllocator {
  return typeof wasm?._malloc === 'function';
}

function packageOf(name: BackendName): string {
  return `@tensorflow/tfjs-backend-${name}`;
}
