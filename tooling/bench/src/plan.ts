/** What a run is asked to do, as a plain record: the same for Node and a page. */

import type { BenchBackend, EngineName } from './cases';
import { allConfigurations, allSizes } from './cases';
import type { Protocol } from './measure';

/** A run. */
export interface Plan {
  readonly backend: BenchBackend;
  readonly sizes: readonly number[];
  readonly configurations: readonly string[];
  readonly engines: readonly EngineName[];
  readonly rounds: number;
  readonly runsPerVisit: number;
  /** Of which the most is one process per size. */
  readonly coldRuns: number;
  readonly wantsTraining: boolean;
  readonly wantsProfile: boolean;
  /** Profiled forwards of each profiled case; after each its products run alone. */
  readonly profileRuns: number;
  readonly maxWarmupRuns: Protocol['maxWarmupRuns'];
  readonly seed: number;
  /** Every case once, for its values: no times. What a software adapter is good for. */
  readonly isDryRun: boolean;
  /** The page may share memory between threads. TensorFlow.js then loads its build with threads, which the kernels refuse. */
  readonly isIsolated: boolean;
}

/** What a user may change. */
export type PlanOptions = Partial<Omit<Plan, 'maxWarmupRuns' | 'profileRuns'>> & {
  /** With the other runtimes and the plain ops. */
  readonly wantsPeers?: boolean;
  /** One short look: to see that the bench works. */
  readonly isQuick?: boolean;
  /** Where it runs. */
  readonly runtime: 'node' | 'browser';
};

/** The other engines of a backend. */
export function peersOf(backend: BenchBackend, runtime: 'node' | 'browser'): EngineName[] {
  const onnx: Record<BenchBackend, Record<'node' | 'browser', EngineName[]>> = {
    wasm: {
      node: ['engine-1', 'engine-2', 'ort-web', 'ort-node-1', 'ort-node-2'],
      browser: ['engine-1', 'ort-web'],
    },
    webgpu: { node: ['ort-node-webgpu'], browser: ['ort-web-webgpu'] },
  };
  return ['plain-tfjs', ...onnx[backend][runtime]];
}

/** Fills in what was not asked for. Our rows alone take a few minutes, with peers most of an hour. */
export function makePlan(options: PlanOptions): Plan {
  const { backend = 'wasm', wantsPeers = false, isQuick = false, runtime } = options;
  // 1024 pixels alone take longer than the three other sizes
  const defaultSizes = isQuick ? [224] : wantsPeers ? allSizes : allSizes.filter((size) => size < 1024);
  return {
    backend,
    sizes: options.sizes ?? defaultSizes,
    configurations: options.configurations ?? (isQuick ? ['dense', '0.6'] : allConfigurations),
    engines: options.engines ?? ['sparsevit', ...(wantsPeers ? peersOf(backend, runtime) : [])],
    rounds: options.rounds ?? (isQuick ? 1 : wantsPeers ? 5 : 3),
    runsPerVisit: options.runsPerVisit ?? (isQuick ? 1 : 2),
    coldRuns: options.coldRuns ?? (wantsPeers && !isQuick ? 3 : 1),
    wantsTraining: options.wantsTraining ?? (wantsPeers && !isQuick),
    wantsProfile: options.wantsProfile ?? backend === 'wasm',
    profileRuns: isQuick ? 1 : 5,
    maxWarmupRuns: isQuick ? { first: 2, later: 1 } : { first: 10, later: 1 },
    seed: options.seed ?? 0,
    isDryRun: options.isDryRun ?? false,
    isIsolated: options.isIsolated ?? false,
  };
}

/** The protocol of a group of cases. */
export function protocolOf(plan: Plan, sentinelId: string): Protocol {
  return {
    rounds: plan.rounds,
    runsPerVisit: plan.runsPerVisit,
    agreeingRuns: 3,
    agreement: 0.05,
    maxWarmupRuns: plan.maxWarmupRuns,
    sentinel: { id: sentinelId, everyVisits: 10 },
    sentinelTolerance: 0.05,
    pauseMs: 100,
  };
}
