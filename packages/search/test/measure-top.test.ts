import type { PrunedRatios } from '@sparsevit/windows';
import { createRandom } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import type { MeasureTopEvent } from '../src/index';
import { createSearch, measureTop } from '../src/index';
import { budgetOf, finish, madeUp, optionsOf, swinTSpace } from './problems';

const problem = madeUp(swinTSpace, 21);
const { history } = finish(createSearch(optionsOf(problem, 0.7, { maxEvaluations: 120 })), problem).result();
const budget = { name: 'latencyMs', atMost: budgetOf(problem, 0.7) };
const objective = { name: 'accuracy', direction: 'maximize' } as const;
const feasible = history.filter(({ isFeasible }) => isFeasible);
const byAccuracy = [...feasible].sort((a, b) => (b.values.accuracy ?? 0) - (a.values.accuracy ?? 0) || a.id - b.id);

/** Each sparsity takes a share more or less than was predicted. */
function errorOf(at: PrunedRatios): number {
  const seed = at.flat().reduce((sum, ratio) => 10 * sum + Math.round(10 * ratio), 0);
  return 1 + 0.05 * createRandom(seed).normal();
}

describe('measureTop', () => {
  test('takes the best that meets the budget as measured', async () => {
    const measure = (at: PrunedRatios): number => problem.latencyMs(at) * errorOf(at);
    const { winner, measured, name, measuredOverPredicted } = await measureTop(history, measure, {
      objective,
      budget,
      seed: 0,
    });
    expect(name).toBe('latencyMs');
    expect(measured.map(({ id }) => id)).toEqual(byAccuracy.slice(0, 10).map(({ id }) => id));
    for (const { prunedRatios, predicted, measured: ms, meetsBudget, samples } of measured) {
      expect(predicted).toBe(problem.latencyMs(prunedRatios));
      expect(ms).toBe(measure(prunedRatios));
      expect(samples).toEqual([ms, ms, ms, ms, ms]);
      expect(meetsBudget).toBe(ms <= budget.atMost);
    }
    expect(measured.some(({ meetsBudget }) => !meetsBudget)).toBe(true);
    expect(winner).not.toBe(null);
    expect(winner).toBe(measured.find(({ meetsBudget }) => meetsBudget));
    expect(measuredOverPredicted).toBeCloseTo(1, 1);
  });

  test('is interleaved: a machine that gets slower slows all alike', async () => {
    const visited: string[] = [];
    const events: MeasureTopEvent[] = [];
    const measure = (at: PrunedRatios): number => {
      visited.push(JSON.stringify(at));
      return problem.latencyMs(at) * (1 + 0.01 * visited.length);
    };
    const options = {
      objective,
      budget,
      seed: 3,
      count: 6,
      rounds: 7,
      onEvent: (event: MeasureTopEvent) => void events.push(event),
    };
    const { measured } = await measureTop(history, measure, options);
    expect(visited).toHaveLength(42);
    for (let round = 0; round < 7; round++) {
      const order = visited.slice(6 * round, 6 * round + 6);
      expect(new Set(order)).toEqual(new Set(measured.map(({ prunedRatios }) => JSON.stringify(prunedRatios))));
    }
    expect(visited.slice(0, 6)).not.toEqual(visited.slice(6, 12));
    const slowness = measured.map(({ measured: ms, prunedRatios }) => ms / problem.latencyMs(prunedRatios));
    expect(Math.max(...slowness) / Math.min(...slowness)).toBeLessThan(1.05);
    expect(events.map(({ done }) => done)).toEqual(events.map((_, i) => i + 1));
    expect(events.at(-1)).toMatchObject({ done: 42, count: 42, round: 6 });
    for (const { samples, measured: ms, quartiles } of measured) {
      const sorted = [...samples].sort((a, b) => a - b);
      expect(ms).toBe(sorted[3]);
      expect(quartiles).toEqual([((sorted[1] ?? 0) + (sorted[2] ?? 0)) / 2, ((sorted[4] ?? 0) + (sorted[5] ?? 0)) / 2]);
    }
    // the same seed, the same order
    const before = [...visited];
    visited.length = 0;
    await measureTop(history, measure, options);
    expect(visited).toEqual(before);
  });

  test('when none meets the budget there is no winner', async () => {
    const { winner, measured } = await measureTop(history, () => 1000, { objective, budget, seed: 0, count: 3 });
    expect(winner).toBe(null);
    expect(measured).toHaveLength(3);
  });

  test('stops at the signal, and refuses what is no measurement', async () => {
    const controller = new AbortController();
    let visits = 0;
    const measure = (): number => {
      if (++visits === 4) controller.abort(new Error('enough'));
      return 1;
    };
    const options = { objective, budget, seed: 0 };
    await expect(measureTop(history, measure, { ...options, signal: controller.signal })).rejects.toThrow('enough');
    expect(visits).toBe(4);
    await expect(measureTop(history, () => Number.NaN, options)).rejects.toThrow('expected latencyMs above 0, got NaN');
    await expect(measureTop([], measure, options)).rejects.toThrow(
      'expected feasible evaluations with accuracy, got none',
    );
    await expect(measureTop(history, measure, { ...options, rounds: 0 })).rejects.toThrow('expected rounds');
  });
});
