/** How long the rest of a measurement takes, from the times of runs that are known so far. */

import type { MeasurementProgress } from './events';
import type { MeasurePlan } from './plan';
import type { Progress } from './progress';
import { pendingStretches } from './progress';
import type { MeasureProtocol } from './protocol';

/** Configurations that are still visited, in the order of the plan: those that are warmed up. */
export function neededConfigs(plan: MeasurePlan, progress: Progress): number[] {
  const needed = new Set<number>();
  for (const { configs } of pendingStretches(plan, progress)) for (const config of configs) needed.add(config);
  return [...needed].sort((a, b) => a - b);
}

/** Times of one run as far as they are known. */
export interface KnownTimes {
  /** Milliseconds of a run, and runs of a sample, by configuration; null for the sentinel. */
  readonly of: ReadonlyMap<number | null, { readonly ms: number; readonly runsPerSample: number }>;
  /** Runs of a warm-up. */
  readonly warmUpRuns: number;
}

/** Milliseconds of everything that is left of the plan; what was not timed yet is taken for the mean of the rest. */
export function remainingWorkMs(
  plan: MeasurePlan,
  progress: Progress,
  { of, warmUpRuns }: KnownTimes,
  warmUpsLeft: number,
): number {
  const { protocol } = plan;
  const known = [...of.entries()].filter(([config]) => config !== null || of.size === 1).map(([, time]) => time);
  const mean = {
    ms: known.reduce((sum, { ms }) => sum + ms, 0) / known.length,
    runsPerSample: known.reduce((sum, { runsPerSample }) => sum + runsPerSample, 0) / known.length,
  };
  let total = warmUpsLeft * warmUpRuns * mean.ms;
  const sentinelMs = visitMs(protocol, protocol.samplesPerSentinel, of.get(null) ?? mean);
  for (const { configs } of pendingStretches(plan, progress)) {
    total += sentinelMs;
    for (const config of configs) total += visitMs(protocol, protocol.samplesPerVisit, of.get(config) ?? mean);
  }
  return total + sentinelMs; // the first look has no stretch before it
}

/** Milliseconds of a visit. */
export function visitMs(
  { settlingRuns }: MeasureProtocol,
  samples: number,
  { ms, runsPerSample }: { readonly ms: number; readonly runsPerSample: number },
): number {
  return (settlingRuns + samples * runsPerSample) * ms;
}

/** Visits of a plan that are done, and all of them. */
export function countVisits(plan: MeasurePlan, progress: Progress): Pick<MeasurementProgress, 'visitsDone' | 'visits'> {
  const visitsDone = progress.attempts.reduce(
    (sum, { outcome, visits }) => sum + (outcome === 'repeated' ? 0 : visits.length),
    0,
  );
  let left = 0;
  for (const { configs } of pendingStretches(plan, progress)) left += configs.length;
  return { visitsDone, visits: visitsDone + left };
}
