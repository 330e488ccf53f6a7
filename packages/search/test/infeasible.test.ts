import type { PrunedRatios } from '@sparsevit/windows';
import { createRandom, everySparsity, SparseViTError } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import type { Constraint } from '../src/index';
import { createSearch, InfeasibleBudgetError } from '../src/index';
import { budgetOf, largeSpace, madeUp, optionsOf, seeds, smallSpace, swinTSpace } from './problems';

const small = madeUp(smallSpace, 3);

function errorOf(constraints: readonly Constraint[], problem = small): InfeasibleBudgetError {
  try {
    createSearch(optionsOf(problem, 1, { constraints }));
  } catch (error) {
    if (InfeasibleBudgetError.isInstance(error)) return error;
    throw error;
  }
  throw new Error('expected an InfeasibleBudgetError, got none');
}

/** The extremes of a quantity, by looking at everything. */
function extremesOf(of: (at: PrunedRatios) => number): { least: number; greatest: number } {
  const values = [...everySparsity(smallSpace)].map(of);
  return { least: Math.min(...values), greatest: Math.max(...values) };
}

describe('a budget that no sparsity meets', () => {
  const { latencyMs } = small;
  const { least, greatest } = extremesOf(latencyMs);

  test('names the least that can be reached, and where', () => {
    const error = errorOf([{ name: 'latencyMs', of: latencyMs, atMost: least - 0.01 }]);
    expect(error).toBeInstanceOf(SparseViTError);
    expect(error.code).toBe('search');
    expect(error.isExact).toBe(true);
    expect(error.reach).toHaveLength(1);
    expect(error.reach[0]).toMatchObject({ name: 'latencyMs', least: { value: least }, greatest: { value: greatest } });
    expect(latencyMs(error.reach[0]?.least.prunedRatios ?? [])).toBe(least);
    expect(error.nearest.values).toEqual({ latencyMs: least });
    expect(error.nearest.violation).toBeCloseTo(0.01 / (least - 0.01));
    expect(error.message).toContain(
      `of at most ${least - 0.01}, got none: the least is ${least}, at 0.8|0.8,0.8|0.8,0.8,0.8.`,
    );
  });

  test('is met when it is the least itself', () => {
    const search = createSearch(
      optionsOf(small, 1, { constraints: [{ name: 'latencyMs', of: latencyMs, atMost: least }] }),
    );
    expect(search.ask().map(({ prunedRatios }) => prunedRatios)).toEqual([[[0.8], [0.8, 0.8], [0.8, 0.8, 0.8]]]);
  });

  test('a lower bound names the greatest', () => {
    const error = errorOf([{ name: 'latencyMs', of: latencyMs, atLeast: greatest + 1 }]);
    expect(error.message).toContain(`of at least ${greatest + 1}, got none: the greatest is ${greatest}`);
  });

  test('a margin is named', () => {
    const error = errorOf([{ name: 'latencyMs', of: latencyMs, atMost: least, margin: 0.25 }]);
    expect(error.message).toContain(`at most ${least / 1.25} (${least} less a margin of 0.25), got none`);
  });

  test('bounds that can be met one by one, but not together, name the nearest', () => {
    const accuracyLeast = small.accuracy([[0.2], [0, 0], [0, 0, 0]]);
    const error = errorOf(
      [
        { name: 'latencyMs', of: latencyMs, atMost: least + 1 },
        { name: 'accuracy', of: small.accuracy, atLeast: accuracyLeast },
      ].map((constraint) => ({ ...constraint, name: constraint.name === 'accuracy' ? 'score' : constraint.name })),
    );
    expect(error.message).toContain('within the bounds of latencyMs, score, got none: the nearest has latencyMs ');
    expect(error.reach.map(({ name }) => name)).toEqual(['latencyMs', 'score']);
    const violationAt = (at: PrunedRatios): number =>
      Math.max(0, latencyMs(at) / (least + 1) - 1) + Math.max(0, 1 - small.accuracy(at) / accuracyLeast);
    expect(error.nearest.violation).toBeCloseTo(extremesOf(violationAt).least, 10);
  });

  test('a band in a gap: every latency is a whole number', () => {
    const error = errorOf([
      { name: 'steps', of: (at) => at.flat().filter((ratio) => ratio > 0).length, atLeast: 2.2, atMost: 2.8 },
    ]);
    expect(error.nearest.values.steps).toBe(3);
  });

  test.each(seeds(10))('is not found infeasible when one sparsity alone meets it, seed %i', (seed) => {
    const random = createRandom(seed);
    const all = [...everySparsity(smallSpace)];
    const only = JSON.stringify(all[random.integer(0, all.length)]);
    // a needle: nothing leads towards it
    const of = (at: PrunedRatios): number => (JSON.stringify(at) === only ? 1 : 2);
    const search = createSearch(optionsOf(small, 1, { constraints: [{ name: 'needle', of, atMost: 1 }] }));
    expect(search.ask().map(({ prunedRatios }) => JSON.stringify(prunedRatios))).toEqual([only]);
  });

  test('in a space too large to look at all of it, the least that is found is that of a sum', () => {
    const large = madeUp(largeSpace, 2);
    const most = largeSpace.pairsPerStage.map((pairs) => Array.from({ length: pairs }, () => 0.8));
    const error = errorOf([{ name: 'latencyMs', of: large.latencyMs, atMost: 1 }], large);
    expect(error.isExact).toBe(false);
    expect(error.reach[0]?.least).toEqual({ value: large.latencyMs(most), prunedRatios: most });
    expect(error.message).toContain('the least that was found is ');
  });

  test('takes one look at the space, not one per candidate', () => {
    const problem = madeUp(swinTSpace, 1);
    let calls = 0;
    const of = (at: PrunedRatios): number => {
      calls++;
      return problem.latencyMs(at);
    };
    expect(() => createSearch(optionsOf(problem, 1, { constraints: [{ name: 'ms', of, atMost: 1 }] }))).toThrow(
      InfeasibleBudgetError,
    );
    expect(calls).toBeLessThan(1.1 * 120_285);
    calls = 0;
    createSearch(optionsOf(problem, 1, { constraints: [{ name: 'ms', of, atMost: budgetOf(problem, 0.5) }] }));
    expect(calls).toBeLessThan(500);
  });
});
