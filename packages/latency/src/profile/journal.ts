/** A journal: a line that says of which measurement it is, then a line for everything that happened. Lines are only ever added. */

import { CheckpointError } from '@sparsevit/windows';
import type { DeviceFingerprint } from './fingerprint';
import { describeDifferences, differencesOf } from './fingerprint';
import type { MeasurePlan } from './plan';
import type { Progress } from './progress';
import { createProgress, takeIn } from './progress';
import type { JournalRecord } from './records';
import { asRecord } from './records';
import { stableHash } from './stable-hash';

/** Where a journal is kept. */
export interface JournalStorage {
  /** Every line that is whole, without its end; none where there is no journal yet. A line that was cut while it was written is left out. */
  readLines(): Promise<readonly string[]> | readonly string[];
  /** Adds a line behind the last whole one, and returns when it will outlive the process. */
  append(line: string): Promise<void> | void;
}

/**
 * A journal in memory, for what is short enough to be done again.
 *
 * @example
 * await measure(runner, configs, { fingerprint, now, journal: memoryJournal() });
 */
export function memoryJournal(lines: readonly string[] = []): JournalStorage {
  const kept = [...lines];
  return { readLines: () => [...kept], append: (line) => void kept.push(line) };
}

const format = 'sparsevit-latency-journal';
const version = 1;

/** A journal that has been read, and is ready for more. */
export interface OpenJournal {
  readonly progress: Progress;
  /** Writes a record, then takes it in. */
  add(record: JournalRecord): Promise<void>;
}

/**
 * Reads the journal of a plan. Nothing is written before the first record is added.
 *
 * @throws CheckpointError for the journal of another plan, device or model, for one that is damaged, or of a newer version
 */
export async function openJournal(storage: JournalStorage, plan: MeasurePlan): Promise<OpenJournal> {
  const [first, ...rest] = await storage.readLines();
  const progress = createProgress();
  if (first !== undefined) {
    checkHeader(first, plan);
    rest.forEach((text, i) => {
      const record = asRecord(parse(text));
      const problem = record === null ? 'a line that is no record' : takeIn(plan, progress, record);
      if (problem !== null) throw damaged(i + 2, problem);
    });
  }
  let isNew = first === undefined;
  return {
    progress,
    async add(record) {
      if (isNew) await storage.append(JSON.stringify(headerOf(plan)));
      isNew = false;
      await storage.append(JSON.stringify(record));
      const problem = takeIn(plan, progress, record);
      if (problem !== null) throw new RangeError(`journal: expected what is due, got ${problem}.`);
    },
  };
}

interface Header extends DeviceFingerprint {
  readonly format: typeof format;
  readonly version: number;
  readonly protocol: MeasurePlan['protocol'];
  readonly sentinel: MeasurePlan['sentinel'];
  readonly configs: MeasurePlan['configs'];
}

function headerOf({ fingerprint, protocol, sentinel, configs }: MeasurePlan): Header {
  const { device, model, input } = fingerprint;
  return { format, version, device, model, input, protocol, sentinel, configs };
}

function checkHeader(text: string, plan: MeasurePlan): void {
  const header = parse(text) as Partial<Header> | null;
  if (typeof header !== 'object' || header?.format !== format) throw damaged(1, 'no journal of latencies');
  if (typeof header.version !== 'number' || header.version > version) {
    throw new CheckpointError(
      `measure: expected a journal of version ${version} at most, got ${String(header.version)}. It was written by a newer @sparsevit/latency: update this one.`,
    );
  }
  const reasons = reasonsAgainst(header, plan);
  if (reasons === '') return;
  throw new CheckpointError(
    `measure: expected a journal of this measurement, got one of another: ${reasons}. Name another journal, or remove it to begin anew.`,
  );
}

/** In what a journal's measurement differs from the plan, as text. */
function reasonsAgainst(header: Partial<Header>, plan: MeasurePlan): string {
  let differences: string;
  try {
    differences = describeDifferences(differencesOf(plan.fingerprint, header as Header));
  } catch {
    throw damaged(1, 'no device, model and input');
  }
  const own = headerOf(plan);
  const protocol = (header.protocol ?? {}) as Partial<Record<string, unknown>>;
  const numbers = Object.entries(own.protocol).flatMap(([name, value]) =>
    protocol[name] === value ? [] : [`${name} ${String(protocol[name])}, not ${value}`],
  );
  const others = (['sentinel', 'configs'] as const).flatMap((name) =>
    stableHash(header[name] ?? null) === stableHash(own[name]) ? [] : [name === 'configs' ? 'configurations' : name],
  );
  return [...(differences === '' ? [] : [differences]), ...numbers, ...others].join('; ');
}

function damaged(line: number, got: string): CheckpointError {
  return new CheckpointError(
    `measure: expected a journal that is whole, got ${got} (line ${line}). Name another journal, or remove it to begin anew.`,
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
