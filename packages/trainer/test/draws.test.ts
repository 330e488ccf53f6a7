import { ConfigError, checkSparsity, sparsityModes } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import {
  constantSchedule,
  cosineSchedule,
  createSampler,
  decaysByRecipe,
  decaysMatrices,
  drawDropPath,
  expectedSparsity,
  layerDecay,
  learningRateOf,
  polynomialSchedule,
  stepSchedule,
  trainConfigOf,
  warmUpOver,
  warmUpThen,
} from '../src/index';

const architecture = {
  patchSize: 4,
  embedDim: 96,
  depths: [2, 2, 6, 2],
  heads: [3, 6, 12, 24],
  window: 7,
  mlpRatio: 4,
};
const rules = sparsityModes.clean;

describe('schedules', () => {
  test('follow their formulas', () => {
    expect(constantSchedule(1e-5)(1e6)).toBe(1e-5);
    const cosine = cosineSchedule({ base: 1, end: 0.2, steps: 4 });
    expect([0, 1, 2, 3, 4, 99].map(cosine)).toEqual([
      1,
      0.2 + 0.4 * (1 + Math.SQRT1_2),
      0.2 + 0.4 * (1 + Math.cos(Math.PI / 2)),
      0.2 + 0.4 * (1 + Math.cos((Math.PI * 3) / 4)),
      0.2,
      0.2,
    ]);
    expect([0, 7, 8, 10, 11].map(stepSchedule({ base: 8, at: [8, 11], factor: 0.5 }))).toEqual([8, 8, 4, 4, 2]);
    expect([0, 5, 10, 20].map(polynomialSchedule({ base: 4, end: 2, steps: 10, power: 2 }))).toEqual([4, 2.5, 2, 2]);
    expect([0, 1, 2, 3, 4].map(warmUpThen(2, 6, (step) => 10 + step))).toEqual([3, 6, 10, 11, 12]);
  });

  test('the published warm-up rises on top of the schedule', () => {
    const rate = warmUpOver(1000, 0.001, stepSchedule({ base: 1e-5, at: [2000] }));
    expect(rate(0)).toBeCloseTo(1e-8, 15);
    expect(rate(500)).toBeCloseTo(1e-5 * (1 - 0.5 * 0.999), 15);
    expect([rate(1000), rate(1999)]).toEqual([1e-5, 1e-5]);
    expect(rate(2000)).toBeCloseTo(1e-6, 15);
  });

  test.each([
    () => constantSchedule(-1),
    () => constantSchedule(Number.NaN),
    () => cosineSchedule({ base: 1, steps: 1.5 }),
    () => stepSchedule({ base: 1, at: [-1] }),
    () => stepSchedule({ base: 1, at: [1], factor: 0 }),
    () => polynomialSchedule({ base: 1, steps: 4, power: 0 }),
    () => warmUpOver(10, 2, constantSchedule(1)),
  ])('what cannot be is refused: %#', (make) => expect(make).toThrow(ConfigError));
});

describe('the sampler', () => {
  test('draws what the published code draws: sorted, independent and uniform over the choices, pairs alike', () => {
    const sample = createSampler(architecture, { seed: 3, rules });
    const counts = new Map<string, number>();
    const draws = 9000;
    for (let step = 0; step < draws; step++) {
      const [sparsity, ...others] = sample(step);
      expect(others).toHaveLength(0);
      const ratios = sparsity?.prunedRatios ?? [];
      expect(ratios.map((stage) => stage.length)).toEqual([1, 1, 3, 1]);
      for (const stage of [0, 1, 3]) {
        const key = `${stage} ${ratios[stage]?.[0]}`;
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
      const third = ratios[2] ?? [];
      expect(third).toEqual(third.toSorted((a, b) => a - b));
      for (const [pair, ratio] of third.entries()) {
        const key = `2.${pair} ${ratio}`;
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    }
    // a share p of n draws has a deviation of sqrt(p (1 - p) / n)
    const expectShare = (key: string, share: number): void => {
      const deviation = Math.sqrt((share * (1 - share)) / draws);
      expect(Math.abs((counts.get(key) ?? 0) / draws - share), key).toBeLessThan(5 * deviation);
    };
    for (let n = 0; n <= 8; n++) {
      for (const stage of [0, 1, 3]) expectShare(`${stage} ${n / 10}`, 1 / 9);
      // order statistics of three uniform draws: the least is n when all are at least n, but not all above it
      expectShare(`2.0 ${n / 10}`, ((9 - n) / 9) ** 3 - ((8 - n) / 9) ** 3);
      expectShare(`2.2 ${n / 10}`, ((n + 1) / 9) ** 3 - (n / 9) ** 3);
    }
  });

  test('depends on seed and step alone', () => {
    const [a, b, other] = [4, 4, 5].map((seed) => createSampler(architecture, { seed, rules }));
    const draw = (sample: typeof a, from: number): unknown[] =>
      Array.from({ length: 20 }, (_, i) => sample?.(from + i)[0]?.prunedRatios);
    draw(a, 0);
    expect(draw(a, 50)).toEqual(draw(b, 50));
    expect(draw(a, 50)).not.toEqual(draw(other, 50));
    expect(draw(a, 50)).not.toEqual(draw(a, 51));
  });

  test('the other kinds', () => {
    const sandwich = createSampler(architecture, { kind: 'sandwich', seed: 1, rules })(7);
    expect(sandwich.map(({ prunedRatios }) => prunedRatios[2]?.[0])).toEqual([0, 0.8, expect.any(Number)]);
    const [uniform] = createSampler(architecture, { kind: 'uniform', seed: 1, rules, choices: [0.3] })(7);
    expect(uniform?.prunedRatios).toEqual([[0.3], [0.3], [0.3, 0.3, 0.3], [0.3]]);
    for (const sparsity of sandwich) checkSparsity(architecture, sparsity);
    expect(() => createSampler(architecture, { seed: 1, rules, choices: [] })).toThrow(/at least one choice/);
    expect(() => createSampler(architecture, { seed: 1, rules, choices: [0.99] })).toThrow(ConfigError);
  });
});

describe('drop path', () => {
  test('rises from block to block, keeps the mean, and depends on seed and step alone', () => {
    const options = { rate: 0.4, batch: 4000, seed: 2, step: 9 };
    const factors = drawDropPath(architecture, options) ?? [];
    expect(factors.map((stage) => stage.length)).toEqual(architecture.depths);
    for (const [index, { attention, mlp }] of factors.flat().entries()) {
      const probability = (0.4 * index) / 11;
      for (const values of [attention, mlp]) {
        expect(new Set(values).size).toBeLessThanOrEqual(2);
        const dropped = values.filter((value) => value === 0).length / values.length;
        expect(Math.abs(dropped - probability)).toBeLessThan(5 * Math.sqrt(0.25 / values.length));
        expect(Math.max(...values)).toBeCloseTo(1 / (1 - probability), 6);
      }
    }
    expect(drawDropPath(architecture, options)).toEqual(factors);
    expect(drawDropPath(architecture, { ...options, step: 10 })).not.toEqual(factors);
    expect(drawDropPath(architecture, { ...options, rate: 0 })).toBeUndefined();
    expect(() => drawDropPath(architecture, { ...options, rate: 1 })).toThrow(ConfigError);
  });
});

describe('groups of parameters', () => {
  test('decay', () => {
    const keys = [
      'patchEmbed.projection.bias',
      'stages.0.blocks.0.norm1.weight',
      'stages.0.blocks.0.biasTable',
      'x.weight',
    ];
    expect(keys.map(decaysByRecipe)).toEqual([true, false, false, true]);
    expect(keys.map(decaysMatrices)).toEqual([false, false, false, true]);
  });

  test('layer-wise rates', () => {
    const scaleOf = layerDecay(architecture, 0.5);
    expect(scaleOf('backbone.stages.3.blocks.1.qkv.weight')).toBe(1);
    expect(scaleOf('backbone.stages.3.blocks.0.qkv.weight')).toBe(0.5);
    expect(scaleOf('backbone.stages.2.merging.reduction.weight')).toBe(0.25);
    expect(scaleOf('backbone.stages.2.blocks.5.qkv.weight')).toBe(0.25);
    expect(scaleOf('backbone.stages.0.blocks.0.qkv.weight')).toBe(0.5 ** 11);
    expect(scaleOf('backbone.patchEmbed.projection.weight')).toBe(0.5 ** 12);
    expect(scaleOf('head.classifier.weight')).toBe(1);
    expect(() => layerDecay(architecture, 0)).toThrow(ConfigError);
  });
});

describe('a run as plain data', () => {
  const base = { mode: 'dense', steps: 120, seed: 1, optimizer: { learningRate: 1e-4 } } as const;

  test('the published schedule: rise over 10 steps from a thousandth, falls at two thirds and eleven twelfths', () => {
    const rate = learningRateOf(base.optimizer, { kind: 'step', warmUpSteps: 10, warmUpRatio: 0.001 }, 120);
    expect(rate(0)).toBeCloseTo(1e-7, 15);
    expect([10, 79, 80, 109, 110].map((step) => rate(step) / 1e-4)).toEqual(
      [1, 1, 0.1, 0.1, 0.01].map((share) => expect.closeTo(share, 10)),
    );
    const cosine = learningRateOf(base.optimizer, { kind: 'cosine', warmUpSteps: 20, end: 1e-6 }, 120);
    expect(cosine(19)).toBe(1e-4);
    expect(cosine(20)).toBe(1e-4);
    expect(cosine(120)).toBe(1e-6);
    expect(learningRateOf(base.optimizer, { kind: 'polynomial' }, 100)(50)).toBeCloseTo(5e-5, 12);
    expect(() => learningRateOf(base.optimizer, { kind: 'linear' as never }, 1)).toThrow(/constant, cosine/);
  });

  test('modes decide on the sparsities of a step', () => {
    const of = (changes: object) => trainConfigOf({ ...base, ...changes }, architecture, '{}');
    expect(of({}).sparsitiesOf(3)).toEqual([null]);
    expect(of({ mode: 'adapt' }).sparsitiesOf(3)).toEqual(createSampler(architecture, { seed: 1, rules })(3));
    expect(of({ mode: 'adapt', sampler: { kind: 'sandwich' } }).sparsitiesOf(3)).toHaveLength(3);
    const sparsity = expectedSparsity(architecture, rules);
    expect(of({ mode: 'finetune', sparsity }).sparsitiesOf(3)).toEqual([sparsity]);
    expect(() => of({ mode: 'finetune' })).toThrow(/expected the sparsity to train at/);
    expect(() => of({ mode: 'prune' })).toThrow(/dense, adapt or finetune, got prune/);
    expect(() => of({ optimizer: { learningRate: 1, rateScales: { 'head.': -1 } } })).toThrow(/rate scale of head\./);
    expect(of({ saveEvery: 5 }).identity).toBe(of({ saveEvery: 9 }).identity);
    expect(of({ seed: 2 }).identity).not.toBe(of({}).identity);
  });

  test('the mean of the sampler', () => {
    const { prunedRatios } = expectedSparsity(architecture, rules);
    const sample = createSampler(architecture, { seed: 8, rules });
    const draws = 4000;
    const sums = [0, 0, 0, 0, 0, 0];
    for (let step = 0; step < draws; step++) {
      for (const [i, ratio] of (sample(step)[0]?.prunedRatios.flat() ?? []).entries()) sums[i] = (sums[i] ?? 0) + ratio;
    }
    for (const [i, mean] of prunedRatios.flat().entries()) {
      expect(Math.abs((sums[i] ?? 0) / draws - mean)).toBeLessThan((5 * 0.26) / Math.sqrt(draws));
    }
  });
});
