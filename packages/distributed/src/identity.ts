/**
 * What makes two evaluations the same: the contents of the files, the settings, the sparsity, the seed, the subsets and the attempt. The id of a
 * job is their hash, so that a job that is asked for twice is done once, by whichever driver, and its answer is found again.
 */

import { createHash } from 'node:crypto';
import type { EvaluationJob, EvaluationSubject } from '@sparsevit/config';
import { parseEvaluationJob, parseEvaluationSubject } from '@sparsevit/config';
import type { Candidate } from '@sparsevit/search';
import { ConfigError, canonicalJson } from '@sparsevit/windows';

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
 * A candidate as a job.
 *
 * @throws ConfigError for a candidate with numbers that are none
 */
export function jobOf(subject: string, candidate: Candidate): EvaluationJob {
  const { id, generation, prunedRatios, attempt, seed, subsets } = candidate;
  return parseEvaluationJob({
    format: 'sparsevit-evaluation-job',
    version: 1,
    subject,
    candidate: { id, generation, prunedRatios, attempt, seed, subsets },
  });
}

/** The id of a job. Its candidate's place in a search does not count. */
export function jobIdOf({ version, subject, candidate }: EvaluationJob): string {
  const { prunedRatios, attempt, seed, subsets } = candidate;
  return `evaluation-${hashOf({ version, subject, prunedRatios, attempt, seed, subsets })}`;
}

/** The queue of an evaluation, or of a device. */
export function queueNameOf(subject: string, device: string | undefined): string {
  if (device === undefined) return `evaluations-${subject}`;
  if (typeof device !== 'string' || device === '') {
    throw new ConfigError(`distributed: expected the fingerprint of a device, got ${JSON.stringify(device)}.`);
  }
  return `device-${hashOf(device)}`;
}

function hashOf(value: unknown): string {
  return createHash('sha256')
    .update(canonicalJson(value) ?? '')
    .digest('hex');
}
