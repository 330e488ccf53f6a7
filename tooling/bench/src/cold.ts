/** What can only be seen in a fresh process or page: the first run, and the most memory. */

import type { CaseSpec } from './cases';
import type { TensorEngine } from './engines/tensorflow';
import { median } from './statistics';

/** Times and memory of a process that runs one case. */
export interface ColdResult {
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
  const engine = await surroundings.start();
  const runnable = engine.prepare(spec);
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
  const { configuration, sizePixels } = spec;
  const result: ColdResult = {
    configuration,
    sizePixels,
    startMs,
    firstMs,
    steadyMs,
    firstToSteady: firstMs / steadyMs,
    wasmHeapBytes: surroundings.wasmHeapBytes(),
    peakProcessBytes: surroundings.peakProcessBytes(),
  };
  await runnable.dispose();
  engine.dispose();
  return result;
}

/** The medians of several processes that ran the same case; peaks are the largest. */
export function mergeCold(results: readonly ColdResult[]): ColdResult {
  const [first] = results;
  if (first === undefined) throw new RangeError('mergeCold: expected results, got none.');
  const largest = (values: readonly (number | null)[]): number | null =>
    values.reduce<number | null>((most, value) => (value === null ? most : Math.max(most ?? 0, value)), null);
  return {
    ...first,
    startMs: median(results.map(({ startMs }) => startMs)),
    firstMs: median(results.map(({ firstMs }) => firstMs)),
    steadyMs: median(results.map(({ steadyMs }) => steadyMs)),
    firstToSteady: median(results.map(({ firstToSteady }) => firstToSteady)),
    wasmHeapBytes: largest(results.map(({ wasmHeapBytes }) => wasmHeapBytes)),
    peakProcessBytes: largest(results.map(({ peakProcessBytes }) => peakProcessBytes)),
  };
}

/** The cold cases of a run. */
export function coldCases(sizes: readonly number[]): CaseSpec[] {
  return sizes.map((sizePixels) => ({ engine: 'sparsevit', configuration: 'dense', sizePixels, kind: 'forward' }));
}
