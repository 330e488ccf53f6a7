/** How a job of the queue ended, read with care: the answer was written by another machine. */

import { parseEvaluationAnswer } from '@sparsevit/config';
import type { EvaluationOutcome } from '@sparsevit/search';
import type { Job } from 'bullmq';

/** How a job ended: with an outcome, or with the reason why there is none. */
export type JobEnding =
  | { readonly outcome: EvaluationOutcome; readonly worker: string; readonly durationMs: number }
  | { readonly reason: string };

/** How a job ended; null while it has not. */
export function endingOfJob({ id = '', finishedOn, failedReason, returnvalue }: Job): JobEnding | null {
  if (finishedOn === undefined) return null;
  return failedReason === undefined ? endingOfAnswer(id, returnvalue) : endingOfFailure(failedReason);
}

/** The ending that is an answer; an answer that is none, or is that of another job, is a failure. */
export function endingOfAnswer(id: string, value: unknown): JobEnding {
  try {
    const { job, worker, durationMs, outcome } = parseEvaluationAnswer(value);
    if (job === id) return { outcome, worker, durationMs };
    return { reason: `expected the answer of job ${id}, got that of ${job}` };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

/** The ending that is a failure. BullMQ's words for a job that ended several workers say nothing of the cause. */
export function endingOfFailure(failedReason: string): JobEnding {
  const isStalled = failedReason === 'job stalled more than allowable limit';
  return {
    reason: isStalled
      ? 'expected an answer, got workers that ended, or were silent for too long, over it'
      : failedReason,
  };
}
