/** The table of latencies: rows for a predictor, all that they were made of, and what is wrong with the rest. */

import type { PrunedRatios } from '@sparsevit/windows';
import type { LatencyRow } from '../latency-row';
import { median } from '../statistics';
import type { DeviceFingerprint } from './fingerprint';
import type { MeasurePlan } from './plan';
import type { AttemptedStretch, Progress } from './progress';
import type { MeasureProtocol } from './protocol';
import type { ExclusionReason, TimedSamples, VisitRecord } from './records';

/** A visit as it was measured. */
export interface LatencyVisit extends TimedSamples {
  readonly round: number;
  /** Index of the session whose clock the times are on. */
  readonly session: number;
  /** The sentinel's time at this moment over its time in the whole measurement: what the samples are divided by. */
  readonly driftRatio: number;
}

/** A row with its raw samples: `visitMs[i]` is the median of `visits[i].samplesMs` over `visits[i].driftRatio`. */
export interface LatencyTableRow extends LatencyRow {
  readonly visitMs: readonly number[];
  readonly visits: readonly LatencyVisit[];
}

/** A configuration that has no time. */
export interface ExcludedConfig {
  readonly prunedRatios: PrunedRatios;
  readonly reason: ExclusionReason;
  readonly message: string;
}

/** A stretch over which the sentinel moved too far. */
export interface UnsteadyStretch {
  readonly round: number;
  readonly stretch: number;
  readonly attempt: number;
  /** 0.05 is 5 %. */
  readonly moved: number;
  /** `dropped`: it was the last attempt, and its visits do not count. */
  readonly outcome: 'repeated' | 'dropped';
}

/** A look at the sentinel. */
export interface SentinelReading extends TimedSamples {
  readonly session: number;
}

/** A document with the latencies of a model on a device; `parseLatencyTable` of `@sparsevit/config` reads it. */
export interface LatencyTable extends DeviceFingerprint {
  readonly format: 'sparsevit-latency-table';
  readonly version: 1;
  readonly protocol: MeasureProtocol;
  readonly sessions: readonly { readonly startedAt: string | null; readonly timerResolutionMs: number | null }[];
  readonly rows: readonly LatencyTableRow[];
  readonly excluded: readonly ExcludedConfig[];
  readonly sentinel: {
    readonly prunedRatios: PrunedRatios;
    /** Median over stretches of the mean of their two looks, in milliseconds: the speed that rows are brought to; null when no stretch counts. */
    readonly ms: number | null;
    readonly readings: readonly SentinelReading[];
  };
  readonly unsteady: readonly UnsteadyStretch[];
  /** What two measurements of the same differ by: relative standard deviations, from pairs of visits; null when no row has two visits. */
  readonly noise: {
    /** Of a visit; 0.01 is 1 %. */
    readonly visit: number;
    /** Of a row: of a median of so many visits. No predictor can be better than that. */
    readonly row: number;
  } | null;
}

/** What a measurement gave so far; a configuration needs more than half of its visits. */
export function tableOf(plan: MeasurePlan, progress: Progress): LatencyTable {
  const { fingerprint, protocol, configs } = plan;
  const { device, model, input } = fingerprint;
  const kept = progress.attempts.filter(({ outcome }) => outcome === 'kept');
  const readings = readingsOf(progress.attempts);
  // by stretch, so that a look that was taken again after a kill does not count twice
  const speeds = kept.map(({ opening, closing }) => (median(opening.samplesMs) + median(closing.samplesMs)) / 2);
  const reference = speeds.length === 0 ? null : median(speeds);
  const visitsOf = new Map<number, LatencyVisit[]>();
  for (const stretch of kept) {
    for (const visit of stretch.visits) {
      const round = plan.stretches[stretch.stretch]?.round ?? 0;
      const driftRatio = sentinelAt(stretch, visit) / (reference ?? Number.NaN);
      const { startMs, endMs, samplesMs } = visit;
      const own = { round, session: stretch.session, startMs, endMs, samplesMs, driftRatio };
      visitsOf.set(visit.config, [...(visitsOf.get(visit.config) ?? []), own]);
    }
  }
  const rows: LatencyTableRow[] = [];
  const excluded: ExcludedConfig[] = [];
  configs.forEach((prunedRatios, config) => {
    const exclusion = progress.excluded.get(config);
    const visits = visitsOf.get(config) ?? [];
    if (exclusion !== undefined) {
      excluded.push({ prunedRatios, reason: exclusion.reason, message: exclusion.message });
    } else if (2 * visits.length <= protocol.rounds) {
      const message = `${visits.length} of ${protocol.rounds} visits came between two looks at the sentinel that agree to ${protocol.largestMove}`;
      excluded.push({ prunedRatios, reason: 'unsteady', message });
    } else {
      const visitMs = visits.map(({ samplesMs, driftRatio }) => median(samplesMs) / driftRatio);
      rows.push({ prunedRatios, ms: median(visitMs), visitMs, visits });
    }
  });
  return {
    format: 'sparsevit-latency-table',
    version: 1,
    device,
    model,
    input,
    protocol,
    sessions: progress.sessions.map(({ startedAt, timerResolutionMs }) => ({ startedAt, timerResolutionMs })),
    rows,
    excluded,
    sentinel: { prunedRatios: plan.sentinel, ms: reference, readings },
    unsteady: progress.attempts.flatMap(({ stretch, attempt, moved, outcome }) =>
      outcome === 'kept' ? [] : [{ round: plan.stretches[stretch]?.round ?? 0, stretch, attempt, moved, outcome }],
    ),
    noise: noiseOf(rows),
  };
}

/** Each look once: what closes a stretch opens the next one. */
function readingsOf(attempts: readonly AttemptedStretch[]): SentinelReading[] {
  const readings = new Map<string, SentinelReading>();
  for (const { session, opening, closing } of attempts) {
    for (const { startMs, endMs, samplesMs } of [opening, closing]) {
      readings.set(`${session} ${startMs}`, { session, startMs, endMs, samplesMs });
    }
  }
  return [...readings.values()];
}

/** The sentinel's time in the middle of a visit: on the straight line between the looks before and after. */
function sentinelAt({ opening, closing }: AttemptedStretch, visit: VisitRecord): number {
  const middle = ({ startMs, endMs }: TimedSamples): number => (startMs + endMs) / 2;
  const [before, after] = [median(opening.samplesMs), median(closing.samplesMs)];
  const span = middle(closing) - middle(opening);
  const share = span > 0 ? (middle(visit) - middle(opening)) / span : 0.5;
  return before + Math.min(1, Math.max(0, share)) * (after - before);
}

/** The median of |ln(a / b)| over pairs of visits is 0.6745 * sqrt(2) of their deviation where noise is lognormal. */
const pairMedian = 0.6745 * Math.SQRT2;
/** The deviation of a median over that of a mean, for many values. */
const medianLoss = Math.sqrt(Math.PI / 2);

function noiseOf(rows: readonly LatencyTableRow[]): LatencyTable['noise'] {
  const pairs = rows.flatMap(({ visitMs }) =>
    visitMs.flatMap((a, i) => visitMs.slice(i + 1).map((b) => Math.abs(Math.log(a / b)))),
  );
  if (pairs.length === 0) return null;
  const visit = median(pairs) / pairMedian;
  const visits = median(rows.map(({ visitMs }) => visitMs.length));
  return { visit, row: visits > 2 ? (medianLoss * visit) / Math.sqrt(visits) : visit / Math.sqrt(visits) };
}
