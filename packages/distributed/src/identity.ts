/**
 * What makes two evaluations the same: the contents of the files, the settings, the sparsity, the seed, the subsets and the attempt. The id of a
 * job is their hash, so that a job that is asked for twice is done once, by whichever driver, and its answer is found again.
 */

import type { EvaluationJob } from '@sparsevit/config';
import { parseEvaluationJob } from '@sparsevit/config';
import type { Candidate } from '@sparsevit/search';
import { hashOf } from '@sparsevit/search/node';
import { ConfigError } from '@sparsevit/windows';

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
