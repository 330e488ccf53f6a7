/** What is timed. */

import type { PrunedRatios } from '@sparsevit/windows';

/** Runs one configuration at a time. What any of them throws is taken for a failure of the configuration, or of all when the sentinel fails too. */
export interface LatencyRunner {
  /** Makes a configuration ready, outside of the clock: a plan, a compiled program. */
  prepare?(prunedRatios: PrunedRatios): Promise<void> | void;
  /** One inference on the configuration that was made ready last; ends when the device has done it. */
  run(prunedRatios: PrunedRatios): Promise<void> | void;
  /** Frees what `prepare` made. */
  release?(prunedRatios: PrunedRatios): Promise<void> | void;
}

/** A runner, or only what runs. */
export type LatencyRun = LatencyRunner | LatencyRunner['run'];

/** A runner of either. */
export function runnerOf(run: LatencyRun): LatencyRunner {
  return typeof run === 'function' ? { run } : run;
}
