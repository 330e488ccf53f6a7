/** A search's evaluations in processes of this machine: each loads the model into an engine of one thread. */

import { availableParallelism } from 'node:os';
import type { EvaluationSubject } from '@sparsevit/config';
import type { Evaluator } from '@sparsevit/search';
import type { ProcessPoolEvent } from '@sparsevit/search/node';
import { createProcessPool } from '@sparsevit/search/node';
import { openSubject } from './evaluation-subject';

/** How evaluations are spread. */
export interface EvaluationPoolOptions {
  readonly subject: EvaluationSubject;
  /** Where its files are, by name. */
  readonly paths: Readonly<Record<string, string>>;
  /** Default: the cores that this process may use. With 1 this process evaluates itself, on all cores. */
  readonly processes?: number | undefined;
  /** The file that each process runs; default the one of this package. */
  readonly program?: string | URL | undefined;
  readonly onEvent?: ((event: ProcessPoolEvent) => void) | undefined;
}

/** Something that evaluates. */
export interface EvaluationPool {
  /** Candidates that are evaluated at a time. */
  readonly concurrency: number;
  readonly evaluate: Evaluator;
  dispose(): Promise<void>;
}

/**
 * Starts processes that evaluate the candidates of a search.
 *
 * @throws SparseViTError when the model or the data cannot be opened; what a process printed is in the message
 * @example
 * const pool = await createEvaluationPool({ subject, paths: subjectPaths(of) });
 * const result = await runSearch(search, pool.evaluate, { concurrency: pool.concurrency });
 * await pool.dispose();
 */
export async function createEvaluationPool({
  subject,
  paths,
  processes = availableParallelism(),
  program = new URL('./evaluation-process.js', import.meta.url), // beside this package's other built files
  onEvent,
}: EvaluationPoolOptions): Promise<EvaluationPool> {
  if (processes === 1) {
    const { evaluate, dispose } = await openSubject(subject, { paths });
    return { concurrency: 1, evaluate, dispose };
  }
  const pool = await createProcessPool({
    program,
    processes,
    programArguments: [JSON.stringify({ subject, paths })],
    ...(onEvent === undefined ? {} : { onEvent }),
  });
  return { concurrency: pool.processes, evaluate: pool.evaluate, dispose: pool.dispose };
}
