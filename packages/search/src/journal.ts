/**
 * The journal of a search: a line of JSON for each record behind one for the settings, only ever appended to. A process that is killed while it
 * writes leaves a torn last line, which is cut off when the search goes on; what it was about is evaluated again.
 */

import { CheckpointError } from '@sparsevit/windows';
import type { SavedSettings, SearchRecord } from './records';
import { readHeader, readRecord, searchFormat, searchVersion } from './records';
import type { Search } from './search';

/** The name of a journal's format, in its first line. */
export const journalFormat = 'sparsevit-search-journal';

/** Where a journal is kept: a file, a browser's storage, memory. The text is ASCII: a character is a byte. */
export interface JournalStorage {
  /** All that was written; empty when nothing was. */
  read(): Promise<string>;
  /** Adds text at the end; it is safe when the promise resolves. */
  append(text: string): Promise<void>;
  /** Cuts off all behind the first `length` characters. */
  truncate(length: number): Promise<void>;
}

/** A journal, read. */
export interface ReadJournal {
  readonly settings: SavedSettings;
  readonly records: readonly SearchRecord[];
  /** Characters up to which it is whole; what is behind has to be cut off before it goes on. */
  readonly length: number;
}

/**
 * Reads the text of a journal.
 *
 * A last line that is torn is left out. So are the results of a last generation in which everything failed so far: it is tried again, once what
 * was wrong is mended.
 *
 * @returns null for a text without a whole line
 * @throws CheckpointError for a line inside that is damaged, or a text that is no journal
 * @example
 * const { records } = parseJournal(await storage.read());
 */
export function parseJournal(text: string): ReadJournal | null {
  const lines = text.split('\n');
  lines.pop(); // behind the last line break there is nothing, or a torn line
  let settings: SavedSettings | null = null;
  let length = 0;
  let generationEnd = 0;
  let onlyFailed = false;
  let generationRecords = 0;
  const records: SearchRecord[] = [];
  for (const [i, line] of lines.entries()) {
    const where = `line ${i + 1} of the journal`;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (cause) {
      if (i === lines.length - 1 && settings !== null) break; // zeros, or a part of a line, that a crash left behind
      throw new CheckpointError(
        `search: expected JSON in ${where}, got something else. It is not a journal of a search, or it is damaged.`,
        { cause },
      );
    }
    length += line.length + 1;
    if (settings === null) {
      settings = readHeader(value, journalFormat, where);
      continue;
    }
    const record = readRecord(value, where);
    records.push(record);
    if (record.type === 'generation') {
      [generationEnd, generationRecords, onlyFailed] = [length, records.length, true];
    } else if (record.state !== 'failed') onlyFailed = false;
  }
  if (settings === null) return null;
  if (!onlyFailed) return { settings, records, length };
  return { settings, records: records.slice(0, generationRecords), length: generationEnd };
}

/** A record as a line of ASCII, so that lengths in characters and in bytes are the same. */
function lineOf(value: unknown): string {
  const escaped = JSON.stringify(value).replace(
    /[\u0080-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `${escaped}\n`;
}

/** A journal that a search writes to. */
export interface OpenJournal {
  /** True when the search goes on from what the journal had. */
  readonly isResumed: boolean;
  /** Characters that were torn, and cut off. */
  readonly lostCharacters: number;
  /** Appends the records that are not yet written. */
  catchUp(): Promise<void>;
}

/**
 * Opens a journal for a search: goes on from what is there, or begins it.
 *
 * @throws CheckpointError when it is damaged, is that of another search, or has something where the search is under way already
 */
export async function openJournal(storage: JournalStorage, search: Search): Promise<OpenJournal> {
  const text = await storage.read();
  const read = parseJournal(text);
  let written = 0;
  if (read !== null) {
    const { settings, records } = read;
    search.restore({ format: searchFormat, version: searchVersion, settings, records });
    written = search.recordsFrom(0).length;
  } else if (text.length > 0 && !isTornHeader(text)) {
    throw new CheckpointError('search: expected a journal of a search, got another text. Give another place.');
  }
  const length = read?.length ?? 0;
  if (length < text.length) await storage.truncate(length);
  if (read === null) {
    await storage.append(
      lineOf({ type: 'search', format: journalFormat, version: searchVersion, settings: search.settings }),
    );
  }
  return {
    isResumed: read !== null,
    lostCharacters: text.length - length,
    async catchUp() {
      const records = search.recordsFrom(written);
      if (records.length === 0) return;
      await storage.append(records.map(lineOf).join(''));
      written += records.length;
    },
  };
}

/** True for the beginning of the first line of a journal: a process was killed while it wrote that. */
function isTornHeader(text: string): boolean {
  const beginning = `{"type":"search","format":"${journalFormat}"`;
  return text.startsWith(beginning) || beginning.startsWith(text);
}

/**
 * A journal in memory, for pages that keep none, and tests.
 *
 * @example
 * await runSearch(search, evaluate, { journal: memoryJournal() });
 */
export function memoryJournal(text = ''): JournalStorage {
  let kept = text;
  return {
    read: async () => kept,
    append: async (added) => {
      kept += added;
    },
    truncate: async (length) => {
      kept = kept.slice(0, length);
    },
  };
}
