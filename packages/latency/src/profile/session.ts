/**
 * One process that measures: timing with events, and what is done about failures. A configuration that fails is tried again; when the sentinel
 * still runs it is the configuration's fault and it is excluded, when the sentinel fails as well the backend is lost and all stops.
 */

import { BackendError } from '@sparsevit/windows';
import { median } from '../statistics';
import type { MeasureEvent, MeasurementProgress, VisitPlace } from './events';
import type { OpenJournal } from './journal';
import type { MeasurePlan } from './plan';
import type { PendingStretch } from './progress';
import type { TimedSamples } from './records';
import { countVisits, neededConfigs, remainingWorkMs, visitMs } from './remaining';
import type { LatencyRunner } from './runner';
import type { Surroundings } from './timing';
import { TimerError, timeSamples, warmUp, withPrepared } from './timing';

/** What a session works with. */
export interface SessionParts {
  readonly plan: MeasurePlan;
  readonly journal: OpenJournal;
  readonly runner: LatencyRunner;
  readonly surroundings: Surroundings;
  /** Lets other things happen between visits, for so many milliseconds at least. */
  pause(ms: number): Promise<void>;
  onEvent(event: MeasureEvent): void;
}

/** A process that measures. */
export interface Session {
  /** Warms up what is still visited: the sentinel first. */
  warmUpAll(): Promise<void>;
  look(stretch: PendingStretch): Promise<TimedSamples>;
  /** Null when the configuration was excluded. */
  visit(config: number, stretch: PendingStretch): Promise<TimedSamples | null>;
  progress(): MeasurementProgress;
  /** A stretch is over; its visits are done again when it is repeated. */
  stretchEnded(): void;
}

/** The sentinel among configurations. */
const sentinel = null;

/** Begins a session. */
export function createSession(parts: SessionParts): Session {
  const { plan, journal, runner, surroundings, pause, onEvent } = parts;
  const { protocol } = plan;
  const { progress } = journal;
  const ratiosOf = (config: number | null) =>
    config === sentinel ? plan.sentinel : (plan.configs[config] ?? plan.sentinel);
  const times = new Map<number | null, { ms: number; runsPerSample: number }>();
  /** Expected and real milliseconds of what was timed: preparing is in the second only. */
  const spent = { expectedMs: 0, realMs: 0 };
  let counts = countVisits(plan, progress);
  let visitsOfStretch = 0;
  let remainingMs: number | null = null;
  const warmUps: number[] = [];

  const estimate = (warmUpsLeft: number): void => {
    const mean = warmUps.reduce((sum, runs) => sum + runs, 0) / Math.max(1, warmUps.length);
    remainingMs =
      times.size === 0 ? null : remainingWorkMs(plan, progress, { of: times, warmUpRuns: mean }, warmUpsLeft);
  };
  const spend = (expectedMs: number, begin: number): void => {
    spent.expectedMs += expectedMs;
    spent.realMs += surroundings.now() - begin;
    if (remainingMs !== null) remainingMs = Math.max(0, remainingMs - expectedMs);
  };
  const currentProgress = (): MeasurementProgress => ({
    visitsDone: counts.visitsDone + visitsOfStretch,
    visits: counts.visits,
    remainingMs: remainingMs === null ? null : remainingMs * Math.max(1, spent.realMs / (spent.expectedMs || 1)),
  });
  const lost = (cause: unknown): BackendError =>
    new BackendError(
      `measure: expected the sentinel to run, got an error (${messageOf(cause)}), so that no time can be trusted. ${counts.visitsDone} of ${counts.visits} visits are in the journal; the same measurement goes on from there.`,
      { cause },
    );

  /** Tries a few times. The sentinel is run between: it tells a configuration that fails from a backend that is lost. */
  const attempt = async <Result>(
    config: number | null,
    place: VisitPlace,
    body: () => Promise<Result>,
  ): Promise<Result | null> => {
    for (let attempts = 1; ; attempts++) {
      await pause(0);
      surroundings.signal?.throwIfAborted();
      onEvent({ type: 'visit-started', ...place });
      try {
        return await withPrepared(runner, place.prunedRatios, body);
      } catch (error) {
        surroundings.signal?.throwIfAborted();
        const willRetry = attempts < protocol.attemptsPerVisit;
        const message = messageOf(error);
        onEvent({ type: 'visit-failed', ...place, message, willRetry });
        if (config === sentinel) {
          if (willRetry) continue;
          throw lost(error);
        }
        try {
          await withPrepared(runner, plan.sentinel, async () => runner.run(plan.sentinel));
        } catch (cause) {
          surroundings.signal?.throwIfAborted();
          throw lost(cause);
        }
        if (willRetry) continue;
        const reason = error instanceof TimerError ? 'timer' : 'failed';
        await journal.add({ type: 'excluded', config, reason, message });
        onEvent({ type: 'config-excluded', prunedRatios: place.prunedRatios, reason, message });
        counts = countVisits(plan, progress);
        return null;
      }
    }
  };

  const warm = async (config: number | null): Promise<void> => {
    const prunedRatios = ratiosOf(config);
    const place: VisitPlace = { purpose: 'warm-up', prunedRatios, round: null, stretch: null, attempt: null };
    const warmed = await attempt(config, place, () => warmUp(runner, prunedRatios, { protocol, surroundings }));
    if (warmed === null) return;
    const { samplesMs, isSteady, runsPerSample, ms } = warmed;
    times.set(config, { ms, runsPerSample });
    warmUps.push(samplesMs.length);
    await journal.add({ type: 'warm-up', config, samplesMs, isSteady, runsPerSample });
    if (!isSteady) onEvent({ type: 'warm-up-unsteady', prunedRatios, runs: samplesMs.length });
    onEvent({ type: 'visit-ended', ...place, ms, progress: currentProgress() });
  };

  const sample = async (
    config: number | null,
    purpose: 'sentinel' | 'visit',
    { round, stretch, attempt: number }: PendingStretch,
  ): Promise<TimedSamples | null> => {
    const place: VisitPlace = { purpose, prunedRatios: ratiosOf(config), round, stretch, attempt: number };
    const samples = config === sentinel ? protocol.samplesPerSentinel : protocol.samplesPerVisit;
    const known = times.get(config) ?? { ms: 0, runsPerSample: 1 };
    const begin = surroundings.now();
    const timed = await attempt(config, place, () =>
      timeSamples(runner, place.prunedRatios, {
        samples,
        settlingRuns: protocol.settlingRuns,
        runsPerSample: known.runsPerSample,
        surroundings,
        onSettled: () => onEvent({ type: 'visit-settled', ...place }),
      }),
    );
    spend(visitMs(protocol, samples, known), begin);
    if (timed === null) return null;
    if (purpose === 'visit') visitsOfStretch++;
    onEvent({ type: 'visit-ended', ...place, ms: median(timed.samplesMs), progress: currentProgress() });
    return timed;
  };

  return {
    async warmUpAll() {
      const needed = neededConfigs(plan, progress);
      await warm(sentinel);
      for (const [done, config] of needed.entries()) {
        if (done % 16 === 0) estimate(needed.length - done);
        await warm(config);
      }
      estimate(0);
    },
    async look(stretch) {
      const reading = await sample(sentinel, 'sentinel', stretch);
      return reading as TimedSamples; // the sentinel is never excluded
    },
    visit: (config, stretch) => sample(config, 'visit', stretch),
    progress: currentProgress,
    stretchEnded() {
      visitsOfStretch = 0;
      counts = countVisits(plan, progress);
      estimate(0);
    },
  };
}

const longestMessage = 500;

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, longestMessage);
}
