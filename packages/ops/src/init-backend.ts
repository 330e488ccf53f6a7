/** One call that makes TensorFlow.js ready: a backend is chosen, kernel packs are installed and checked, and what was done is said. */

import type { InstalledPack, KernelName, KernelPack } from '@sparsevit/windows';
import { BackendError, ConfigError, SparseViTError } from '@sparsevit/windows';
import { checkKernels, selfCheckTolerance } from './self-check';
import type { BackendName } from './start-backend';
import { backendNames, startBackend } from './start-backend';
import { getBackend, setBackend, tensorFlowVersion } from './tensor';
import { importWebGpuPackage } from './webgpu-adapter';

/** What to start, and with what. */
export interface InitBackendOptions {
  /**
   * A list (default webgpu, wasm, cpu): the first that works. A single name: that one or an error. In a list webgpu means a graphics card; an
   * adapter that the processor plays (SwiftShader, llvmpipe) is taken only by name.
   */
  readonly prefer?: BackendName | readonly BackendName[];
  /** Fused kernels: those for the chosen backend are installed, and others of an earlier call taken out. Default: as they are, at first none. */
  readonly packs?: readonly KernelPack[];
  /** How to import a backend that is not imported yet: `{ wasm: () => import('@tensorflow/tfjs-backend-wasm') }`. */
  readonly load?: Partial<Readonly<Record<BackendName, () => Promise<unknown>>>>;
  /** How to import the npm package `webgpu`, which Node needs for webgpu; default from where this package is installed. */
  readonly loadDawn?: () => Promise<unknown>;
  readonly onEvent?: (event: BackendEvent) => void;
  /** Compare each pack with TensorFlow.js's own ops once on small inputs, and take it out where they differ; default true. */
  readonly selfCheck?: boolean;
}

/** What happens on the way. */
export type BackendEvent =
  | { readonly type: 'backend-refused'; readonly backend: BackendName; readonly reason: string }
  | { readonly type: 'backend-started'; readonly backend: BackendName; readonly detail: string }
  | { readonly type: 'pack-installed'; readonly pack: string; readonly detail: string }
  | { readonly type: 'pack-refused'; readonly pack: string; readonly reason: string }
  | { readonly type: 'self-check-passed'; readonly pack: string; readonly largestDifference: number }
  | {
      readonly type: 'self-check-failed';
      readonly pack: string;
      /** Infinity where a kernel failed, or gave a NaN. */
      readonly largestDifference: number;
      readonly reason: string;
    };

/** What runs, and why. */
export interface BackendReport {
  readonly backend: BackendName;
  /** `SIMD, 1 thread`, or the name of the graphics adapter. */
  readonly detail: string;
  readonly chosenBecause: string;
  /** The backends that were tried before. */
  readonly refused: readonly { readonly backend: BackendName; readonly reason: string }[];
  /** The packs in use. */
  readonly packs: readonly {
    readonly name: string;
    readonly detail: string;
    readonly kernels: readonly KernelName[];
  }[];
  /** The packs for this backend that are not: what they would have done runs on TensorFlow.js's own ops. */
  readonly refusedPacks: readonly { readonly name: string; readonly reason: string }[];
  /** The largest difference between the packs in use and TensorFlow.js's own ops; null where none was compared. */
  readonly selfCheck: { readonly largestDifference: number } | null;
  readonly tensorFlowVersion: string;
}

let last: Promise<unknown> = Promise.resolve();
/** The packs that are installed, by name. */
const inUse = new Map<string, { readonly pack: KernelPack; readonly installed: InstalledPack }>();

/**
 * Chooses a backend of TensorFlow.js, makes it the active one, installs kernel packs for it and compares each with the reference path
 * (tolerance 1e-4). Calling it again is harmless; calls at the same time run one after the other.
 *
 * @throws BackendError when the backend that was asked for is missing or cannot start (with what to install), or no backend of a list can
 * @throws ConfigError for an unknown backend
 * @example
 * const report = await initBackend({
 *   packs: [wasmKernels],
 *   load: { wasm: () => import('@tensorflow/tfjs-backend-wasm') },
 * });
 * console.log(report.backend, report.detail, report.packs); // wasm, 'SIMD, 1 thread', ...
 */
export function initBackend(options: InitBackendOptions = {}): Promise<BackendReport> {
  // TensorFlow.js has one active backend: a second call must not change it under the first.
  const report = last.then(() => init(options));
  last = report.catch(() => {});
  return report;
}

async function init(options: InitBackendOptions): Promise<BackendReport> {
  const { onEvent = () => {}, selfCheck = true } = options;
  const chosen = await chooseBackend(options, onEvent);
  const packs = (options.packs ?? [...inUse.values()].map(({ pack }) => pack)).filter(isFor(chosen.backend));
  for (const { pack } of [...inUse.values()].filter(({ pack }) => isFor(chosen.backend)(pack))) {
    if (!packs.some(({ name }) => name === pack.name)) takeOut(pack.name);
  }
  const installed: { name: string; detail: string; kernels: readonly KernelName[] }[] = [];
  const refusedPacks: { name: string; reason: string }[] = [];
  let largestDifference: number | null = null;
  for (const pack of packs) {
    const outcome = await installPack(pack, selfCheck, onEvent);
    if ('reason' in outcome) {
      refusedPacks.push({ name: pack.name, reason: outcome.reason });
      continue;
    }
    installed.push({ name: pack.name, detail: outcome.detail, kernels: outcome.kernels });
    if (outcome.largestDifference !== null) {
      largestDifference = Math.max(largestDifference ?? 0, outcome.largestDifference);
    }
  }
  return {
    ...chosen,
    packs: installed,
    refusedPacks,
    selfCheck: largestDifference === null ? null : { largestDifference },
    tensorFlowVersion,
  };
}

async function chooseBackend(
  options: InitBackendOptions,
  onEvent: (event: BackendEvent) => void,
): Promise<Pick<BackendReport, 'backend' | 'detail' | 'chosenBecause' | 'refused'>> {
  const { prefer = backendNames, load = {}, loadDawn = importWebGpuPackage } = options;
  const isByName = typeof prefer === 'string';
  const wanted = checkNames(isByName ? [prefer] : prefer);
  const before: string | undefined = getBackend();
  const refused: { backend: BackendName; reason: string }[] = [];
  for (const backend of wanted) {
    let detail: string;
    try {
      detail = await startBackend(backend, { load, loadDawn, takesSoftware: isByName });
    } catch (error) {
      if (isByName || !isBackendError(error)) {
        await restore(before);
        throw error;
      }
      refused.push({ backend, reason: error.message });
      onEvent({ type: 'backend-refused', backend, reason: error.message });
      continue;
    }
    onEvent({ type: 'backend-started', backend, detail });
    const chosenBecause = isByName ? 'asked for by name' : `the first of ${wanted.join(', ')} that works here`;
    return { backend, detail, chosenBecause, refused };
  }
  await restore(before);
  const reasons = refused.map(({ reason }) => reason).join(' ');
  throw new BackendError(`initBackend: expected one of ${wanted.join(', ')} to start, got none. ${reasons}`);
}

const isFor =
  (backend: BackendName) =>
  (pack: KernelPack): boolean =>
    pack.backend === backend;

function takeOut(name: string): void {
  inUse.get(name)?.installed.uninstall();
  inUse.delete(name);
}

/** A backend that failed to start stays the active one otherwise, and every op after it fails. */
async function restore(before: string | undefined): Promise<void> {
  if (before && before !== getBackend()) await setBackend(before);
}

function checkNames(names: readonly BackendName[]): readonly BackendName[] {
  const unknown = names.find((name) => !backendNames.includes(name));
  if (names.length === 0 || unknown !== undefined) {
    throw new ConfigError(
      `initBackend: expected prefer to name backends of ${backendNames.join(', ')}, got ${unknown === undefined ? 'an empty list' : `"${unknown}"`}. Leave it out to take the first that works.`,
    );
  }
  return names;
}

type PackOutcome = (InstalledPack & { readonly largestDifference: number | null }) | { readonly reason: string };

/** Installs a pack, and takes it out again when it does not compute what it should. */
async function installPack(
  pack: KernelPack,
  selfCheck: boolean,
  onEvent: (event: BackendEvent) => void,
): Promise<PackOutcome> {
  let installed: InstalledPack;
  try {
    installed = await pack.install();
  } catch (error) {
    if (!isBackendError(error)) throw error;
    onEvent({ type: 'pack-refused', pack: pack.name, reason: error.message });
    return { reason: error.message };
  }
  inUse.set(pack.name, { pack, installed });
  onEvent({ type: 'pack-installed', pack: pack.name, detail: installed.detail });
  if (!selfCheck) return { ...installed, largestDifference: null };
  const { largestDifference, reason } = await checkKernels();
  if (reason === null) {
    onEvent({ type: 'self-check-passed', pack: pack.name, largestDifference });
    return { ...installed, largestDifference };
  }
  takeOut(pack.name);
  const refusal = `${pack.name}: expected what TensorFlow.js's own ops compute to ${selfCheckTolerance}, got ${reason}. The plain ops run instead; please report it with the name of this machine.`;
  onEvent({ type: 'self-check-failed', pack: pack.name, largestDifference, reason: refusal });
  return { reason: refusal };
}

function isBackendError(error: unknown): error is SparseViTError {
  return SparseViTError.isInstance(error) && error.code === 'backend';
}
