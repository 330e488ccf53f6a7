import type { PrunedRatios } from '@sparsevit/windows';
import { createRandom, drawUniformly, sparsitySpaceSize } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import { fullProtocol } from '../src/protocol';
import { worstMedian } from '../src/report';
import { createSensitivityModel, truthOf } from '../src/sensitivity';

describe.each(fullProtocol.models)('model %i', (seed) => {
  const model = createSensitivityModel(seed);
  const { choices } = model.space;

  /** The model along one gene, the others as drawn; stages of one pair, so that any order is legal. */
  const along = (of: (at: PrunedRatios) => number, base: PrunedRatios, stage: number): number[] =>
    choices.map((choice) => of(base.map((ratios, i) => (i === stage ? ratios.map(() => choice) : ratios))));

  test('is what it is said to be: accuracy falls, ever faster, and latency falls but for what pruning costs at first', () => {
    expect(sparsitySpaceSize(model.space)).toBe(120_285);
    const random = createRandom(seed);
    for (let i = 0; i < 20; i++) {
      const base = drawUniformly(model.space, random);
      for (const stage of [0, 1, 3]) {
        const accuracies = along(model.accuracy, base, stage);
        const drops = accuracies.slice(1).map((accuracy, level) => (accuracies[level] ?? 0) - accuracy);
        for (const [level, drop] of drops.entries()) {
          expect(drop).toBeGreaterThan(0);
          expect(drop).toBeGreaterThan(drops[level - 1] ?? 0);
        }
      }
      for (let stage = 0; stage < 4; stage++) {
        const latencies = along(model.latencyMs, base, stage).slice(1);
        expect(latencies).toEqual([...latencies].sort((a, b) => b - a));
      }
    }
    expect(model.accuracy([[0], [0], [0, 0, 0], [0]])).toBe(42.6);
  });

  test('the truth is that of the front', () => {
    const truth = truthOf(model);
    expect(truth.best(truth.denseMs)).toBe(42.6);
    expect(truth.best(truth.leastMs - 1e-9)).toBeNaN();
    const [latencies, accuracies] = [0, 1].map((axis) => truth.front.map((point) => point[axis] ?? 0));
    for (const values of [latencies, accuracies]) expect(values).toEqual([...(values ?? [])].sort((a, b) => a - b));
    const random = createRandom(seed);
    for (let i = 0; i < 500; i++) {
      const at = drawUniformly(model.space, random);
      expect(model.accuracy(at)).toBeLessThanOrEqual(truth.best(model.latencyMs(at)));
      expect(model.accuracy(at)).toBeGreaterThanOrEqual(truth.leastAccuracy);
    }
  });
});

test('the rough model differs by a normal deviation that belongs to the sparsity', () => {
  const smooth = createSensitivityModel(1);
  const rough = createSensitivityModel(1, { roughness: 0.05 });
  const random = createRandom(0);
  const differences = Array.from({ length: 3000 }, () => {
    const at = drawUniformly(smooth.space, random);
    expect(rough.accuracy(at)).toBe(rough.accuracy(at));
    return rough.accuracy(at) - smooth.accuracy(at);
  });
  const mean = differences.reduce((sum, one) => sum + one, 0) / differences.length;
  const deviation = Math.sqrt(differences.reduce((sum, one) => sum + (one - mean) ** 2, 0) / differences.length);
  expect(Math.abs(mean)).toBeLessThan(0.004);
  expect(deviation).toBeCloseTo(0.05, 2);
});

test('the worst of the medians', () => {
  const reached = [1, 2, 3, 7, 8, 9].map((value, i) => ({
    model: i < 3 ? 1 : 2,
    preset: 'assisted',
    seed: i % 3,
    values: [value],
  }));
  expect(worstMedian(reached, 'assisted', 0, 'most')).toBe(8);
  expect(worstMedian(reached, 'assisted', 0, 'least')).toBe(2);
});
