/** What a journal holds: a line of JSON for each thing that happened, checked when it is read, since a file may have come from anywhere. */

/** Some timed samples of one configuration, one after the other. Times are on the clock of their session. */
export interface TimedSamples {
  readonly startMs: number;
  readonly endMs: number;
  /** Milliseconds of a run. */
  readonly samplesMs: readonly number[];
}

/** The samples of one configuration in one round. */
export interface VisitRecord extends TimedSamples {
  /** Index of the configuration. */
  readonly config: number;
}

/** A process began, or went on with, the measurement. */
export interface SessionRecord {
  readonly type: 'session';
  /** Date and time, as the caller has it. */
  readonly startedAt: string | null;
  /** The least step of the clock; null for one that could not be seen to move. */
  readonly timerResolutionMs: number | null;
}

/** A configuration was run until its time held still. It is done again in every session, and counts for nothing. */
export interface WarmUpRecord {
  readonly type: 'warm-up';
  /** Index of the configuration; null for the sentinel. */
  readonly config: number | null;
  readonly samplesMs: readonly number[];
  /** False when it ended at the most runs. */
  readonly isSteady: boolean;
  /** Runs that are timed together, since one alone is too short for the clock. */
  readonly runsPerSample: number;
}

/** An attempt at a stretch, from sentinel to sentinel. */
export interface StretchRecord {
  readonly type: 'stretch';
  /** Index in the plan. */
  readonly stretch: number;
  readonly attempt: number;
  readonly opening: TimedSamples;
  readonly closing: TimedSamples;
  readonly visits: readonly VisitRecord[];
}

/** Why a configuration has no time: its run fails, the clock cannot time it, or the device did not hold still. */
export type ExclusionReason = 'failed' | 'timer' | 'unsteady';

/** A configuration that is left out from now on. */
export interface ExclusionRecord {
  readonly type: 'excluded';
  readonly config: number;
  readonly reason: Exclude<ExclusionReason, 'unsteady'>;
  readonly message: string;
}

/** Anything that happened. */
export type JournalRecord = SessionRecord | WarmUpRecord | StretchRecord | ExclusionRecord;

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isDuration = (value: unknown): value is number => isTime(value) && value > 0;
const isIndex = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
const isList = <Item>(value: unknown, isItem: (item: unknown) => item is Item): value is Item[] =>
  Array.isArray(value) && value.every(isItem);
const isSamples = (value: unknown): value is TimedSamples =>
  isFields(value) &&
  isTime(value.startMs) &&
  isTime(value.endMs) &&
  value.endMs >= value.startMs &&
  isList(value.samplesMs, isDuration) &&
  value.samplesMs.length > 0;
const isVisit = (value: unknown): value is VisitRecord =>
  isSamples(value) && isIndex((value as TimedSamples & Fields).config);

const checks: Readonly<Record<JournalRecord['type'], (fields: Fields) => boolean>> = {
  session: ({ startedAt, timerResolutionMs }) =>
    (startedAt === null || typeof startedAt === 'string') &&
    (timerResolutionMs === null || isDuration(timerResolutionMs)),
  'warm-up': ({ config, samplesMs, isSteady, runsPerSample }) =>
    (config === null || isIndex(config)) &&
    isList(samplesMs, isTime) &&
    typeof isSteady === 'boolean' &&
    isIndex(runsPerSample) &&
    runsPerSample > 0,
  stretch: ({ stretch, attempt, opening, closing, visits }) =>
    isIndex(stretch) && isIndex(attempt) && isSamples(opening) && isSamples(closing) && isList(visits, isVisit),
  excluded: ({ config, reason, message }) =>
    isIndex(config) && (reason === 'failed' || reason === 'timer') && typeof message === 'string',
};

/** The record that a parsed line holds; null for one that is none. */
export function asRecord(value: unknown): JournalRecord | null {
  if (!isFields(value) || typeof value.type !== 'string' || !Object.hasOwn(checks, value.type)) return null;
  return checks[value.type as JournalRecord['type']](value) ? (value as unknown as JournalRecord) : null;
}
