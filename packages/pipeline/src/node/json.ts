/** JSON that a user named. */

import { inputError, quote } from './errors';
import { readInputFile } from './files';

/**
 * Parses JSON.
 *
 * @param expected what opens the error's message
 * @throws SparseViTError for text that is none
 * @example
 * parseJson(text, `--config: expected JSON in ${quote(file)}`);
 */
export function parseJson(text: string, expected: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw inputError(`${expected}, got text that is none (${reason.slice(0, 120)}).`, { cause });
  }
}

/**
 * Reads a file of JSON.
 *
 * @param what the option or field that named it, which opens the error's message
 * @throws SparseViTError for a file that is missing or holds none
 * @example
 * const document = await readJsonFile('search.json', '--search');
 */
export async function readJsonFile(path: string, what: string): Promise<unknown> {
  return parseJson(
    new TextDecoder().decode(await readInputFile(path, what)),
    `${what}: expected JSON in ${quote(path)}`,
  );
}
