/** One measurement of a sparsity in the engine, for what a search has found. */

import type { Engine } from '@sparsevit/engine';
import type { Measure } from '@sparsevit/search';
import { engineLatencyRunner } from './engine-runner';
import type { LatencyRunnerOptions, LatencySubject } from './subject';
import { timeSparsity } from './time-sparsity';

/** How often a measurement runs. */
export interface EngineMeasureOptions extends LatencyRunnerOptions {
  /** Milliseconds. */
  readonly now: () => number;
  /** Runs that count; one before them does not. Default 3. */
  readonly runs?: number;
}

/**
 * Measures a sparsity: the median of a few runs after one that does not count. The engine stays the caller's.
 *
 * @throws from its calls, what the engine throws; the signal's reason
 * @example
 * const { measure, dispose } = engineMeasure(engine, checkpoint, { input: { batch: 1, height: 448, width: 448 }, now: () => performance.now() });
 */
export function engineMeasure(
  engine: Engine,
  subject: LatencySubject,
  { now, runs, ...options }: EngineMeasureOptions,
): { readonly measure: Measure; dispose(): void } {
  const runner = engineLatencyRunner(engine, subject, options);
  return {
    async measure(prunedRatios, { signal }) {
      signal?.throwIfAborted();
      return timeSparsity(runner, prunedRatios, { now, runs });
    },
    dispose: () => runner.dispose(),
  };
}
