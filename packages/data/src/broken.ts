/** How readers tell of what they cannot use: an event with its id, then either an error or on without it. */

import { ConfigError } from '@sparsevit/windows';

/** Something in a data set's files that cannot be used. */
export interface BrokenRecord {
  readonly type: 'record-broken';
  readonly kind: 'class' | 'file' | 'category' | 'image' | 'annotation';
  /** The id or the name in the data set; `#3` for the fourth of its list where it has no id. */
  readonly id: string;
  readonly reason: string;
  /** The file that it stands in, where it is not a file itself. */
  readonly file?: string;
}

/** What a reader does with broken records. */
export interface BrokenOptions {
  /** 'fail' (default) throws at the first, 'skip' leaves them out. The event comes either way. */
  readonly onBroken?: 'skip' | 'fail';
  readonly onEvent?: (event: BrokenRecord) => void;
}

/** Reports a broken record and, unless such are skipped, throws a ConfigError that names it. */
export function reportRecord(record: Omit<BrokenRecord, 'type'>, options: BrokenOptions & { caller: string }): void {
  const { onBroken = 'fail', onEvent, caller } = options;
  onEvent?.({ type: 'record-broken', ...record });
  const where = record.file === undefined ? '' : ` (in ${JSON.stringify(record.file)})`;
  if (onBroken === 'skip') return;
  throw new ConfigError(
    `${caller}: expected ${record.kind} ${JSON.stringify(record.id)} to be usable, but ${record.reason}${where}. Mend it, or set onBroken to 'skip'.`,
  );
}

/** A value of a file for a message: short and on one line, however long or deep it is. */
export function show(value: unknown): string {
  if (Array.isArray(value)) {
    const isShort = value.length <= 6 && !value.some((entry) => typeof entry === 'object' && entry !== null);
    return isShort ? `[${value.map(show).join(', ')}]` : `a list of ${value.length}`;
  }
  if (typeof value === 'object' && value !== null) return 'a record';
  if (value === undefined) return 'nothing';
  if (typeof value !== 'string') return String(value);
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
}
