/**
 * Evaluation on growing subsets: a candidate that is among the losers on the first items is given up there. The limits are fixed when a
 * generation is drawn, from the generations before it, so that they do not depend on which evaluation is faster.
 *
 * Reference: the median rule of Golovin et al., Google Vizier, 2017, section 3.4.2.
 */

import { ConfigError } from '@sparsevit/windows';
import type { Candidate, SubsetStep } from './candidate';
import type { Problem, Values } from './problem';

/** How evaluations grow. */
export interface SubsetOptions {
  /** Items of each subset, growing; the last one is everything. */
  readonly items: readonly number[];
  /** Share of comparable evaluations that a candidate has to be among to go on. Default 0.5. */
  readonly keepShare?: number;
  /** Comparable evaluations that it takes before anything is dropped. Default 10. */
  readonly least?: number;
}

/** An evaluation, as far as limits look at it. */
export interface PartialEvaluation {
  readonly values: Values;
  readonly partial?: readonly number[];
}

/**
 * Checks subsets against a problem.
 *
 * @throws ConfigError for items that do not grow, or when not exactly one objective is told
 */
export function checkSubsets({ items, keepShare = 0.5, least = 10 }: SubsetOptions, problem: Problem): void {
  if (
    !Array.isArray(items) ||
    items.length === 0 ||
    !items.every((n, i) => Number.isSafeInteger(n) && n > (items[i - 1] ?? 0))
  ) {
    throw new ConfigError(`search: expected the items of subsets to be whole numbers that grow, got ${String(items)}.`);
  }
  if (!(keepShare > 0 && keepShare <= 1)) {
    throw new ConfigError(`search: expected keepShare to be above 0 and at most 1, got ${keepShare}.`);
  }
  if (!Number.isInteger(least) || least < 1) {
    throw new ConfigError(`search: expected least to be a whole number of at least 1, got ${least}.`);
  }
  const told = problem.objectives.filter(({ name }) => problem.told.includes(name));
  if (told.length !== 1) {
    throw new ConfigError(`search: expected one objective that is told to evaluate on subsets, got ${told.length}.`);
  }
}

/**
 * The subsets of a candidate with their limits: the metric that `keepShare` of the comparable evaluations reach on the same items. Comparable
 * are those that are no worse in all other objectives; so a candidate that may still be on the front is not dropped.
 */
export function subsetSteps(
  { items, keepShare = 0.5, least = 10 }: SubsetOptions,
  problem: Problem,
  candidate: Values,
  evaluations: readonly PartialEvaluation[],
): SubsetStep[] {
  const metric = problem.objectives.find(({ name }) => problem.told.includes(name));
  const others = problem.objectives.filter(({ name }) => name !== metric?.name);
  const isMaximized = metric?.direction === 'maximize';
  const comparable = evaluations.filter(({ values }) =>
    others.every(({ name, direction }) => {
      const sign = direction === 'maximize' ? -1 : 1;
      return sign * (values[name] ?? Number.NaN) <= sign * (candidate[name] ?? Number.NaN);
    }),
  );
  return items.map((count, subset) => {
    const reached = comparable.flatMap(({ partial }) => partial?.[subset] ?? []);
    if (subset === items.length - 1 || reached.length < least) return { items: count };
    reached.sort((a, b) => (isMaximized ? b - a : a - b)); // the best first
    const limit = reached[Math.ceil(keepShare * reached.length) - 1] ?? 0;
    return isMaximized ? { items: count, dropBelow: limit } : { items: count, dropAbove: limit };
  });
}

/** True when the metric on a subset is beyond its limit. */
function isLost({ dropBelow, dropAbove }: SubsetStep, metric: number): boolean {
  return (dropBelow !== undefined && metric < dropBelow) || (dropAbove !== undefined && metric > dropAbove);
}

/** The metric on growing subsets, as far as a candidate went. */
export interface SubsetOutcome {
  /** Null when the candidate was given up; else the metric on everything. */
  readonly metric: number | null;
  readonly partial: readonly number[];
}

/**
 * Evaluates a candidate on its subsets, and gives it up where its metric is beyond the limit. Runs where the evaluation runs.
 *
 * @param metricOf the metric on the first `items` items; what it computed for fewer it may keep
 * @example
 * const evaluate = async (candidate, { signal }) => {
 *   const { metric, partial } = await evaluateOnSubsets(candidate, (items) => validate(candidate.prunedRatios, items, signal));
 *   return metric === null ? { partial } : { values: { accuracy: metric }, partial };
 * };
 */
export async function evaluateOnSubsets(
  candidate: Pick<Candidate, 'subsets'>,
  metricOf: (items: number) => Promise<number> | number,
): Promise<SubsetOutcome> {
  if (candidate.subsets.length === 0) {
    throw new ConfigError('evaluateOnSubsets: expected a candidate with subsets, got none. Give createSearch subsets.');
  }
  const partial: number[] = [];
  for (const step of candidate.subsets) {
    const metric = await metricOf(step.items);
    partial.push(metric);
    if (partial.length < candidate.subsets.length && isLost(step, metric)) return { metric: null, partial };
  }
  return { metric: partial.at(-1) ?? null, partial };
}
