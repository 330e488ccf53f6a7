/** What a run told, a line of JSON for each event; a run that is resumed goes on at the end. */

import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { inputError, quote } from './errors';
import { reasonOf } from './files';

/**
 * Makes a function that writes an event at once, so that a killed process leaves all that came before.
 *
 * @param what the option or field that named the folder, which opens the error's message
 * @throws SparseViTError from that function, when the disk refuses
 * @example
 * const journal = createJournal('runs/adapted/journal.jsonl');
 * journal({ type: 'training-start' });
 */
export function createJournal(file: string, what = 'output'): (event: { readonly type: string }) => void {
  // a line that a kill cut off stays one line, that no reader can parse, and spoils no other
  let isTorn = existsSync(file) && !['', '\n'].includes(readFileSync(file, 'utf8').slice(-1));
  return (event) => {
    // an error is told in `reason`; as JSON it would be empty
    const { cause: _, ...facts } = event as { readonly type: string; readonly cause?: unknown };
    try {
      appendFileSync(file, `${isTorn ? '\n' : ''}${JSON.stringify(facts)}\n`);
      isTorn = false;
    } catch (cause) {
      throw inputError(
        `${what}: expected a file that can be written, got ${quote(file)}: it ${reasonOf(cause)}. The same command goes on from the last checkpoint.`,
        { cause },
      );
    }
  };
}
