/**
 * The profiler. Latencies drift: a machine that gets warmer, or another process, slows whole stretches of a measurement down by more than
 * its noise. So configurations are visited in rounds, each in an order of its own, a sentinel is timed between, and every visit is divided by
 * what the sentinel says of its moment. Source: google/benchmark's random interleaving, and what published latency tables suffer from.
 */

import type { PrunedRatios } from '@sparsevit/windows';
import { ConfigError } from '@sparsevit/windows';
import type { MeasureEvent } from './events';
import type { DeviceFingerprint } from './fingerprint';
import type { JournalStorage, OpenJournal } from './journal';
import { memoryJournal, openJournal } from './journal';
import type { MeasurePlan } from './plan';
import { createPlan } from './plan';
import type { PendingStretch } from './progress';
import { outcomeOf, pendingStretch, sentinelMove } from './progress';
import type { MeasureProtocol } from './protocol';
import { createProtocol } from './protocol';
import type { TimedSamples, VisitRecord } from './records';
import type { LatencyRun } from './runner';
import { runnerOf } from './runner';
import type { Session } from './session';
import { createSession } from './session';
import type { LatencyTable } from './table';
import { tableOf } from './table';
import { timerResolution } from './timing';

/** How to measure, and with what. */
export interface MeasureOptions {
  /** On what: it goes into the table, and a journal of something else is refused. */
  readonly fingerprint: DeviceFingerprint;
  /** A clock in milliseconds that never goes back: `() => performance.now()`. */
  now(): number;
  /** Numbers that differ from `defaultProtocol`. */
  readonly protocol?: Partial<MeasureProtocol>;
  /** What is timed again and again; default the dense model. */
  readonly sentinel?: PrunedRatios;
  /** What was measured is kept here, and a measurement that was killed goes on from it. Default: nowhere. */
  readonly journal?: JournalStorage;
  /** The least step of the clock; default: it is looked at. Runs that are too short for it are timed several together. */
  readonly timerResolutionMs?: number | null;
  /** Date and time, for the table. */
  readonly startedAt?: string;
  /** Waits; called between visits with 0, so that a page stays awake. Default: a timer. */
  pause?(ms: number): Promise<void>;
  /** Stops between two runs. */
  readonly signal?: AbortSignal;
  onEvent?(event: MeasureEvent): void;
}

/**
 * Measures the latency of configurations: all are warmed up, then visited in rounds, each in a fresh random order; a visit is the median of some
 * runs, divided by the sentinel's drift (linear in time between two looks at it); the latency is the median of the visits. A stretch over which the
 * sentinel moves too far is repeated, then dropped. What fails is excluded with its reason, never a wrong number.
 *
 * @param run one inference that ends when the device has done it, or a runner that makes configurations ready first
 * @returns the table; what was not measurable is in `excluded`, and what moved in `unsteady`
 * @throws ConfigError for configurations or numbers that cannot be
 * @throws CheckpointError for a journal of another measurement, or one that is damaged
 * @throws BackendError when the sentinel fails: the backend is lost. With a journal the same call goes on
 * @throws the signal's reason when stopped
 * @example
 * const table = await measure(runner, configs, { fingerprint, now: () => performance.now(), journal });
 * table.rows; // [{ prunedRatios: [[0.3], [0], [0.1, 0.2, 0.2], [0]], ms: 41.2, ... }, ...]
 */
export async function measure(
  run: LatencyRun,
  configs: readonly PrunedRatios[],
  options: MeasureOptions,
): Promise<LatencyTable> {
  const { now, signal, startedAt = null, pause = sleep, onEvent = () => {} } = options;
  const { plan, journal } = await openMeasurement(configs, options);
  const { progress } = journal;
  const end = (): LatencyTable => {
    const table = tableOf(plan, progress);
    onEvent({ type: 'measurement-ended', rows: table.rows.length, excluded: table.excluded.length });
    return table;
  };
  if (pendingStretch(plan, progress) === null) return end();
  signal?.throwIfAborted();
  const { timerResolutionMs = timerResolution(now) } = options;
  if (timerResolutionMs !== null && !(timerResolutionMs > 0 && timerResolutionMs < Number.POSITIVE_INFINITY)) {
    throw new ConfigError(
      `measure: expected timerResolutionMs to be a number above 0 or null, got ${timerResolutionMs}.`,
    );
  }
  const isResumed = progress.sessions.length > 0;
  await journal.add({ type: 'session', startedAt, timerResolutionMs });
  const surroundings = { now, timerResolutionMs, signal };
  const session = createSession({ plan, journal, runner: runnerOf(run), surroundings, pause, onEvent });
  onEvent({
    type: 'measurement-started',
    configs: configs.length,
    rounds: plan.protocol.rounds,
    isResumed,
    timerResolutionMs,
    progress: session.progress(),
  });
  await session.warmUpAll();
  let opening: TimedSamples | null = null;
  for (;;) {
    const stretch = pendingStretch(plan, progress);
    if (stretch === null) return end();
    if (stretch.attempt > 0) {
      await pause(plan.protocol.coolDownMs);
      opening = null; // the device has rested since
    }
    opening = await measureStretch(stretch, opening, { plan, journal, session, onEvent });
  }
}

/**
 * The table of a measurement as far as its journal has it, without measuring.
 *
 * @throws as `measure`, for its arguments and its journal
 * @example
 * const soFar = await latencyTableOf(configs, { fingerprint, journal });
 */
export async function latencyTableOf(
  configs: readonly PrunedRatios[],
  options: Pick<MeasureOptions, 'fingerprint' | 'protocol' | 'sentinel' | 'journal'>,
): Promise<LatencyTable> {
  const { plan, journal } = await openMeasurement(configs, options);
  return tableOf(plan, journal.progress);
}

/** Plan and journal of what is asked for. */
export async function openMeasurement(
  configs: readonly PrunedRatios[],
  options: Pick<MeasureOptions, 'fingerprint' | 'protocol' | 'sentinel' | 'journal'>,
): Promise<{ plan: MeasurePlan; journal: OpenJournal }> {
  const { fingerprint, protocol, sentinel, journal = memoryJournal() } = options;
  const plan = createPlan(configs, { fingerprint, protocol: createProtocol(protocol), sentinel });
  return { plan, journal: await openJournal(journal, plan) };
}

/** From sentinel to sentinel; the last look is the first of the next stretch. */
async function measureStretch(
  pending: PendingStretch,
  before: TimedSamples | null,
  parts: { plan: MeasurePlan; journal: OpenJournal; session: Session; onEvent: (event: MeasureEvent) => void },
): Promise<TimedSamples> {
  const { plan, journal, session, onEvent } = parts;
  const { round, stretch, attempt } = pending;
  const opening = before ?? (await session.look(pending));
  const visits: VisitRecord[] = [];
  for (const config of pending.configs) {
    const visit = await session.visit(config, pending);
    if (visit !== null) visits.push({ config, ...visit });
  }
  const closing = await session.look(pending);
  if (visits.length > 0) {
    const looks = { attempt, opening, closing };
    await journal.add({ type: 'stretch', stretch, ...looks, visits });
    const outcome = outcomeOf(looks, plan.protocol);
    if (outcome !== 'kept') {
      onEvent({ type: 'sentinel-moved', round, stretch, attempt, moved: sentinelMove(looks), outcome });
    }
  }
  session.stretchEnded();
  return closing;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
