/** What is evaluated, in one key: a search or a job of another subject is another one. */

import { createHash } from 'node:crypto';
import type { EvaluationSubject } from '@sparsevit/config';
import { parseEvaluationSubject } from '@sparsevit/config';
import { canonicalJson } from '@sparsevit/windows';

/**
 * The SHA-256 of what is evaluated, in hexadecimal digits. Paths do not count: a file may lie elsewhere on another machine.
 *
 * @throws ConfigError for a subject that is not valid
 * @example
 * console.log(subjectKey(subject).slice(0, 12));
 */
export function subjectKey(subject: EvaluationSubject): string {
  const { files, settings } = parseEvaluationSubject(subject);
  const contents = Object.entries(files).map(([name, { sha256 }]): [string, string] => [name, sha256]);
  return hashOf({ files: Object.fromEntries(contents), settings });
}

/**
 * The SHA-256 of plain data, in hexadecimal digits: equal for equal data, whatever the order of its fields.
 *
 * @example
 * hashOf({ a: 1, b: 2 }) === hashOf({ b: 2, a: 1 }); // true
 */
export function hashOf(value: unknown): string {
  return createHash('sha256')
    .update(canonicalJson(value) ?? '')
    .digest('hex');
}
