/** Searches on models of sensitivity, and how far they are from what is exactly true. */

import type { Evaluation, Search, SearchPresetName } from '@sparsevit/search';
import { createSearch, hypervolume } from '@sparsevit/search';
import type { SensitivityModel, Truth } from './sensitivity';

/** Runs a search to its end, a generation at a time. */
function runToEnd(search: Search, model: SensitivityModel): readonly Evaluation[] {
  while (search.hasNext()) {
    const results = search.ask().map(({ id, prunedRatios }) => {
      const values = { accuracy: model.accuracy(prunedRatios) };
      return { id, state: 'complete' as const, values };
    });
    search.tell(results);
  }
  return search.result().history;
}

/** Points by which the best after so many evaluations is below the exact optimum within the budget. */
export function regretsOf(
  model: SensitivityModel,
  truth: Truth,
  options: { readonly preset: SearchPresetName; readonly seed: number; readonly budget: number },
  evaluations: readonly number[],
): number[] {
  const budgetMs = options.budget * truth.denseMs;
  const search = createSearch({
    space: model.space,
    objectives: [{ name: 'accuracy', direction: 'maximize' }],
    constraints: [{ name: 'latencyMs', of: model.latencyMs, atMost: budgetMs }],
    preset: options.preset,
    seed: options.seed,
    maxEvaluations: Math.max(...evaluations),
  });
  const found = runToEnd(search, model).map(({ values }) => values.accuracy ?? Number.NaN);
  const optimum = truth.best(budgetMs);
  return evaluations.map((count) => optimum - found.slice(0, count).reduce((best, value) => Math.max(best, value)));
}

/** The corner that hypervolume is measured from: dense latency and 5 %, and the least accuracy of the space. */
function referenceOf(truth: Truth): { readonly latencyMs: number; readonly accuracy: number } {
  return { latencyMs: 1.05 * truth.denseMs, accuracy: truth.leastAccuracy };
}

/** Hypervolume of the front after so many evaluations, as a share of that of the exact front. */
export function frontSharesOf(
  model: SensitivityModel,
  truth: Truth,
  options: { readonly preset: SearchPresetName; readonly seed: number },
  evaluations: readonly number[],
): number[] {
  const search = createSearch({
    space: model.space,
    objectives: [
      { name: 'accuracy', direction: 'maximize' },
      { name: 'latencyMs', of: model.latencyMs, direction: 'minimize' },
    ],
    preset: options.preset,
    seed: options.seed,
    maxEvaluations: Math.max(...evaluations),
  });
  const { latencyMs, accuracy } = referenceOf(truth);
  const volumeOf = (points: readonly (readonly [number, number])[]): number =>
    hypervolume(
      points.map(([ms, value]) => [ms, -value]),
      [latencyMs, -accuracy],
    );
  const exact = volumeOf(truth.front);
  const found = runToEnd(search, model).map(({ values }): readonly [number, number] => [
    values.latencyMs ?? Number.NaN,
    values.accuracy ?? Number.NaN,
  ]);
  return evaluations.map((count) => volumeOf(found.slice(0, count)) / exact);
}
