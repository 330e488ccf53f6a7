/** The journal of a search in a file. Every line is on the disk before the search goes on. */

import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CheckpointError } from '@sparsevit/windows';
import type { JournalStorage } from '../journal';

/**
 * A file as a journal; made, with its folder, when the first line is written.
 *
 * @throws CheckpointError from its functions, when the disk refuses; what was written before stays
 * @example
 * await runSearch(search, evaluate, { journal: fileJournal('runs/search.jsonl') });
 */
export function fileJournal(path: string): JournalStorage {
  const refuse = (what: string, cause: unknown): CheckpointError =>
    new CheckpointError(
      `fileJournal: expected to ${what} ${JSON.stringify(path)}, got ${cause instanceof Error ? cause.message : String(cause)}. What was written before is whole.`,
      { cause },
    );
  return {
    async read() {
      try {
        return await readFile(path, 'latin1'); // a byte is a character, whatever a crash left behind
      } catch (error) {
        if ((error as { code?: string }).code === 'ENOENT') return '';
        throw refuse('read', error);
      }
    },
    async append(text) {
      try {
        await mkdir(dirname(path), { recursive: true });
        const handle = await open(path, 'a');
        try {
          await handle.writeFile(text);
          await handle.datasync();
        } finally {
          await handle.close();
        }
      } catch (error) {
        throw refuse('write to', error);
      }
    },
    async truncate(length) {
      try {
        const handle = await open(path, 'r+');
        try {
          await handle.truncate(length);
          await handle.datasync();
        } finally {
          await handle.close();
        }
      } catch (error) {
        throw refuse('cut', error);
      }
    },
  };
}
