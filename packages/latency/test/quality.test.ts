import type { PrunedRatios } from '@sparsevit/windows';
import { ConfigError, createRandom } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import type { LatencyRow, Prediction } from '../src/index';
import { errorReport, kendall, noiseFloorOf, qualityReport, rowsAtSpeedOf, spearman } from '../src/index';
import { budgetQuality } from '../src/quality/budgets';
import { median } from '../src/statistics';

describe('rank correlations', () => {
  // scipy 1.17.1: scipy.stats.spearmanr(x, y).statistic, scipy.stats.kendalltau(x, y).statistic (tau-b)
  test.each([
    [
      [12, 15, 15, 9, 20, 31, 7, 15, 22, 9],
      [10, 14, 18, 9, 20, 28, 9, 11, 20, 12],
      0.9133520897645666,
      0.8335696394016967,
    ],
    [[1, 2, 2, 3, 3, 3, 4], [2, 1, 1, 3, 2, 4, 4], 0.75013872191, 0.6288281455225324],
  ])('as scipy has them, with ties: %j %j', (x, y, rho, tau) => {
    expect(spearman(x, y)).toBeCloseTo(rho, 10);
    expect(kendall(x, y)).toBeCloseTo(tau, 10);
  });

  test('the same order is 1, the opposite one -1, none 0', () => {
    for (const correlation of [spearman, kendall]) {
      expect(correlation([1, 2, 3], [10, 20, 90])).toBeCloseTo(1, 12);
      expect(correlation([1, 2, 3], [3, 2, 1])).toBeCloseTo(-1, 12);
      expect(correlation([1, 2, 3], [5, 5, 5])).toBe(0);
      expect(correlation([], [])).toBe(0);
    }
  });

  test.each([1, 2, 3, 4, 5, 6])('Kendall counts pairs: seed %d', (seed) => {
    const random = createRandom(seed);
    const [x, y] = [0, 1].map(() => Array.from({ length: 40 }, () => random.integer(0, 12)));
    let [balance, untiedX, untiedY] = [0, 0, 0];
    for (let i = 0; i < 40; i++) {
      for (let j = 0; j < i; j++) {
        const dx = Math.sign((x?.[i] ?? 0) - (x?.[j] ?? 0));
        const dy = Math.sign((y?.[i] ?? 0) - (y?.[j] ?? 0));
        balance += dx * dy;
        untiedX += Math.abs(dx);
        untiedY += Math.abs(dy);
      }
    }
    expect(kendall(x ?? [], y ?? [])).toBeCloseTo(balance / Math.sqrt(untiedX * untiedY), 12);
  });

  test('lists of two lengths, or without numbers, are refused', () => {
    expect(() => spearman([1, 2], [1])).toThrow(/one length, got 2, 1/);
    expect(() => kendall([1, Number.NaN], [1, 2])).toThrow(/finite numbers, got NaN at 1/);
  });
});

describe('errors', () => {
  test('of four rows, by hand', () => {
    // y - p: -1, 2, 0, -5; (p - y) / y: 0.1, -0.1, 0, 0.05
    const report = errorReport([10, 20, 40, 100], [11, 18, 40, 105]);
    expect(report.rows).toBe(4);
    expect(report.rmseMs).toBeCloseTo(Math.sqrt(30 / 4), 12);
    expect(report.rmspePercent).toBeCloseTo(100 * Math.sqrt(0.0225 / 4), 10);
    expect(report.mapePercent).toBeCloseTo(6.25, 10);
    expect(report.within5Percent).toBe(50);
    expect(report.within10Percent).toBe(100);
    expect(report.spearman).toBe(1);
    expect(report.biasPercent).toBeCloseTo(1.25, 10);
    expect(report.largestErrorPercent).toBeCloseTo(10, 10);
  });

  test.each([
    [[], []],
    [[1, 2], [1]],
    [
      [0, 1],
      [1, 1],
    ],
    [
      [1, 1],
      [1, -1],
    ],
    [
      [1, Number.NaN],
      [1, 1],
    ],
  ])('%j and %j are refused', (measured, predicted) => {
    expect(() => errorReport(measured, predicted)).toThrow(ConfigError);
  });
});

describe('budgets', () => {
  // five rows; a search at 100 ms sees rows 0 to 3, of which 1, 2 and 3 are predicted within 5 % below it
  const rows = {
    measuredMs: [80, 99, 104, 101, 98],
    predictedMs: [82, 96, 97, 99, 103],
    utility: [1, 2, 4, 3, 5],
  };

  test('precision is the share of what is predicted near a budget that keeps it', () => {
    const { predictedFeasible, precisionPercent } = budgetQuality(rows, 100);
    expect(predictedFeasible).toBe(3);
    expect(precisionPercent).toBeCloseTo(100 / 3, 10);
  });

  test('the winner promises more than it keeps; measuring the best three finds the second', () => {
    expect(budgetQuality(rows, 100, 3).winner).toEqual({
      row: 2,
      predictedMs: 97,
      measuredMs: 104,
      overshootPercent: expect.closeTo(4, 10),
      measuredBest: 1,
      regret: 2, // utility 4 was promised, 2 is kept
      missed: 3, // row 4 has 5 and measures 98, but is predicted too slow
    });
  });

  test('with too few measured again nothing is found', () => {
    expect(budgetQuality(rows, 100, 2).winner).toMatchObject({
      row: 2,
      measuredBest: null,
      regret: null,
      missed: null,
    });
  });

  test('a budget below everything has no winner', () => {
    expect(budgetQuality(rows, 50)).toEqual({
      budgetMs: 50,
      predictedFeasible: 0,
      precisionPercent: null,
      winner: null,
    });
  });

  test.each([
    [0, 10],
    [Number.NaN, 10],
    [100, 0],
  ])('budget %d with the best %d is refused', (budget, topK) => {
    expect(() => budgetQuality(rows, budget, topK)).toThrow(ConfigError);
  });
});

describe('the noise of rows', () => {
  const prunedRatios: PrunedRatios = [[0]];
  const rowsOf = (visits: number, noise: number, outlierShare: number): { rows: LatencyRow[]; truth: number[] } => {
    const random = createRandom(visits);
    const truth = Array.from({ length: 400 }, () => 10 + 90 * random.uniform());
    const rows = truth.map((ms) => {
      const visitMs = Array.from(
        { length: visits },
        () => ms * Math.exp(noise * random.normal()) * (random.uniform() < outlierShare ? 2 : 1),
      );
      return { prunedRatios, ms: median(visitMs), visitMs };
    });
    return { rows, truth };
  };

  test.each([2, 3, 5, 8])('of %d visits is what a perfect predictor errs', (visits) => {
    const { rows, truth } = rowsOf(visits, 0.03, 0);
    const floor = noiseFloorOf(rows);
    const { rmspePercent } = errorReport(
      rows.map(({ ms }) => ms),
      truth,
    );
    expect(floor?.rows).toBe(400);
    expect(Math.abs((floor?.visitPercent ?? 0) / 3 - 1)).toBeLessThan(0.1);
    expect(Math.abs((floor?.rowPercent ?? 0) / rmspePercent - 1)).toBeLessThan(0.12);
  });

  test('does not follow outliers', () => {
    expect(noiseFloorOf(rowsOf(5, 0.03, 0.1).rows)?.visitPercent).toBeLessThan(4);
  });

  test('is unknown where nothing was visited twice', () => {
    expect(
      noiseFloorOf([
        { prunedRatios, ms: 3 },
        { prunedRatios, ms: 4, visitMs: [4] },
      ]),
    ).toBeNull();
  });
});

describe('the report', () => {
  const prunedRatios: PrunedRatios = [[0]];
  const rows: LatencyRow[] = [10, 20, 40].map((ms) => ({ prunedRatios, ms, visitMs: [0.98 * ms, ms, 1.02 * ms] }));
  const predictions: Prediction[] = [
    { ms: 10.5, lo: 9.9, hi: 11, extrapolating: false },
    { ms: 21, lo: 20.5, hi: 22, extrapolating: false },
    { ms: 40, lo: 38, hi: 45, extrapolating: true },
  ];

  test('has errors, coverage, extrapolations, noise and budgets', () => {
    const report = qualityReport(rows, predictions, { budgetsMs: [21, 40], utility: [1, 2, 3] });
    expect(report.rmspePercent).toBeCloseTo(100 * Math.sqrt(0.005 / 3), 10);
    expect(report.coveragePercent).toBeCloseTo(200 / 3, 10);
    expect(report.extrapolating).toBe(1);
    expect(report.noiseFloor?.rows).toBe(3);
    expect(report.rmspePerNoise).toBeCloseTo(report.rmspePercent / (report.noiseFloor?.rowPercent ?? 0), 10);
    expect(report.budgets.map(({ precisionPercent, winner }) => [precisionPercent, winner?.row])).toEqual([
      [100, 1],
      [100, 2],
    ]);
  });

  test('without intervals and visits says so', () => {
    const report = qualityReport(
      rows.map(({ ms }) => ({ prunedRatios, ms })),
      [10, 20, 40],
    );
    expect(report).toMatchObject({ coveragePercent: null, noiseFloor: null, rmspePerNoise: null, extrapolating: 0 });
  });

  test('of rows that are none is refused', () => {
    expect(() => qualityReport([{ prunedRatios, ms: -1 }], [1])).toThrow(/milliseconds above 0 in row 0, got -1/);
    expect(() => qualityReport(rows, [1, 2])).toThrow(/as many predictions as measurements/);
    expect(() => qualityReport(rows, predictions, { utility: [1] })).toThrow(/one utility per row \(3\), got 1/);
  });
});

describe('rowsAtSpeedOf', () => {
  const dense = [[0], [0]];
  const table = {
    rows: [
      { prunedRatios: dense, ms: 12, visitMs: [11, 12, 13] },
      { prunedRatios: [[0.5], [0]], ms: 6 },
    ],
    sentinel: { prunedRatios: dense, ms: 12 },
  };

  test('divides by how much slower the sentinel was', () => {
    const { slowdown, rows } = rowsAtSpeedOf(table, { sentinel: { prunedRatios: dense, ms: 8 } }) ?? { rows: [] };
    expect(slowdown).toBe(1.5);
    expect(rows.map(({ ms }) => ms)).toEqual([8, 4]);
    expect(rows.map(({ visitMs }) => visitMs?.[1])).toEqual([8, undefined]);
  });

  test.each([
    ['no time of the reference', { prunedRatios: dense, ms: null }],
    ['another sentinel', { prunedRatios: [[0.5], [0]], ms: 8 }],
  ])('null for %s', (_, sentinel) => {
    expect(rowsAtSpeedOf(table, { sentinel })).toBeNull();
    expect(rowsAtSpeedOf({ ...table, sentinel }, { sentinel: table.sentinel })).toBeNull();
  });
});
