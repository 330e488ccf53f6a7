import { swinPreset } from '@sparsevit/config/presets';
import type { PrunedRatios } from '@sparsevit/windows';
import { ConfigError, checkInSpace, createSparsitySpace, publishedChoices } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import { createSamplingPlan, fitPredictor, nextSamples } from '../src/index';
import { createSimulatedDevice } from './simulated-device';
import { simulateRun } from './simulated-run';

const swinT = swinPreset('swin-t');
const subject = { architecture: swinT, height: 672, width: 672 };
const space = createSparsitySpace(swinT);
const names = (sparsities: readonly PrunedRatios[]): string[] => sparsities.map((one) => JSON.stringify(one));

describe('a plan', () => {
  test.each([
    [swinT, 1, 100, 30],
    [swinT, 2, 40, 10],
    [swinPreset('swin-nano'), 3, 60, 20],
    [swinPreset('swin-s'), 4, 100, 30],
  ])('has what was asked for, each once: case %#', (architecture, seed, fit, holdOut) => {
    const own = createSparsitySpace(architecture);
    const plan = createSamplingPlan(own, { seed, fit, holdOut });
    expect([plan.fit.length, plan.holdOut.length]).toEqual([fit, holdOut]);
    expect(new Set(names([...plan.fit, ...plan.holdOut])).size).toBe(fit + holdOut);
    for (const one of [...plan.fit, ...plan.holdOut]) checkInSpace(own, one);
  });

  test('begins with dense and the most pruned, then corners', () => {
    const { fit } = createSamplingPlan(space, { seed: 1 });
    expect(fit.slice(0, 3)).toEqual([
      [[0], [0], [0, 0, 0], [0]],
      [[0.8], [0.8], [0.8, 0.8, 0.8], [0.8]],
      [[0.8], [0], [0, 0, 0], [0]],
    ]);
  });

  test.each([1, 2, 3, 4, 5])('has every level of every pair: seed %d', (seed) => {
    const { fit } = createSamplingPlan(space, { seed });
    space.pairsPerStage.forEach((pairs, stage) => {
      for (let pair = 0; pair < pairs; pair++) {
        expect([...new Set(fit.map((one) => one[stage]?.[pair] ?? -1))].sort()).toEqual(publishedChoices);
      }
    });
  });

  test('is the same for the same seed, and the hold-out does not hang on how much is fitted', () => {
    const plan = createSamplingPlan(space, { seed: 5 });
    expect(createSamplingPlan(space, { seed: 5 })).toEqual(plan);
    expect(createSamplingPlan(space, { seed: 6 })).not.toEqual(plan);
    expect(createSamplingPlan(space, { seed: 5, fit: 300 }).holdOut).toEqual(plan.holdOut);
  });

  test.each([
    [{ seed: 1, fit: 5 }, /fit to be an integer of at least 10, got 5/],
    [{ seed: 1, holdOut: -1 }, /holdOut to be an integer of at least 0/],
    [{ seed: 1, fit: 1e6 }, /at most 60142 sparsities from a space of 120285, got 1000030/],
  ])('%j is refused', (options, message) => {
    expect(() => createSamplingPlan(space, options)).toThrow(message);
  });
});

describe('the next samples', () => {
  const device = createSimulatedDevice(subject);
  const plan = createSamplingPlan(space, { seed: 1, fit: 80 });
  const rows = simulateRun(device, plan.fit, { seed: 2 });
  const predictor = fitPredictor(subject, rows, { kind: 'table' });
  const [dense, least] = [predictor.predictPlace(0), predictor.predictPlace(120_284)];
  const budgetsMs = [0.4 * dense + 0.6 * least, 0.7 * dense + 0.3 * least];

  test('are new, none of the hold-out among them, and the same for the same seed', () => {
    let known = rows;
    const seen = new Set(names([...plan.fit, ...plan.holdOut]));
    for (const seed of [1, 2, 3]) {
      const next = nextSamples(plan, { predictor, rows: known, budgetsMs, seed });
      expect(next).toHaveLength(20);
      expect(nextSamples(plan, { predictor, rows: known, budgetsMs, seed })).toEqual(next);
      for (const one of next) {
        checkInSpace(space, one);
        expect(seen.has(JSON.stringify(one))).toBe(false);
        seen.add(JSON.stringify(one));
      }
      known = [...known, ...simulateRun(device, next, { seed })];
    }
  });

  test('are half of them at the budgets, by turns', () => {
    const next = nextSamples(plan, { predictor, rows, budgetsMs, seed: 4 });
    budgetsMs.forEach((budget, i) => {
      const near = next.slice(0, 10).filter((one) => Math.abs(predictor.predictMs(one) / budget - 1) <= 0.03);
      expect(near.length).toBeGreaterThanOrEqual(i === 0 ? 5 : 5);
    });
  });

  test('stand one step beside the worst row', () => {
    const worst: PrunedRatios = [[0.3], [0.3], [0.3, 0.3, 0.3], [0.3]];
    const spoilt = [...rows, { prunedRatios: worst, ms: 3 * device(worst) }];
    const next = nextSamples(plan, { predictor, rows: spoilt, budgetsMs, seed: 5 });
    const steps = next.map((one) => one.flat().filter((ratio, i) => ratio !== worst.flat()[i]).length);
    expect(steps).toContain(1);
  });

  test('go where intervals are widest', () => {
    const width = (one: PrunedRatios): number => {
      const { ms, lo, hi } = predictor.predict(one);
      return (hi - lo) / ms;
    };
    const next = nextSamples(plan, { predictor, rows, budgetsMs, seed: 6 });
    const mean = (of: readonly PrunedRatios[]): number => of.reduce((sum, one) => sum + width(one), 0) / of.length;
    expect(mean(next.slice(-5))).toBeGreaterThan(mean(createSamplingPlan(space, { seed: 9 }).holdOut));
  });

  test('of the hold-out, or without sense, are refused', () => {
    const held = simulateRun(device, plan.holdOut.slice(0, 1), { seed: 1 });
    expect(() => nextSamples(plan, { predictor, rows: [...rows, ...held], seed: 1 })).toThrow(
      /outside of the hold-out, got row 80/,
    );
    expect(() => nextSamples(plan, { predictor, rows, count: 0, seed: 1 })).toThrow(ConfigError);
    expect(() => nextSamples(plan, { predictor, rows, budgetsMs: [-1], seed: 1 })).toThrow(/budgets above 0 ms/);
  });

  test('for a budget out of reach are the nearest there are', () => {
    const next = nextSamples(plan, { predictor, rows, budgetsMs: [0.01 * least], seed: 1, count: 8 });
    expect(next).toHaveLength(8);
    expect(Math.max(...next.slice(0, 4).map(predictor.predictMs))).toBeLessThan(least + 0.3 * (dense - least));
  });
});
