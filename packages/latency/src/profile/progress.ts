/**
 * How far a measurement is: a function of its plan and of what its journal holds, and of nothing else. Whatever is decided on the way (what is
 * visited next, what is repeated, what is left out) is decided from this, so that a killed measurement goes on as if it never was.
 */

import { median } from '../statistics';
import type { MeasurePlan, Stretch } from './plan';
import type { MeasureProtocol } from './protocol';
import type { ExclusionRecord, JournalRecord, SessionRecord, StretchRecord } from './records';

/** A stretch that was attempted, in which session, and what came of it. */
export interface AttemptedStretch extends StretchRecord {
  readonly session: number;
  /** How far the sentinel went: the larger of its two times over the smaller, less 1. */
  readonly moved: number;
  /** `kept`: its visits count. `repeated`: there is another attempt. `dropped`: it was the last. */
  readonly outcome: 'kept' | 'repeated' | 'dropped';
}

/** How far a measurement is. */
export interface Progress {
  readonly sessions: SessionRecord[];
  readonly attempts: AttemptedStretch[];
  readonly excluded: Map<number, ExclusionRecord>;
  /** The stretch after the last that is done with. */
  nextStretch: number;
  nextAttempt: number;
}

/** What is to be done next. */
export interface PendingStretch extends Stretch {
  readonly stretch: number;
  readonly attempt: number;
}

/** Nothing done yet. */
export function createProgress(): Progress {
  return { sessions: [], attempts: [], excluded: new Map(), nextStretch: 0, nextAttempt: 0 };
}

/** The stretch to do next, without what is excluded; null at the end. */
export function pendingStretch(plan: MeasurePlan, progress: Progress): PendingStretch | null {
  return pendingStretches(plan, progress).next().value ?? null;
}

/** The stretches that are left, each without what is excluded by now. */
export function* pendingStretches(plan: MeasurePlan, progress: Progress): Generator<PendingStretch, undefined> {
  for (let stretch = progress.nextStretch; stretch < plan.stretches.length; stretch++) {
    const { round, configs } = plan.stretches[stretch] as Stretch;
    const left = configs.filter((config) => !progress.excluded.has(config));
    const attempt = stretch === progress.nextStretch ? progress.nextAttempt : 0;
    if (left.length > 0) yield { stretch, attempt, round, configs: left };
  }
}

/** How far apart two looks at the sentinel are: 0.05 is 5 %. */
export function sentinelMove({ opening, closing }: Pick<StretchRecord, 'opening' | 'closing'>): number {
  const [before, after] = [median(opening.samplesMs), median(closing.samplesMs)];
  return Math.max(before, after) / Math.min(before, after) - 1;
}

/** What comes of an attempt. */
export function outcomeOf(
  { attempt, ...looks }: Pick<StretchRecord, 'attempt' | 'opening' | 'closing'>,
  { largestMove, attemptsPerStretch }: MeasureProtocol,
): AttemptedStretch['outcome'] {
  if (sentinelMove(looks) <= largestMove) return 'kept';
  return attempt + 1 < attemptsPerStretch ? 'repeated' : 'dropped';
}

/**
 * Takes in what happened.
 *
 * @returns why the record cannot follow on what happened before; null when it can
 */
export function takeIn(plan: MeasurePlan, progress: Progress, record: JournalRecord): string | null {
  if (record.type === 'session') {
    progress.sessions.push(record);
    return null;
  }
  if (progress.sessions.length === 0) return 'no session before it';
  switch (record.type) {
    case 'warm-up':
      return null;
    case 'excluded':
      if (record.config >= plan.configs.length) return `no configuration ${record.config}`;
      progress.excluded.set(record.config, record);
      return null;
    default:
      return takeInStretch(plan, progress, record);
  }
}

function takeInStretch(plan: MeasurePlan, progress: Progress, record: StretchRecord): string | null {
  const pending = pendingStretch(plan, progress);
  if (pending === null) return 'a stretch behind the last';
  const visited = record.visits.map(({ config }) => config);
  const isNext = record.stretch === pending.stretch && record.attempt === pending.attempt;
  if (!isNext || visited.join() !== pending.configs.join()) {
    return `stretch ${record.stretch}, attempt ${record.attempt} where stretch ${pending.stretch}, attempt ${pending.attempt} was due`;
  }
  const outcome = outcomeOf(record, plan.protocol);
  const session = progress.sessions.length - 1;
  progress.attempts.push({ ...record, session, moved: sentinelMove(record), outcome });
  const isOver = outcome !== 'repeated';
  progress.nextStretch = isOver ? record.stretch + 1 : record.stretch;
  progress.nextAttempt = isOver ? 0 : record.attempt + 1;
  return null;
}
