/**
 * WebGPU before TensorFlow.js: where it comes from and which adapter it has. The backend of TensorFlow.js looks for `navigator.gpu` when it
 * is imported and dies with a TypeError where there is no adapter, so both are looked at first.
 */

import { BackendError } from '@sparsevit/windows';
import { messageOf } from './message-of';
import { env } from './tensor';

/** What is used of `navigator.gpu`. */
interface GpuSource {
  requestAdapter(options?: { powerPreference: 'high-performance' | 'low-power' }): Promise<GpuAdapter | null>;
}

interface GpuAdapter {
  readonly info?: {
    readonly vendor?: string;
    readonly architecture?: string;
    readonly device?: string;
    readonly description?: string;
    readonly isFallbackAdapter?: boolean;
  };
  /** Where older browsers have it. */
  readonly isFallbackAdapter?: boolean;
}

/** The part of the npm package `webgpu` (Dawn for Node) that is used. */
interface DawnModule {
  create(options: string[]): GpuSource;
  readonly globals: object;
}

/** An adapter that was found. */
export interface FoundAdapter {
  /** Its name, such as `NVIDIA GeForce RTX 4070, lovelace`. */
  readonly detail: string;
  /** True where the processor plays the graphics card: slower than wasm. */
  readonly isSoftware: boolean;
  /** Makes `navigator.gpu` be there, for TensorFlow.js to find. Nothing to do in a browser. */
  install(): void;
}

const remedy = 'Use the wasm backend.';

/**
 * Finds the graphics adapter that TensorFlow.js would take: that of the browser or, in Node, of Dawn.
 *
 * @param loadDawn imports the package `webgpu`; called only in Node, and only where there is no `navigator.gpu`
 * @throws BackendError where there is no WebGPU or no adapter
 */
export async function findAdapter(loadDawn: () => Promise<unknown>): Promise<FoundAdapter> {
  const own = (globalThis.navigator as { gpu?: GpuSource } | undefined)?.gpu;
  const { gpu, install } = own ? { gpu: own, install: () => {} } : await startDawn(loadDawn);
  const powerPreference = prefersLowPower() ? 'low-power' : 'high-performance'; // as the backend will ask
  let adapter: GpuAdapter | null;
  try {
    adapter = await gpu.requestAdapter({ powerPreference });
  } catch (cause) {
    throw noAdapter(`a refusal (${messageOf(cause)})`, cause);
  }
  if (adapter === null) throw noAdapter('none on this machine');
  const { vendor, architecture, device, description } = adapter.info ?? {};
  const detail = [description || vendor, architecture].filter(Boolean).join(', ') || 'unnamed adapter';
  const isSoftware =
    adapter.info?.isFallbackAdapter === true ||
    adapter.isFallbackAdapter === true ||
    softwareNames.test([vendor, architecture, device, description].join(' '));
  return { detail: isSoftware ? `${detail}, software` : detail, isSoftware, install };
}

/** Adapters that run on the processor: of Chromium, Mesa and Windows. */
const softwareNames = /swiftshader|llvmpipe|lavapipe|softpipe|basic render/i;

function noAdapter(got: string, cause?: unknown): BackendError {
  return new BackendError(
    `webgpu: expected a graphics adapter, got ${got}. Look for a driver (in Node on Linux: Vulkan), or use the wasm backend.`,
    { cause },
  );
}

/** Only the backend's package registers this flag, and it may not be loaded yet. */
function prefersLowPower(): boolean {
  try {
    return env().get('WEBGPU_USE_LOW_POWER_GPU') === true;
  } catch {
    return false;
  }
}

/** Node has no WebGPU of its own: the optional package `webgpu` brings one. */
async function startDawn(loadDawn: () => Promise<unknown>): Promise<{ gpu: GpuSource; install: () => void }> {
  if (!env().getBool('IS_NODE')) {
    throw new BackendError(
      `webgpu: expected a browser with WebGPU, got none (\`navigator.gpu\` is missing; it needs HTTPS or localhost). ${remedy}`,
    );
  }
  const dawn = await importDawn(loadDawn);
  let gpu: GpuSource;
  try {
    gpu = dawn.create([]);
  } catch (cause) {
    throw new BackendError(
      `webgpu: expected the package webgpu to start, got an error of its binary (${messageOf(cause)}). ${remedy}`,
      { cause },
    );
  }
  return { gpu, install: () => installDawn(gpu, dawn.globals) };
}

async function importDawn(loadDawn: () => Promise<unknown>): Promise<DawnModule> {
  let loaded: unknown;
  try {
    loaded = await loadDawn();
  } catch (cause) {
    const code = (cause as { code?: unknown } | null)?.code;
    const isMissing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
    throw new BackendError(
      isMissing
        ? 'webgpu: expected WebGPU, got none in this Node. Run `npm install webgpu`, or use the wasm backend.'
        : `webgpu: expected the package webgpu to load, got an error of its binary (${messageOf(cause)}). ${remedy}`,
      { cause },
    );
  }
  const dawn = loaded as Partial<DawnModule> | null;
  if (typeof dawn?.create !== 'function' || typeof dawn.globals !== 'object') {
    throw new BackendError(
      `webgpu: expected the package webgpu to export create() and globals, got another module. Install a newer one, or use the wasm backend.`,
    );
  }
  return dawn as DawnModule;
}

/** Puts WebGPU where a browser has it. */
function installDawn(gpu: GpuSource, globals: object): void {
  Object.assign(globalThis, globals);
  // Node 20 has no navigator; TensorFlow.js wants a userAgent of one that is there.
  const target: object = globalThis.navigator ?? { userAgent: 'node' };
  Object.defineProperty(target, 'gpu', { value: gpu, configurable: true });
  if (globalThis.navigator === undefined) {
    Object.defineProperty(globalThis, 'navigator', { value: target, configurable: true });
  }
}

/** Imports the package `webgpu` from where this package is installed. */
export function importWebGpuPackage(): Promise<unknown> {
  const name = 'webgpu'; // optional, and only for Node: a name that no bundler follows, so that this package loads without it
  return import(/* @vite-ignore */ /* webpackIgnore: true */ name);
}
