/** What can only be seen in a fresh process or page: the first run, and the most memory. */

import type { CaseSpec, EngineName } from './cases';
import { createPlanEngines, isPlanEngine } from './engines/plan-engine';
import type { TensorEngine } from './engines/tensorflow';
import type { Plan } from './plan';
import type { Runnable } from './runnable';
import { median } from './statistics';

/** Times and memory of a process that runs one case. */
export interface ColdResult {
  /** Absent in results from before the engine had rows: `sparsevit`. */
  readonly engine?: EngineName;
  readonly configuration: string;
  readonly sizePixels: number;
  /** Backend, kernels and weights, before the first run. */
  readonly startMs: number;
  /** The first forward: what is compiled and packed on the way is in it. */
  readonly firstMs: number;
  readonly steadyMs: number;
  /** first / steady. */
  readonly firstToSteady: number;
  /** Of WebAssembly's memory, which never shrinks: its peak; null on another backend. */
  readonly wasmHeapBytes: number | null;
  /** Peak of the whole process; null in a page. */
  readonly peakProcessBytes: number | null;
  /** Tracing and laying out a plan: the first, which packs the weights, and one of another sparsity; absent without plans. */
  readonly planMs?: { readonly first: number; readonly next: number };
}

/** How a process looks at itself. */
export interface ColdSurroundings {
  readonly now: () => number;
  readonly start: () => Promise<TensorEngine>;
  readonly wasmHeapBytes: () => number | null;
  readonly peakProcessBytes: () => number | null;
}

/** Runs a case for the first time and then until it is steady. Call once, in a process that has done nothing else. */
export async function runCold(
  spec: CaseSpec,
  surroundings: ColdSurroundings,
  options: { steadyRuns: number },
): Promise<ColdResult> {
  const { now } = surroundings;
  const begin = now();
  const { runnable, planMs, memoryBytes, dispose } = await prepareCold(spec, surroundings);
  const startMs = now() - begin;
  const timed = async (): Promise<number> => {
    const start = now();
    await runnable.run();
    return now() - start;
  };
  const firstMs = await timed();
  for (let run = 0; run < Math.min(3, options.steadyRuns); run++) await timed();
  const steady: number[] = [];
  for (let run = 0; run < options.steadyRuns; run++) steady.push(await timed());
  const steadyMs = median(steady);
  const { engine, configuration, sizePixels } = spec;
  const result: ColdResult = {
    engine,
    configuration,
    sizePixels,
    startMs,
    firstMs,
    steadyMs,
    firstToSteady: firstMs / steadyMs,
    wasmHeapBytes: memoryBytes(),
    peakProcessBytes: surroundings.peakProcessBytes(),
    ...(planMs && { planMs }),
  };
  await runnable.dispose();
  await dispose();
  return result;
}

/** A case on an engine that is started for it. */
interface ColdCase {
  readonly runnable: Runnable;
  readonly planMs?: NonNullable<ColdResult['planMs']>;
  memoryBytes(): number | null;
  dispose(): Promise<void>;
}

async function prepareCold(spec: CaseSpec, { start, wasmHeapBytes }: ColdSurroundings): Promise<ColdCase> {
  if (!isPlanEngine(spec.engine)) {
    const engine = await start();
    return { runnable: engine.prepare(spec), memoryBytes: wasmHeapBytes, dispose: async () => engine.dispose() };
  }
  const engines = createPlanEngines();
  await engines.start(spec.engine);
  const first = await engines.prepare(spec);
  const next = await engines.prepare({ ...spec, configuration: '0.5' });
  await next.dispose();
  return {
    runnable: first,
    planMs: { first: first.planMs, next: next.planMs },
    memoryBytes: () => engines.memoryBytes(spec.engine),
    dispose: () => engines.dispose(),
  };
}

/** The medians of several processes that ran the same case; peaks are the largest. */
export function mergeCold(results: readonly ColdResult[]): ColdResult {
  const [first] = results;
  if (first === undefined) throw new RangeError('mergeCold: expected results, got none.');
  const largest = (values: readonly (number | null)[]): number | null =>
    values.reduce<number | null>((most, value) => (value === null ? most : Math.max(most ?? 0, value)), null);
  return {
    ...first,
    ...(first.planMs && {
      planMs: {
        first: median(results.map(({ planMs }) => planMs?.first ?? 0)),
        next: median(results.map(({ planMs }) => planMs?.next ?? 0)),
      },
    }),
    startMs: median(results.map(({ startMs }) => startMs)),
    firstMs: median(results.map(({ firstMs }) => firstMs)),
    steadyMs: median(results.map(({ steadyMs }) => steadyMs)),
    firstToSteady: median(results.map(({ firstToSteady }) => firstToSteady)),
    wasmHeapBytes: largest(results.map(({ wasmHeapBytes }) => wasmHeapBytes)),
    peakProcessBytes: largest(results.map(({ peakProcessBytes }) => peakProcessBytes)),
  };
}

/** The cold cases of a run: ours, dense. */
export function coldCases({ sizes, engines }: Pick<Plan, 'sizes' | 'engines'>): CaseSpec[] {
  const own = engines.filter((engine) => engine === 'sparsevit' || isPlanEngine(engine));
  return own.flatMap((engine) =>
    sizes.map((sizePixels): CaseSpec => ({ engine, configuration: 'dense', sizePixels, kind: 'forward' })),
  );
}
