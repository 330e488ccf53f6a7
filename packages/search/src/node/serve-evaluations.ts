/** The other end of a pool: what a program calls to answer candidates. */

import { ConfigError } from '@sparsevit/windows';
import type { Evaluator } from '../run';
import type { ProcessMessage } from './process-messages';
import { protocolVersion, readOutcome, readRequest } from './process-messages';

/**
 * Answers the candidates of a pool, one at a time, for as long as the pool lives. Called once, after the program has loaded its model.
 *
 * The signal that the evaluator gets never aborts: a pool stops an evaluation by ending its process, which also stops what does not listen.
 *
 * @throws ConfigError when the program was not started by a pool
 * @example
 * // evaluate.mjs, the program of a pool
 * const model = await loadModel(process.argv[2]);
 * serveEvaluations(async ({ prunedRatios }) => ({ values: { accuracy: await validate(model, prunedRatios) } }));
 */
export function serveEvaluations(evaluate: Evaluator): void {
  if (process.send === undefined) {
    throw new ConfigError(
      'serveEvaluations: expected a process that a pool started, got another. Give this file to createProcessPool as its program.',
    );
  }
  // a pool that has gone does not hear the answer, and is told so by 'disconnect'
  const tell = (message: ProcessMessage): void => void process.send?.(message, () => {});
  const { signal } = new AbortController();

  process.on('message', (value: unknown) => {
    const request = readRequest(value);
    if (request === null) return;
    const { call, candidate } = request;
    const answer = async (): Promise<void> => {
      try {
        tell({ kind: 'outcome', call, outcome: readOutcome(await evaluate(candidate, { signal })) });
      } catch (error) {
        tell({ kind: 'failed', call, reason: error instanceof Error ? error.message : String(error) });
      }
    };
    void answer();
  });
  process.on('disconnect', () => process.exit());
  // an interrupt from the keyboard reaches all processes: when to end is the pool's to say
  process.on('SIGINT', () => {});
  tell({ kind: 'ready', version: protocolVersion });
}
