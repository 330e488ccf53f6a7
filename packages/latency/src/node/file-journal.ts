/** A journal in a file: lines are added at the end and flushed, so that a line that was added outlives the process and the machine. */

import { open, readFile, truncate } from 'node:fs/promises';
import { CheckpointError } from '@sparsevit/windows';
import type { JournalStorage } from '../profile/journal';

const newline = 0x0a;

/**
 * A file as the journal of a measurement; made with the first line. A last line that was cut when a process was killed is cut off. Only one process
 * may write to it.
 *
 * @throws CheckpointError from its functions, when the disk refuses; lines that were added before stay
 * @example
 * const table = await measure(runner, configs, { fingerprint, now, journal: fileJournal('table.json.journal.jsonl') });
 */
export function fileJournal(path: string): JournalStorage {
  const refuse = (what: string, cause: unknown): CheckpointError =>
    new CheckpointError(
      `fileJournal: expected to ${what} ${JSON.stringify(path)}, got ${cause instanceof Error ? cause.message : String(cause)}. Lines that were added before are whole.`,
      { cause },
    );
  /** Bytes up to the end of the last whole line; null before the file was looked at, and after a failure. */
  let wholeBytes: number | null = null;
  const read = async (): Promise<Buffer> => {
    try {
      return await readFile(path);
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return Buffer.alloc(0);
      throw refuse('read', error);
    }
  };
  const cutTail = async (): Promise<Buffer> => {
    const bytes = await read();
    const whole = bytes.subarray(0, bytes.lastIndexOf(newline) + 1);
    try {
      if (whole.length < bytes.length) await truncate(path, whole.length);
    } catch (error) {
      throw refuse('cut a line that is not whole off', error);
    }
    wholeBytes = whole.length;
    return whole;
  };
  return {
    async readLines() {
      const text = (await cutTail()).toString('utf8');
      return text === '' ? [] : text.slice(0, -1).split('\n');
    },
    async append(line) {
      if (wholeBytes === null) await cutTail();
      wholeBytes = null; // until the line is whole
      const bytes = Buffer.from(`${line}\n`);
      try {
        const file = await open(path, 'a');
        try {
          await file.appendFile(bytes);
          await file.sync();
          wholeBytes = (await file.stat()).size;
        } finally {
          await file.close();
        }
      } catch (error) {
        throw refuse('add a line to', error);
      }
    },
  };
}
