/** What a measurement will cost, from a few runs before it begins. */

import type { PrunedRatios } from '@sparsevit/windows';
import type { MeasureOptions } from './measure';
import { openMeasurement } from './measure';
import { countVisits, neededConfigs, remainingWorkMs } from './remaining';
import type { LatencyRun } from './runner';
import { runnerOf } from './runner';
import { timerResolution, warmUp, withPrepared } from './timing';

/** What a measurement, or the rest of one that a journal has begun, will cost. */
export interface CostEstimate {
  readonly configs: number;
  readonly rounds: number;
  /** Visits that are left, without looks at the sentinel. */
  readonly visits: number;
  /** Milliseconds of all that is left, without repeated stretches. */
  readonly ms: number;
  /** What was run to know it: the sentinel, and some of the configurations. */
  readonly probes: readonly { readonly prunedRatios: PrunedRatios; readonly ms: number; readonly warmUpRuns: number }[];
}

/**
 * Estimates the cost of `measure` called with the same arguments: the sentinel and a few configurations are warmed up, the rest is taken for
 * their mean, and what the journal has already is left out.
 *
 * @param options.probes configurations that are tried, evenly spread over the list; default 3
 * @throws as `measure`; what the sentinel throws
 * @example
 * const { visits, ms } = await estimateCost(runner, configs, { fingerprint, now, journal });
 */
export async function estimateCost(
  run: LatencyRun,
  configs: readonly PrunedRatios[],
  options: MeasureOptions & { readonly probes?: number },
): Promise<CostEstimate> {
  const { now, signal, probes: count = 3 } = options;
  const { plan, journal } = await openMeasurement(configs, options);
  const { protocol, sentinel } = plan;
  const needed = neededConfigs(plan, journal.progress);
  const { visits, visitsDone } = countVisits(plan, journal.progress);
  const facts = { configs: configs.length, rounds: protocol.rounds, visits: visits - visitsDone };
  if (needed.length === 0) return { ...facts, ms: 0, probes: [] };
  const { timerResolutionMs = timerResolution(now) } = options;
  const surroundings = { now, timerResolutionMs, signal };
  const runner = runnerOf(run);
  const tried = Math.min(count, needed.length);
  const places = Array.from({ length: tried }, (_, i) => needed[Math.floor(((i + 0.5) * needed.length) / tried)] ?? 0);
  const of = new Map<number | null, { ms: number; runsPerSample: number }>();
  const probes: { prunedRatios: PrunedRatios; ms: number; warmUpRuns: number }[] = [];
  for (const config of [null, ...places]) {
    const prunedRatios = config === null ? sentinel : (configs[config] ?? sentinel);
    try {
      const { ms, runsPerSample, samplesMs } = await withPrepared(runner, prunedRatios, () =>
        warmUp(runner, prunedRatios, { protocol, surroundings }),
      );
      of.set(config, { ms, runsPerSample });
      probes.push({ prunedRatios, ms, warmUpRuns: samplesMs.length });
    } catch (error) {
      // a configuration that fails will be excluded; without the sentinel nothing can be measured
      if (config === null || signal?.aborted) throw error;
    }
  }
  const warmUpRuns = probes.reduce((sum, probe) => sum + probe.warmUpRuns, 0) / probes.length;
  return { ...facts, ms: remainingWorkMs(plan, journal.progress, { of, warmUpRuns }, needed.length + 1), probes };
}
