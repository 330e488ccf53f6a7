/** What is the user's mistake and what is ours: the first is one line and exit code 2, the second a stack and exit code 1. */

import { SparseViTError } from '@sparsevit/windows';
import type { CliIo } from './io';

/** Exit codes of every command. */
export const exitCodes = { success: 0, bug: 1, badInput: 2, interrupted: 130 } as const;

/** An error about what the user typed or named; message in the grammar `name: expected <invariant>, got <value>. <what to do>.` */
export function inputError(message: string, options?: { cause?: unknown }): SparseViTError {
  return new SparseViTError('input', message, options);
}

/** What a command that the user stopped ends with; message says what is kept and how to go on. */
export function interruption(message: string): DOMException {
  return new DOMException(message, 'AbortError');
}

/** Text from outside in quotes: cut, one line, nothing in it that steers a terminal. */
export function quote(text: string): string {
  const cut = text.length > 200 ? `${text.slice(0, 200)}...` : text;
  return `"${printable(cut)}"`;
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

function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
