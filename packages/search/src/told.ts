/** What is told of a candidate, checked: what is missing is the caller's mistake, what is not finite is a failed evaluation. */

import { ConfigError } from '@sparsevit/windows';
import type { Evaluation, EvaluationResult } from './candidate';
import type { Settled } from './generation';
import type { Problem } from './problem';
import type { Member } from './strategies/strategy';
import type { SubsetOptions } from './subsets';

/**
 * The result as it counts.
 *
 * @throws ConfigError for a state that is none, a value or a subset that is missing
 */
export function checkResult(
  result: EvaluationResult,
  problem: Problem,
  subsets: SubsetOptions | null,
): EvaluationResult {
  const { id, attempt } = result;
  const head = { id, ...(attempt === undefined ? {} : { attempt }) };
  const fail = (reason: string): EvaluationResult => ({ ...head, state: 'failed', reason });
  if (result.state === 'failed') return fail(String(result.reason));
  if (result.state !== 'complete' && result.state !== 'dropped') {
    const { state } = result as { readonly state?: unknown };
    throw new ConfigError(`search: expected the state complete, dropped or failed of id ${id}, got ${String(state)}.`);
  }
  const { partial } = result;
  if (partial?.some((metric) => !Number.isFinite(metric)) === true) {
    return fail(`expected finite values on subsets, got ${partial.join(', ')}`);
  }
  const steps = subsets?.items.length ?? 0;
  if (result.state === 'dropped') {
    if (partial === undefined || partial.length === 0 || partial.length >= steps) {
      throw new ConfigError(
        `search: expected a dropped candidate to have done some of its ${steps} subsets, got ${partial?.length ?? 0} of id ${id}.`,
      );
    }
    return { ...head, state: 'dropped', partial };
  }
  if (steps > 0 && partial?.length !== steps) {
    throw new ConfigError(
      `search: expected a value on each of ${steps} subsets of id ${id}, got ${partial?.length ?? 0}. evaluateOnSubsets gives them.`,
    );
  }
  const values: Record<string, number> = {};
  for (const name of problem.told) {
    const value: unknown = result.values?.[name];
    if (value === undefined) {
      throw new ConfigError(`search: expected to be told ${problem.told.join(', ')} of id ${id}, got no ${name}.`);
    }
    if (typeof value !== 'number' || !Number.isFinite(value))
      return fail(`expected a finite ${name}, got ${String(value)}`);
    values[name] = value;
  }
  return { ...head, state: 'complete', values, ...(steps === 0 || partial === undefined ? {} : { partial }) };
}

/** A candidate that has ended, for the history. */
export function evaluationOf(settled: Settled, generation: number, problem: Problem): Evaluation {
  const { id, prunedRatios, computed, result, attempts } = settled;
  const values = result.state === 'complete' ? { ...result.values, ...computed } : computed;
  const violation = result.state === 'complete' ? problem.violation(values) : null;
  return {
    id,
    generation,
    prunedRatios,
    state: result.state,
    values,
    isFeasible: violation !== null && violation <= 0,
    violation,
    attempts,
    ...(result.state !== 'failed' && result.partial !== undefined ? { partial: result.partial } : {}),
    ...(result.state === 'failed' ? { reason: result.reason } : {}),
  };
}

/** A candidate that has ended, for a strategy. */
export function memberOf({ id, levels }: Settled, { state, values, violation }: Evaluation, problem: Problem): Member {
  const isComplete = state === 'complete';
  return {
    id,
    levels,
    values,
    isComplete,
    violation: violation ?? Number.POSITIVE_INFINITY,
    minimized: isComplete ? problem.minimized(values) : problem.objectives.map(() => Number.POSITIVE_INFINITY),
  };
}
