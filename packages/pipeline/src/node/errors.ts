/** What is said about something that a user named: one line that nothing in a file's name can steer. */

import { SparseViTError } from '@sparsevit/windows';

/**
 * An error about what a user typed or named; its message has the grammar `name: expected <invariant>, got <value>. <what to do>.`
 *
 * @example
 * throw inputError(`--size: expected 672x672 or the like, got ${quote(text)}.`);
 */
export function inputError(message: string, options?: { cause?: unknown }): SparseViTError {
  return new SparseViTError('input', message, options);
}

/**
 * Text from outside in quotes: cut, one line, nothing in it that steers a terminal.
 *
 * @example
 * quote('photo\u001b[2J.jpg'); // "photo\u001b[2J.jpg", with the escape spelled out
 */
export function quote(text: string): string {
  const cut = text.length > 200 ? `${text.slice(0, 200)}...` : text;
  return `"${printable(cut)}"`;
}

/** Text with its control characters spelled out. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
