/**
 * The protocol: interleaved rounds. In each round every case is visited once, in a fresh random order; a visit warms up until three runs in a
 * row agree, then times some runs and keeps their median. Slow phases of a machine so fall on all cases alike, and a ratio of two cases of
 * one round cancels them. A sentinel between the visits shows what is left.
 */

import type { Random } from '@sparsevit/windows';
import { randomOrder } from '@sparsevit/windows';
import { agree, median } from './statistics';

/** Something to time. */
export interface Measurable {
  readonly id: string;
  /** Returns when the work is done. */
  run(): void | Promise<void>;
}

/** How to measure. */
export interface Protocol {
  readonly rounds: number;
  /** Timed runs of a visit. */
  readonly runsPerVisit: number;
  /** Runs that must agree before times count; fewer than `maxWarmupRuns` of the visit only where that is smaller. */
  readonly agreeingRuns: number;
  /** By how much they may differ: 0.05 is 5 %. */
  readonly agreement: number;
  /** The most runs of a warm-up: of the first visit of a case, and of later ones, when its code is compiled. */
  readonly maxWarmupRuns: { readonly first: number; readonly later: number };
  /** The case that is timed again every so many visits. */
  readonly sentinel: { readonly id: string; readonly everyVisits: number };
  /** A sentinel further than this from the median of the sentinels before it is reported. */
  readonly sentinelTolerance: number;
  /** Between visits, for threads of others to go to sleep. */
  readonly pauseMs: number;
}

/** What the protocol takes from outside. */
export interface Surroundings {
  readonly now: () => number;
  readonly pause: (durationMs: number) => Promise<void>;
  readonly random: Random;
  readonly onEvent: (event: MeasureEvent) => void;
}

/** What happens on the way. */
export type MeasureEvent =
  | { readonly type: 'round-started'; readonly round: number; readonly rounds: number }
  | { readonly type: 'visit-ended'; readonly visit: Visit }
  | { readonly type: 'sentinel-moved'; readonly sentinel: SentinelReading };

/** The times of one case in one round. */
export interface Visit {
  readonly id: string;
  readonly round: number;
  /** On the clock of the measurement. */
  readonly startMs: number;
  readonly warmupMs: readonly number[];
  /** False when the warm-up ended at its cap without agreement. */
  readonly isSteady: boolean;
  readonly samplesMs: readonly number[];
  readonly medianMs: number;
}

/** One look at the sentinel. */
export interface SentinelReading {
  readonly round: number;
  readonly startMs: number;
  readonly medianMs: number;
  /** Relative to the median of the readings before; 1 for the first. */
  readonly moved: number;
}

/** All that was measured. */
export interface Measurement {
  readonly visits: readonly Visit[];
  readonly sentinels: readonly SentinelReading[];
}

/**
 * Measures cases against each other.
 *
 * @throws RangeError for cases of the same id, or a sentinel that is none of them
 */
export async function measure(
  cases: readonly Measurable[],
  protocol: Protocol,
  surroundings: Surroundings,
): Promise<Measurement> {
  const byId = new Map(cases.map((one) => [one.id, one]));
  const sentinelCase = byId.get(protocol.sentinel.id);
  if (byId.size !== cases.length || sentinelCase === undefined) {
    throw new RangeError('measure: expected cases of different ids, the sentinel among them. Name every case once.');
  }
  const visits: Visit[] = [];
  const sentinels: SentinelReading[] = [];
  const compiled = new Set<string>();
  const visit = async (one: Measurable, round: number): Promise<Visit> => {
    const isFirst = !compiled.has(one.id);
    compiled.add(one.id);
    return visitCase(one, { round, isFirst }, protocol, surroundings);
  };
  let sinceSentinel = 0;
  for (let round = 0; round < protocol.rounds; round++) {
    surroundings.onEvent({ type: 'round-started', round, rounds: protocol.rounds });
    for (const index of randomOrder(cases.length, surroundings.random)) {
      const one = cases[index] as Measurable;
      await surroundings.pause(protocol.pauseMs);
      const done = await visit(one, round);
      visits.push(done);
      surroundings.onEvent({ type: 'visit-ended', visit: done });
      sinceSentinel = one === sentinelCase ? 0 : sinceSentinel + 1;
      const isRead = one === sentinelCase || sinceSentinel >= protocol.sentinel.everyVisits;
      if (!isRead) continue;
      // its own visit is a reading too
      const reading = one === sentinelCase ? done : await visit(sentinelCase, round);
      sinceSentinel = 0;
      const before = sentinels.map(({ medianMs }) => medianMs);
      const moved = before.length === 0 ? 1 : reading.medianMs / median(before);
      const sentinel = { round, startMs: reading.startMs, medianMs: reading.medianMs, moved };
      sentinels.push(sentinel);
      if (Math.abs(moved - 1) > protocol.sentinelTolerance) {
        surroundings.onEvent({ type: 'sentinel-moved', sentinel });
      }
    }
  }
  return { visits, sentinels };
}

async function visitCase(
  one: Measurable,
  { round, isFirst }: { round: number; isFirst: boolean },
  protocol: Protocol,
  { now }: Surroundings,
): Promise<Visit> {
  const startMs = now();
  const timed = async (): Promise<number> => {
    const start = now();
    await one.run();
    return now() - start;
  };
  const { agreeingRuns, agreement } = protocol;
  const cap = protocol.maxWarmupRuns[isFirst ? 'first' : 'later'];
  const warmupMs: number[] = [];
  let isSteady = false;
  while (warmupMs.length < cap && !isSteady) {
    warmupMs.push(await timed());
    isSteady = warmupMs.length >= agreeingRuns && agree(warmupMs.slice(-agreeingRuns), agreement);
  }
  const samplesMs: number[] = [];
  for (let run = 0; run < protocol.runsPerVisit; run++) samplesMs.push(await timed());
  return {
    id: one.id,
    round,
    startMs,
    warmupMs,
    // a warm-up too short to show agreement is judged with the samples
    isSteady: isSteady || agree([...warmupMs, ...samplesMs].slice(-agreeingRuns), agreement),
    samplesMs,
    medianMs: median(samplesMs),
  };
}
