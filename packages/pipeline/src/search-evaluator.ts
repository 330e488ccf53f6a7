/** What a search asks: how good a task is at a sparsity. */

import type { Candidate, EvaluationOutcome, Evaluator } from '@sparsevit/search';
import { evaluateOnSubsets } from '@sparsevit/search';
import type { TaskConfig } from '@sparsevit/tasks';
import { learnsFrom } from '@sparsevit/tasks';
import type { SparsityRules } from '@sparsevit/windows';
import { sparsityModes } from '@sparsevit/windows';
import { sparsityOf } from './latency/subject';
import type { Validation } from './validation';

/** How candidates are judged. */
export interface SearchEvaluatorOptions {
  /** The name of the score among the values that are told. */
  readonly name: string;
  /** Rules of scoring and counting; default those of `clean`. */
  readonly rules?: SparsityRules;
}

const scoreNames = { boxes: 'AP', masks: 'meanIou', labels: 'top1' } as const;

/**
 * What the score of a task is called: AP of boxes, mean IoU of masks, top-1 of labels.
 *
 * @example
 * scoreNameOf({ kind: 'detection' }); // 'AP'
 */
export function scoreNameOf(task: Pick<TaskConfig, 'kind'>): 'AP' | 'meanIou' | 'top1' {
  return scoreNames[learnsFrom(task)];
}

/**
 * An evaluator for `runSearch`: the score on a validation set, on growing parts of it when the search says so. One candidate at a time.
 *
 * @throws from its calls, what the runner and the data set throw
 * @example
 * const validation = createValidation(engineRunner(engine, checkpoint), dataset, { task, normalization });
 * const result = await runSearch(search, searchEvaluator(validation, { name: 'AP' }));
 */
export function searchEvaluator(
  validation: Validation,
  { name, rules = sparsityModes.clean }: SearchEvaluatorOptions,
): Evaluator {
  let last: Promise<unknown> = Promise.resolve();
  const evaluate = async (candidate: Candidate, signal: AbortSignal): Promise<EvaluationOutcome> => {
    signal.throwIfAborted();
    const running = validation.begin(String(candidate.id), sparsityOf(candidate.prunedRatios, rules));
    const scoreOf = async (items: number): Promise<number> => (await running.upTo(items, signal)).score;
    if (candidate.subsets.length === 0) return { values: { [name]: await scoreOf(validation.length) } };
    const { metric, partial } = await evaluateOnSubsets(candidate, scoreOf);
    return metric === null ? { partial } : { values: { [name]: metric }, partial };
  };
  return (candidate, { signal }) => {
    // a runner computes one image at a time: a candidate that waits does not hold another up half way
    const next = last.catch(() => {}).then(() => evaluate(candidate, signal));
    last = next;
    return next;
  };
}
