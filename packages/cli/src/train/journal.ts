/** What a run told, a line of JSON for each event; a run that is resumed goes on at the end. */

import { appendFileSync } from 'node:fs';

/** Makes a function that writes an event at once, so that a killed process leaves all that came before. */
export function createJournal(file: string): (event: { readonly type: string }) => void {
  return (event) => {
    // an error is told in `reason`; as JSON it would be empty
    const { cause: _, ...facts } = event as { readonly type: string; readonly cause?: unknown };
    appendFileSync(file, `${JSON.stringify(facts)}\n`);
  };
}
