/** What is the user's mistake and what is ours: the first is one line and exit code 2, the second a stack and exit code 1. */

import { printable } from '@sparsevit/pipeline/files';
import { SparseViTError } from '@sparsevit/windows';
import type { CliIo } from './io';

export { inputError, quote } from '@sparsevit/pipeline/files';

/** Exit codes of every command. */
export const exitCodes = { success: 0, bug: 1, badInput: 2, budgetMissed: 3, interrupted: 130 } as const;

/** What a command that the user stopped ends with; message says what is kept and how to go on. */
export function interruption(message: string): DOMException {
  return new DOMException(message, 'AbortError');
}

/** Prints an error and returns the exit code that goes with it. */
export function reportError(error: unknown, io: Pick<CliIo, 'stderr'>): number {
  if (SparseViTError.isInstance(error) || isSystemError(error)) {
    io.stderr(`sparsevit: ${printable(error.message.replace(/\s*\n\s*/g, ' '))}\n`);
    return exitCodes.badInput;
  }
  if (error instanceof DOMException && error.name === 'AbortError') {
    io.stderr(`sparsevit: ${printable(error.message)}\n`);
    return exitCodes.interrupted;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  io.stderr(`sparsevit: this is a bug, please report it with the command that led to it.\n${stack}\n`);
  return exitCodes.bug;
}

/** A refusal of the operating system: no such file, disk full, not permitted. */
function isSystemError(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string';
}
