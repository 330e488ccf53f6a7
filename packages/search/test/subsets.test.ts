import { createRandom } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import type { Evaluator, SearchResult } from '../src/index';
import { createSearch, evaluateOnSubsets, runSearch } from '../src/index';
import { createProblem } from '../src/problem';
import { subsetSteps } from '../src/subsets';
import { bestWithin, budgetOf, madeUp, optionsOf, swinTSpace } from './problems';

const maximize = createProblem([{ name: 'accuracy', direction: 'maximize' }], []);
const minimize = createProblem([{ name: 'loss', direction: 'minimize' }], []);
const partials = [5, 1, 4, 2, 3].map((first) => ({ values: {}, partial: [first, 10 * first] }));

describe('limits', () => {
  test('are what the better share reached on the same items', () => {
    const options = { items: [10, 100, 1000], least: 5 };
    expect(subsetSteps(options, maximize, {}, partials)).toEqual([
      { items: 10, dropBelow: 3 },
      { items: 100, dropBelow: 30 },
      { items: 1000 },
    ]);
    expect(subsetSteps({ ...options, keepShare: 0.2 }, minimize, {}, partials)[0]).toEqual({ items: 10, dropAbove: 1 });
    expect(subsetSteps({ ...options, keepShare: 1 }, maximize, {}, partials)[0]).toEqual({ items: 10, dropBelow: 1 });
  });

  test('are not there before there is enough to compare with', () => {
    expect(subsetSteps({ items: [10, 100], least: 6 }, maximize, {}, partials)).toEqual([
      { items: 10 },
      { items: 100 },
    ]);
    // those that were dropped at the first subset have nothing to say of the second
    const dropped = partials.map(({ partial, ...rest }, i) =>
      i < 2 ? { ...rest, partial: partial.slice(0, 1) } : { ...rest, partial },
    );
    expect(subsetSteps({ items: [10, 100, 1000], least: 5 }, maximize, {}, dropped)).toEqual([
      { items: 10, dropBelow: 3 },
      { items: 100 },
      { items: 1000 },
    ]);
  });

  test('compare with those that are no worse in everything else', () => {
    const problem = createProblem(
      [
        { name: 'accuracy', direction: 'maximize' },
        { name: 'latencyMs', direction: 'minimize', of: () => 1 },
      ],
      [],
    );
    const evaluations = partials.map(({ partial }, i) => ({ values: { latencyMs: i }, partial }));
    const options = { items: [10, 100], least: 2 };
    // with latencies 0 and 1 there are first values 5 and 1
    expect(subsetSteps(options, problem, { latencyMs: 1 }, evaluations)[0]).toEqual({ items: 10, dropBelow: 5 });
    expect(subsetSteps(options, problem, { latencyMs: 0 }, evaluations)[0]).toEqual({ items: 10 });
  });
});

describe('evaluateOnSubsets', () => {
  const subsets = [{ items: 10, dropBelow: 3 }, { items: 100, dropBelow: 4 }, { items: 1000 }];

  test('goes on to the end, or gives up at a limit', async () => {
    const metrics: Record<number, number> = { 10: 3, 100: 4, 1000: 1 };
    const asked: number[] = [];
    const metricOf = (items: number): number => {
      asked.push(items);
      return metrics[items] ?? 0;
    };
    expect(await evaluateOnSubsets({ subsets }, metricOf)).toEqual({ metric: 1, partial: [3, 4, 1] });
    metrics[100] = 3.9;
    expect(await evaluateOnSubsets({ subsets }, metricOf)).toEqual({ metric: null, partial: [3, 3.9] });
    expect(asked).toEqual([10, 100, 1000, 10, 100]);
    const above = [{ items: 5, dropAbove: 1 }, { items: 9 }];
    expect(await evaluateOnSubsets({ subsets: above }, async () => 1.1)).toEqual({ metric: null, partial: [1.1] });
  });

  test('needs subsets', async () => {
    await expect(evaluateOnSubsets({ subsets: [] }, () => 1)).rejects.toThrow('expected a candidate with subsets');
  });
});

describe('a search on subsets', () => {
  const problem = madeUp(swinTSpace, 12);

  /** Each item of the validation data has its own error, the same for all sparsities but for a part. */
  const evaluator =
    (count: { items: number }): Evaluator =>
    async (candidate) => {
      const own = createRandom(candidate.seed);
      const outcome = await evaluateOnSubsets(candidate, (items) => {
        const common = createRandom(items).normal() * Math.sqrt(1 / items - 1 / 1000);
        return problem.accuracy(candidate.prunedRatios) + 3 * common + own.normal() * Math.sqrt(1 / items - 1 / 1000);
      });
      count.items += [100, 300, 1000][outcome.partial.length - 1] ?? 0;
      return outcome.metric === null
        ? { partial: outcome.partial }
        : { values: { accuracy: outcome.metric }, partial: outcome.partial };
    };

  const run = async (seed: number, count = { items: 0 }): Promise<SearchResult> =>
    runSearch(
      createSearch(optionsOf(problem, 0.7, { seed, maxEvaluations: 150, subsets: { items: [100, 300, 1000] } })),
      evaluator(count),
    );

  test('looks at less, and finds as much', async () => {
    const count = { items: 0 };
    const { best, counts, history } = await run(1, count);
    expect(counts.dropped).toBeGreaterThan(20);
    expect(count.items).toBeLessThan(0.85 * 150 * 1000);
    expect(best?.values.accuracy).toBeGreaterThan(bestWithin(problem, budgetOf(problem, 0.7)) - 0.05);
    for (const { state, partial, values, isFeasible } of history) {
      if (state === 'complete') expect(partial?.[2]).toBe(values.accuracy);
      else {
        expect(partial?.length).toBeLessThan(3);
        expect(isFeasible).toBe(false);
        expect(values.accuracy).toBe(undefined);
      }
    }
  });

  test.each([
    ['items that do not grow', { items: [10, 10] }, 'expected the items of subsets'],
    ['no items', { items: [] }, 'expected the items of subsets'],
    ['a share that is none', { items: [1, 2], keepShare: 0 }, 'expected keepShare'],
    ['a count that is none', { items: [1, 2], least: 0 }, 'expected least'],
  ])('refuses %s', (_, subsets, message) => {
    expect(() => createSearch(optionsOf(problem, 0.7, { subsets }))).toThrow(message);
  });

  test('refuses to choose between two metrics, and results that do not fit', () => {
    const told = [
      { name: 'accuracy', direction: 'maximize' },
      { name: 'recall', direction: 'maximize' },
    ] as const;
    const subsets = { items: [100, 1000] };
    expect(() => createSearch(optionsOf(problem, 0.7, { subsets, objectives: told }))).toThrow(
      'expected one objective that is told',
    );
    const search = createSearch(optionsOf(problem, 0.7, { subsets }));
    search.ask();
    expect(() => search.tell([{ id: 0, state: 'complete', values: { accuracy: 1 } }])).toThrow(
      'a value on each of 2 subsets of id 0, got 0',
    );
    expect(() => search.tell([{ id: 0, state: 'dropped', partial: [1, 2] }])).toThrow('some of its 2 subsets, got 2');
    search.tell([{ id: 0, attempt: 1, state: 'dropped', partial: [Number.NaN] }]);
    expect(search.progress().evaluations).toBe(0); // failed, to be tried again
  });
});
