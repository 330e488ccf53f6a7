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

const barWidth = 16;

/** How much is done of all, as a bar of 16 characters. */
export function renderBar(done: number, all: number): string {
  const filled = all === 0 ? barWidth : Math.min(barWidth, Math.floor((barWidth * done) / all));
  return `${'='.repeat(filled)}${' '.repeat(barWidth - filled)}`;
}

/** `0:42`, `12:05`, `3:07:00` */
export function renderDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const two = (value: number): string => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
