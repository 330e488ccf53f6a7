/**
 * Where the time of a forward goes: every kernel of the backend is wrapped for a while, and what it takes is added up by what it does. A
 * kernel that runs others counts only its own time. For backends that compute at once (wasm); on a GPU work is only queued.
 */

import { kernelNames } from '@sparsevit/windows';
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { getKernelsForBackend, registerKernel, unregisterKernel } from '@tensorflow/tfjs-core';
import { median } from './statistics';

/** What kernels are for. `outside` is the time in no kernel: JavaScript. */
export type KernelPart = 'products' | 'attention' | 'scoring' | 'moving' | 'norms' | 'other' | 'outside';

/** A product that ran: [rows, depth] by [depth, columns]. */
export interface ProductCall {
  readonly rows: number;
  readonly depth: number;
  readonly columns: number;
  readonly hasBias: boolean;
  readonly hasGelu: boolean;
  readonly hasResidual: boolean;
  readonly durationMs: number;
}

/** One profiled run. */
export interface RunProfile {
  readonly totalMs: number;
  readonly partsMs: Readonly<Record<KernelPart, number>>;
  /** Own milliseconds of each kernel by name. */
  readonly kernelsMs: Readonly<Record<string, number>>;
  readonly products: readonly ProductCall[];
}

/** The medians of several profiled runs. */
export interface Profile {
  readonly runs: number;
  readonly totalMs: number;
  readonly partsMs: Readonly<Record<KernelPart, number>>;
  /** Of everything but products and attention in the whole. */
  readonly overheadShare: number;
  /** Of scoring, selecting, gathering and scattering in the whole, with all JavaScript: some of it finds the rows to gather. */
  readonly selectionShare: number;
  /** The kernels that take most, own milliseconds. */
  readonly slowestKernelsMs: Readonly<Record<string, number>>;
}

const partOfKernel: Readonly<Record<string, KernelPart>> = {
  [kernelNames.linear]: 'products',
  [kernelNames.linearInputGradient]: 'products',
  [kernelNames.linearWeightGradient]: 'products',
  BatchMatMul: 'products',
  _FusedMatMul: 'products',
  [kernelNames.windowAttention]: 'attention',
  [kernelNames.windowAttentionGradient]: 'attention',
  Softmax: 'attention',
  [kernelNames.magnitude]: 'scoring',
  [kernelNames.windowScores]: 'scoring',
  [kernelNames.selectWindows]: 'scoring',
  TopK: 'scoring',
  [kernelNames.gatherRows]: 'moving',
  [kernelNames.scatterRows]: 'moving',
  GatherNd: 'moving',
  GatherV2: 'moving',
  ScatterNd: 'moving',
  TensorScatterUpdate: 'moving',
  Slice: 'moving',
  Concat: 'moving',
  Transpose: 'moving',
  PadV2: 'moving',
  [kernelNames.layerNorm]: 'norms',
  [kernelNames.layerNormGradient]: 'norms',
};

/** What a kernel is for. */
export function partOf(kernelName: string): KernelPart {
  return partOfKernel[kernelName] ?? 'other';
}

/** Adds up own times: a timer for nested calls. */
export interface NestedTimer {
  /** Times a call; returns what it returns. */
  time<Result>(name: string, run: () => Result, onEnd?: (ownMs: number) => void): Result;
  readonly ownMs: ReadonlyMap<string, number>;
}

/** Times calls inside calls so that every moment counts once, for the innermost. */
export function createNestedTimer(now: () => number): NestedTimer {
  const ownMs = new Map<string, number>();
  const insideMs: number[] = []; // of the calls that are open: what the calls inside them took
  return {
    ownMs,
    time(name, run, onEnd) {
      insideMs.push(0);
      const start = now();
      try {
        return run();
      } finally {
        const whole = now() - start;
        const own = whole - (insideMs.pop() ?? 0);
        ownMs.set(name, (ownMs.get(name) ?? 0) + own);
        const outer = insideMs.length - 1;
        if (outer >= 0) insideMs[outer] = (insideMs[outer] ?? 0) + whole;
        onEnd?.(own);
      }
    },
  };
}

/** Runs something once with every kernel of a backend wrapped. */
export function profileRun(backendName: string, run: () => void, now: () => number): RunProfile {
  const timer = createNestedTimer(now);
  const products: ProductCall[] = [];
  const unwrap = wrapKernels(backendName, (config) => {
    const { kernelName, kernelFunc } = config;
    const isProduct = kernelName === kernelNames.linear;
    return (options) =>
      timer.time(
        kernelName,
        () => kernelFunc(options),
        isProduct
          ? (durationMs) => {
              const { x, weight, bias, residual } = options.inputs;
              const hasGelu = (options.attrs as { gelu?: boolean } | undefined)?.gelu === true;
              products.push({
                ...productShape(x, weight),
                hasBias: !!bias,
                hasResidual: !!residual,
                hasGelu,
                durationMs,
              });
            }
          : undefined,
      );
  });
  const start = now();
  try {
    run();
  } finally {
    unwrap();
  }
  const totalMs = now() - start;
  const partsMs: Record<KernelPart, number> = {
    products: 0,
    attention: 0,
    scoring: 0,
    moving: 0,
    norms: 0,
    other: 0,
    outside: 0,
  };
  for (const [name, ms] of timer.ownMs) partsMs[partOf(name)] += ms;
  partsMs.outside = totalMs - [...timer.ownMs.values()].reduce((sum, ms) => sum + ms, 0);
  return { totalMs, partsMs, kernelsMs: Object.fromEntries(timer.ownMs), products };
}

function productShape(
  x: TensorInfo | undefined,
  weight: TensorInfo | undefined,
): { rows: number; depth: number; columns: number } {
  return { rows: x?.shape[0] ?? 0, depth: weight?.shape[0] ?? 0, columns: weight?.shape[1] ?? 0 };
}

/** Replaces the function of every kernel of a backend; returns what puts them back. */
function wrapKernels(backendName: string, wrap: (config: KernelConfig) => KernelConfig['kernelFunc']): () => void {
  const configs = [...getKernelsForBackend(backendName)];
  const replace = (config: KernelConfig): void => {
    unregisterKernel(config.kernelName, backendName); // neither this nor the next sets anything up or takes it down
    registerKernel(config);
  };
  for (const config of configs) replace({ ...config, kernelFunc: wrap(config) });
  return () => {
    for (const config of configs) replace(config);
  };
}

/** Medians over profiled runs. */
export function summarizeProfiles(profiles: readonly RunProfile[]): Profile {
  const middle = (of: (profile: RunProfile) => number): number => median(profiles.map(of));
  const part = (name: KernelPart): number => middle(({ partsMs }) => partsMs[name]);
  const names = [...new Set(profiles.flatMap(({ kernelsMs }) => Object.keys(kernelsMs)))];
  const slowest = names
    .map((name): [string, number] => [name, middle(({ kernelsMs }) => kernelsMs[name] ?? 0)])
    .sort(([, a], [, b]) => b - a)
    .slice(0, 12);
  const share = (of: (parts: RunProfile['partsMs']) => number): number =>
    middle(({ partsMs, totalMs }) => of(partsMs) / totalMs);
  return {
    runs: profiles.length,
    totalMs: middle(({ totalMs }) => totalMs),
    partsMs: {
      products: part('products'),
      attention: part('attention'),
      scoring: part('scoring'),
      moving: part('moving'),
      norms: part('norms'),
      other: part('other'),
      outside: part('outside'),
    },
    overheadShare: 1 - share(({ products, attention }) => products + attention),
    selectionShare: share(({ scoring, moving, outside }) => scoring + moving + outside),
    slowestKernelsMs: Object.fromEntries(slowest),
  };
}
