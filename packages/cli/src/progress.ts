/** One line on stderr that says what is going on, when stderr is a terminal; nothing otherwise. */

import type { CliIo } from './io';

/** A line that replaces itself. */
export interface Progress {
  /** Shows what begins now. */
  step(text: string): void;
  /** Clears the line; call before anything else is printed. */
  clear(): void;
}

const eraseLine = '\r\u001b[2K';

/**
 * Makes a progress line.
 *
 * @example
 * const progress = createProgress(io);
 * progress.step('photo.jpg: dense, run 2 of 3');
 * progress.clear();
 */
export function createProgress(io: Pick<CliIo, 'stderr' | 'isTerminal'>): Progress {
  if (!io.isTerminal) return { step() {}, clear() {} };
  let isShown = false;
  return {
    step(text) {
      isShown = true;
      io.stderr(`${eraseLine}${text.slice(0, 78)}`);
    },
    clear() {
      if (isShown) io.stderr(eraseLine);
      isShown = false;
    },
  };
}
