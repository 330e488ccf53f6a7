/** Timing runs of one configuration: until its time holds still, and then for the record. */

import type { PrunedRatios } from '@sparsevit/windows';
import { BackendError } from '@sparsevit/windows';
import { agree, median } from '../statistics';
import type { MeasureProtocol } from './protocol';
import type { TimedSamples, WarmUpRecord } from './records';
import type { LatencyRunner } from './runner';

/** What timing takes from outside. */
export interface Surroundings {
  /** A clock in milliseconds that never goes back. */
  now(): number;
  /** The clock's least step; null where it is not known. */
  readonly timerResolutionMs: number | null;
  readonly signal: AbortSignal | undefined;
}

/** The clock gave a time that cannot be. */
export class TimerError extends BackendError {}

/** A sample lasts at least so many steps of the clock: its end is then known to 1 %. */
const stepsPerSample = 100;
const mostRunsPerSample = 1000;
const mostReads = 20_000;
const stepsSeen = 8;

/**
 * The least step of a clock that is seen in some thousand reads; null when it does not move by itself.
 *
 * @example
 * timerResolution(() => performance.now()); // in a page that is not isolated 0.1
 */
export function timerResolution(now: () => number): number | null {
  let least = Number.POSITIVE_INFINITY;
  let last = now();
  for (let read = 0, steps = 0; read < mostReads && steps < stepsSeen; read++) {
    const time = now();
    if (time > last) {
      least = Math.min(least, time - last);
      steps++;
    }
    last = time;
  }
  return Number.isFinite(least) ? least : null;
}

/** Runs with a configuration made ready, and lets it go whatever happens. */
export async function withPrepared<Result>(
  runner: LatencyRunner,
  prunedRatios: PrunedRatios,
  body: () => Promise<Result>,
): Promise<Result> {
  await runner.prepare?.(prunedRatios);
  try {
    return await body();
  } finally {
    await runner.release?.(prunedRatios);
  }
}

/** Milliseconds of some runs one after the other. */
async function timeRuns(
  runner: LatencyRunner,
  prunedRatios: PrunedRatios,
  runs: number,
  { now, signal }: Surroundings,
): Promise<number> {
  signal?.throwIfAborted();
  const start = now();
  for (let run = 0; run < runs; run++) await runner.run(prunedRatios);
  const ms = now() - start;
  if (Number.isFinite(ms) && ms >= 0) return ms;
  throw new TimerError(`measure: expected a clock that never goes back, got ${ms} ms.`);
}

/**
 * Runs a configuration until some runs in a row agree, then finds how many must be timed together for the clock to be fine enough.
 *
 * @returns the samples, and the milliseconds of a run
 * @throws TimerError when a thousand runs together are still too short
 */
export async function warmUp(
  runner: LatencyRunner,
  prunedRatios: PrunedRatios,
  { protocol, surroundings }: { protocol: MeasureProtocol; surroundings: Surroundings },
): Promise<Omit<WarmUpRecord, 'type' | 'config'> & { readonly ms: number }> {
  const { leastWarmUpRuns, mostWarmUpRuns, agreeingRuns, agreement } = protocol;
  const samplesMs: number[] = [];
  let isSteady = false;
  while (samplesMs.length < mostWarmUpRuns && !isSteady) {
    samplesMs.push(await timeRuns(runner, prunedRatios, 1, surroundings));
    const enough = samplesMs.length >= Math.max(leastWarmUpRuns, agreeingRuns);
    isSteady = enough && agree(samplesMs.slice(-agreeingRuns), agreement);
  }
  const needMs = stepsPerSample * (surroundings.timerResolutionMs ?? 0);
  let runsPerSample = 1;
  let ms = median(samplesMs.slice(-agreeingRuns));
  while (ms < needMs || ms === 0) {
    if (runsPerSample === mostRunsPerSample) {
      throw new TimerError(
        `measure: expected runs that the clock can time, got ${mostRunsPerSample} of them in ${ms} ms by a clock of steps of ${surroundings.timerResolutionMs ?? 'unknown'} ms.`,
      );
    }
    const factor = ms === 0 ? 10 : Math.min(10, (1.2 * needMs) / ms);
    runsPerSample = Math.min(mostRunsPerSample, Math.ceil(runsPerSample * Math.max(factor, 1.2)));
    ms = await timeRuns(runner, prunedRatios, runsPerSample, surroundings);
  }
  return { samplesMs, isSteady, runsPerSample, ms: ms / runsPerSample };
}

/**
 * Times a configuration that is warm.
 *
 * @throws TimerError for a sample of no time
 */
export async function timeSamples(
  runner: LatencyRunner,
  prunedRatios: PrunedRatios,
  options: {
    samples: number;
    settlingRuns: number;
    runsPerSample: number;
    surroundings: Surroundings;
    /** Called between the runs that do not count and those that do. */
    onSettled: () => void;
  },
): Promise<TimedSamples> {
  const { samples, settlingRuns, runsPerSample, surroundings, onSettled } = options;
  if (settlingRuns > 0) await timeRuns(runner, prunedRatios, settlingRuns, surroundings);
  onSettled();
  const startMs = surroundings.now();
  const samplesMs: number[] = [];
  for (let sample = 0; sample < samples; sample++) {
    const ms = (await timeRuns(runner, prunedRatios, runsPerSample, surroundings)) / runsPerSample;
    if (ms === 0) throw new TimerError('measure: expected a run that takes time, got 0 ms.');
    samplesMs.push(ms);
  }
  return { startMs, endMs: surroundings.now(), samplesMs };
}
