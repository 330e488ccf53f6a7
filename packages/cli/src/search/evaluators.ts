/** Who evaluates the candidates of a search: processes of this machine, or workers that a queue in Redis reaches. */

import type { EvaluationPool } from '@sparsevit/pipeline/node';
import { createEvaluationPool, subjectPaths } from '@sparsevit/pipeline/node';
import { inputError } from '../errors';
import type { Progress } from '../progress';
import type { SearchPlan } from './plan';

/** Candidates that wait in a queue at a time: enough for many workers. */
const queuedCandidates = 32;

/**
 * Starts what evaluates.
 *
 * @throws SparseViTError when the model cannot be opened, or there is no Redis
 */
export async function startEvaluators(plan: SearchPlan, progress: Progress): Promise<EvaluationPool> {
  const { redis, subject, of, processes } = plan;
  if (redis === undefined) {
    progress.step('starting processes');
    return createEvaluationPool({ subject, paths: subjectPaths(of), processes });
  }
  const { createDistributedEvaluator } = await loadDistributed('--redis');
  progress.step('connecting to Redis');
  const distributed = await createDistributedEvaluator({
    redis,
    subject,
    onEvent(event) {
      if (event.type === 'workers-changed' && event.workers === 0) {
        progress.step(`waiting for \`sparsevit worker\``);
      }
      if (event.type === 'connection-lost') progress.step('Redis is away: waiting');
    },
  });
  return { concurrency: queuedCandidates, evaluate: distributed.evaluate, dispose: distributed.dispose };
}

/**
 * The optional peer that knows of queues.
 *
 * @throws SparseViTError when it is not installed
 */
export async function loadDistributed(option: string): Promise<typeof import('@sparsevit/distributed')> {
  try {
    return await import('@sparsevit/distributed');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw inputError(
      `${option}: expected @sparsevit/distributed to be installed, got an error: ${reason.split('\n')[0]}. Run \`npm install @sparsevit/distributed\`.`,
      { cause },
    );
  }
}
