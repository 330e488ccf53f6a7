import type { Random } from '@sparsevit/windows';
import { ConfigError, createRandom } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import type { AdditiveDocument, BoostedDocument, LinearDocument, RegressorOptions } from '../src/index';
import { errorReport, fitRegressor, regressorFromJSON } from '../src/index';

const kinds: readonly RegressorOptions[] = [
  { kind: 'linear' },
  { kind: 'linear', nonNegative: true },
  { kind: 'additive' },
  { kind: 'additive', directions: 'rising' },
  { kind: 'boosted', trees: 60 },
];
const rowsOf = (count: number, random: Random): number[][] =>
  Array.from({ length: count }, () => [random.integer(0, 6), random.uniform() * 4, random.integer(0, 2)]);
const line = ([a = 0, b = 0, c = 0]: readonly number[]): number => 10 + 3 * a + 2 * b + 5 * c;
const linear = (regressor: { toJSON(): { model: unknown } }) => regressor.toJSON().model as LinearDocument;

describe('a line', () => {
  test.each(kinds)('is found exactly: %j', (options) => {
    const features = rowsOf(80, createRandom(1));
    const regressor = fitRegressor(features, features.map(line), options);
    const unseen = rowsOf(50, createRandom(2)).filter((row) => (row[1] ?? 0) < 3.9);
    const { largestErrorPercent } = errorReport(unseen.map(line), unseen.map(regressor.predictMs));
    expect(largestErrorPercent).toBeLessThan(0.01);
  });

  test('coefficients are those of the line', () => {
    const features = rowsOf(60, createRandom(3));
    const { coefficients, intercept } = linear(fitRegressor(features, features.map(line), { kind: 'linear' }));
    expect(intercept).toBeCloseTo(10, 4);
    [3, 2, 5].forEach((value, i) => {
      expect(coefficients[i]).toBeCloseTo(value, 4);
    });
  });

  test('a tenth of rows taking twice as long moves it by less than 1 %, and much more without Huber', () => {
    const random = createRandom(4);
    const features = rowsOf(300, random);
    const ms = features.map((row) => line(row) * Math.exp(0.02 * random.normal()) * (random.uniform() < 0.1 ? 2 : 1));
    const errorOf = (loss: 'huber' | 'squared'): number =>
      errorReport(features.map(line), features.map(fitRegressor(features, ms, { kind: 'linear', loss }).predictMs))
        .mapePercent;
    expect(errorOf('huber')).toBeLessThan(1);
    expect(errorOf('squared')).toBeGreaterThan(3);
  });

  test('errors count relative to the time: fast rows are fitted as well as slow ones', () => {
    const random = createRandom(5);
    const features = Array.from({ length: 400 }, (_, i) => [
      i % 20 === 0 ? 1000 * (1 + random.uniform()) : random.uniform(),
    ]);
    // a bend that a line cannot follow: it has to choose whom to please
    const ms = features.map(([x = 0]) => 1 + x + (x > 1 ? 0.2 * x : 0));
    const regressor = fitRegressor(features, ms, { kind: 'linear', loss: 'squared' });
    const fast = features.map((_, i) => i).filter((i) => (features[i]?.[0] ?? 0) < 1);
    const { mapePercent } = errorReport(
      fast.map((i) => ms[i] ?? 1),
      fast.map((i) => regressor.predictMs(features[i] ?? [])),
    );
    expect(mapePercent).toBeLessThan(2);
  });

  test('prices that are not negative stay so where a free line has some', () => {
    const random = createRandom(6);
    const features = rowsOf(100, random);
    const ms = features.map(([a = 0, b = 0]) => 20 - 2 * a + 3 * b);
    const free = linear(fitRegressor(features, ms, { kind: 'linear' }));
    const bounded = linear(fitRegressor(features, ms, { kind: 'linear', nonNegative: true }));
    expect(free.coefficients[0]).toBeLessThan(-1);
    expect(Math.min(bounded.intercept, ...bounded.coefficients)).toBe(0);
  });

  test('never predicts less than a twentieth of the fastest row', () => {
    const features = Array.from({ length: 20 }, (_, i) => [i]);
    const regressor = fitRegressor(
      features,
      features.map(([x = 0]) => 100 - 4 * x),
      { kind: 'linear' },
    );
    expect(regressor.predict([1000])).toMatchObject({ ms: 0.05 * 24, extrapolating: true });
  });
});

describe('tables', () => {
  const tables = (regressor: { toJSON(): { model: unknown } }) => (regressor.toJSON().model as AdditiveDocument).tables;

  test('one rising table without smoothing is isotonic regression', () => {
    // scipy 1.17.1: scipy.optimize.isotonic_regression(v + 100).x; the weights 1 / p^2 differ by less than 2 % here
    const values = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5].map((value) => value + 100);
    const expected = [2, 2, 2.5, 2.5, 5, 5, 5, 5, 5, 5, 5].map((value) => value + 100);
    const features = values.map((_, i) => [i]);
    const options = { kind: 'additive', directions: 'rising', smoothing: [0], loss: 'squared' } as const;
    const regressor = fitRegressor(features, values, { ...options, folds: 2 });
    expected.forEach((value, i) => {
      expect(Math.abs(regressor.predictMs([i]) - value)).toBeLessThan(0.05);
    });
  });

  test.each([1, 2, 3])('rise and fall as they are told to: seed %d', (seed) => {
    const random = createRandom(seed);
    const features = rowsOf(120, random);
    const ms = features.map(([a = 0, b = 0]) => (30 + 2 * a - 3 * b) * Math.exp(0.2 * random.normal()));
    const options = { kind: 'additive', directions: ['rising', 'falling', 'free'] } as const;
    const [rising, falling] = tables(fitRegressor(features, ms, options));
    rising?.ms.forEach((value, i) => {
      if (i > 0) expect(value).toBeGreaterThanOrEqual(rising.ms[i - 1] ?? 0);
    });
    falling?.ms.forEach((value, i) => {
      if (i > 0) expect(value).toBeLessThanOrEqual(falling.ms[i - 1] ?? 0);
    });
    expect(rising?.ms.at(-1)).toBeGreaterThan(3);
    expect(falling?.ms.at(-1)).toBeLessThan(-3);
  });

  test('steps are found where a line has to miss them', () => {
    const random = createRandom(7);
    const staircase = ([a = 0, , c = 0]: readonly number[]): number => 10 + 6 * Math.floor(a / 3) + 4 * c;
    const features = rowsOf(150, random);
    const ms = features.map(staircase);
    const errorOf = (options: RegressorOptions): number =>
      errorReport(ms, features.map(fitRegressor(features, ms, options).predictMs)).rmspePercent;
    expect(errorOf({ kind: 'additive' })).toBeLessThan(0.05);
    expect(errorOf({ kind: 'linear' })).toBeGreaterThan(5);
  });

  test('neighbouring levels help each other: less error than steps of their own, where rows are few and noisy', () => {
    const errorsOf = (smoothing?: readonly number[]): number[] =>
      Array.from({ length: 8 }, (_, seed) => {
        const random = createRandom(seed);
        const features = Array.from({ length: 40 }, () => [random.integer(0, 12), random.integer(0, 12)]);
        const truth = ([a = 0, b = 0]: readonly number[]): number => 20 + a + 2 * b;
        const ms = features.map((row) => truth(row) * Math.exp(0.05 * random.normal()));
        const { predictMs } = fitRegressor(features, ms, {
          kind: 'additive',
          ...(smoothing && { smoothing }),
          seed,
          folds: 2,
        });
        return errorReport(features.map(truth), features.map(predictMs)).rmspePercent;
      });
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(errorsOf())).toBeLessThan(0.7 * mean(errorsOf([0])));
  });

  test('goes on between levels and beyond them', () => {
    const features = Array.from({ length: 30 }, (_, i) => [i % 6]);
    const regressor = fitRegressor(
      features,
      features.map(([x = 0]) => 10 + 2 * x),
      { kind: 'additive' },
    );
    expect(regressor.predictMs([2.5])).toBeCloseTo(15, 3);
    expect(regressor.predictMs([7])).toBeCloseTo(24, 3);
    expect(regressor.predictMs([-1])).toBeCloseTo(8, 3);
  });
});

describe('boosted trees', () => {
  /** A product: what no sum of tables can be. */
  const product = ([a = 0, b = 0, c = 0]: readonly number[]): number => 10 + a * b + (c === 1 && a > 2 ? 6 : 0);

  test('find what tables leave over', () => {
    const features = rowsOf(600, createRandom(8));
    const ms = features.map(product);
    const unseen = rowsOf(200, createRandom(9));
    const errorOf = (options: RegressorOptions): number =>
      errorReport(unseen.map(product), unseen.map(fitRegressor(features, ms, { ...options, folds: 2 }).predictMs))
        .rmspePercent;
    expect(errorOf({ kind: 'boosted' })).toBeLessThan(0.5 * errorOf({ kind: 'additive' }));
  });

  test('do nothing where tables say all', () => {
    const random = createRandom(10);
    const features = rowsOf(200, random);
    const ms = features.map((row) => line(row) * Math.exp(0.03 * random.normal()));
    const { leaves } = fitRegressor(features, ms, { kind: 'boosted', folds: 2 }).toJSON().model as BoostedDocument;
    const { leaves: without } = fitRegressor(features, ms, {
      kind: 'boosted',
      base: null,
      trees: 50,
      folds: 2,
    }).toJSON().model as BoostedDocument;
    expect(leaves.length).toBeLessThan(8 * 20);
    expect(without.length).toBe(8 * 50);
  });

  test('one question of one tree is the best there is', () => {
    const random = createRandom(11);
    const features = Array.from({ length: 60 }, () => [random.integer(0, 10), random.integer(0, 10)]);
    const ms = features.map(([a = 0, b = 0]) => Math.exp((b > 6 ? 0.5 : 0) + 0.05 * a + 0.02 * random.normal()));
    const options = { kind: 'boosted', base: null, trees: 1, depth: 1, learningRate: 1, leastRows: 1 } as const;
    const { features: asked, thresholds } = fitRegressor(features, ms, options).toJSON().model as BoostedDocument;
    // by hand: the cut that leaves the least sum of squares among all of both features
    const logs = ms.map(Math.log);
    const spread = (rows: readonly number[]): number => {
      const mean = rows.reduce((sum, row) => sum + (logs[row] ?? 0), 0) / rows.length;
      return rows.reduce((sum, row) => sum + ((logs[row] ?? 0) - mean) ** 2, 0);
    };
    const all = features.map((_, row) => row);
    const cuts = [0, 1].flatMap((column) =>
      Array.from({ length: 9 }, (_, i) => i + 0.5).map((cut) => {
        const left = all.filter((row) => (features[row]?.[column] ?? 0) <= cut);
        return { column, cut, left: spread(left) + spread(all.filter((row) => !left.includes(row))) };
      }),
    );
    const best = cuts.reduce((least, next) => (next.left < least.left ? next : least));
    expect({ column: asked[0], cut: thresholds[0] }).toEqual({ column: best.column, cut: best.cut });
  });

  test.each([
    [{ trees: 0 }, /trees to be a whole number from 1 to 2000, got 0/],
    [{ depth: 9 }, /depth to be a whole number from 1 to 8, got 9/],
    [{ learningRate: 0 }, /learning rate above 0/],
    [{ leastRows: 0.5 }, /leastRows/],
    [{ columns: [3] }, /columns from 0 to 2, got 3/],
    [{ columns: [] }, /at least one column/],
  ])('refuse %j', (options, message) => {
    const features = rowsOf(20, createRandom(1));
    expect(() => fitRegressor(features, features.map(line), { kind: 'boosted', ...options })).toThrow(message);
  });
});

describe('intervals', () => {
  test.each(kinds)('hold nine of ten measurements: %j', (options) => {
    const coverages = [1, 2, 3, 4, 5].map((seed) => {
      const random = createRandom(seed);
      const measure = (row: readonly number[]): number => line(row) * Math.exp(0.04 * random.normal());
      const features = rowsOf(200, random);
      const regressor = fitRegressor(features, features.map(measure), { ...options, seed, folds: 5 });
      const inside = rowsOf(400, random).filter((row) => {
        const { lo, hi } = regressor.predict(row);
        const ms = measure(row);
        return lo <= ms && ms <= hi;
      });
      return inside.length / 400;
    });
    const mean = coverages.reduce((sum, value) => sum + value, 0) / coverages.length;
    expect(mean).toBeGreaterThan(0.86);
    expect(mean).toBeLessThan(0.94);
  });

  test('are wider at a higher level, and where rows are few', () => {
    const random = createRandom(12);
    const features = rowsOf(150, random)
      .filter(([a = 0], i) => a < 5 || i === 149)
      .concat([[5, 2, 1]]);
    const ms = features.map((row) => line(row) * Math.exp(0.04 * random.normal()));
    const width = (row: number[], level: number): number => {
      const { lo, hi, extrapolating } = fitRegressor(features, ms, { kind: 'linear', level }).predict(row);
      expect(extrapolating).toBe(false);
      return hi / lo;
    };
    expect(width([2, 2, 1], 0.98)).toBeGreaterThan(width([2, 2, 1], 0.9));
    expect(width([5, 2, 1], 0.9)).toBeGreaterThan(width([2, 2, 1], 0.9));
  });

  test('are widened, and say so, beyond what was fitted', () => {
    const random = createRandom(13);
    const features = rowsOf(60, random);
    const regressor = fitRegressor(
      features,
      features.map((row) => line(row) * Math.exp(0.02 * random.normal())),
      {
        kind: 'linear',
      },
    );
    const relative = (row: number[]): number => {
      const { ms, lo, hi } = regressor.predict(row);
      return (hi - lo) / ms;
    };
    expect(regressor.predict([3, 2, 1]).extrapolating).toBe(false);
    expect(regressor.predict([7, 2, 1]).extrapolating).toBe(true);
    expect(relative([7, 2, 1])).toBeGreaterThan(2 * relative([3, 2, 1]));
    expect(relative([9, 2, 1])).toBeGreaterThan(relative([7, 2, 1]));
  });
});

describe('documents', () => {
  const random = createRandom(14);
  const features = rowsOf(90, random);
  const ms = features.map((row) => line(row) * Math.exp(0.05 * random.normal()));

  test.each(kinds)('read back, they predict the same: %j', (options) => {
    const regressor = fitRegressor(features, ms, options);
    const again = regressorFromJSON(JSON.parse(JSON.stringify(regressor)));
    for (const row of [...features, [9, 9, 9], [-3, 0.5, 1]])
      expect(again.predict(row)).toEqual(regressor.predict(row));
    expect(again.toJSON()).toEqual(regressor.toJSON());
  });

  test.each(kinds)('the same rows and seed give the same document: %j', (options) => {
    const once = fitRegressor(features, ms, { ...options, seed: 5 }).toJSON();
    expect(fitRegressor(features, ms, { ...options, seed: 5 }).toJSON()).toEqual(once);
  });

  const boosted = JSON.parse(
    JSON.stringify(fitRegressor(features, ms, { kind: 'boosted', base: null, trees: 3, depth: 2 })),
  );
  const additive = JSON.parse(JSON.stringify(fitRegressor(features, ms, { kind: 'additive' })));
  const broken: [string, unknown, RegExp][] = [
    ['null', null, /regressor: expected an object, got null/],
    ['a list', [], /expected an object/],
    ['another format', { ...additive, format: 'x' }, /regressor.format: expected sparsevit-latency-regressor/],
    ['a later version', { ...additive, version: 2 }, /version: expected 1, got 2. Read it with the release/],
    ['another kind than the model', { ...additive, kind: 'linear' }, /regressor.kind: expected additive/],
    [
      'an unknown model',
      { ...additive, model: { kind: 'forest' } },
      /model.kind: expected linear or additive or boosted/,
    ],
    ['no interval', { ...additive, interval: undefined }, /interval: expected an object/],
    [
      'an interval upside down',
      { ...additive, interval: { level: 0.9, low: 1, high: 2 } },
      /interval.low: .* at most 0/,
    ],
    ['no number', { ...additive, model: { ...additive.model, intercept: '1' } }, /intercept: expected a finite number/],
    [
      'no finite number',
      { ...additive, model: { ...additive.model, intercept: 1e300 } },
      /intercept: expected a finite/,
    ],
    ['too few columns', { ...additive, columns: 1 }, /column: expected a number of at most 0/],
    [
      'levels that fall',
      { ...additive, model: { ...additive.model, tables: [{ column: 0, levels: [1, 0], ms: [0, 1] }] } },
      /levels: expected rising numbers/,
    ],
    [
      'a level without a time',
      { ...additive, model: { ...additive.model, tables: [{ column: 0, levels: [0, 1], ms: [0] }] } },
      /ms: expected one per level/,
    ],
    [
      'a tree cut short',
      { ...boosted, model: { ...boosted.model, leaves: boosted.model.leaves.slice(1) } },
      /leaves: expected a multiple of 4/,
    ],
    [
      'a node too many',
      { ...boosted, model: { ...boosted.model, features: [...boosted.model.features, 0] } },
      /features: expected 9 nodes/,
    ],
    [
      'a node that asks for nothing there',
      { ...boosted, model: { ...boosted.model, features: boosted.model.features.map(() => 3) } },
      /features\[0\]: expected a number of at most 2/,
    ],
    [
      'a depth without end',
      { ...boosted, model: { ...boosted.model, depth: 60 } },
      /depth: expected a number of at most 8/,
    ],
    [
      'trees on trees',
      { ...boosted, model: { ...boosted.model, base: boosted.model } },
      /base.kind: expected linear or additive/,
    ],
  ];
  test.each(broken)('%s is refused', (_, document, message) => {
    expect(() => regressorFromJSON(document)).toThrow(ConfigError);
    expect(() => regressorFromJSON(document)).toThrow(message);
  });

  test('no field can be left out', () => {
    const withoutEach = (value: object): object[] =>
      Object.keys(value).flatMap((name) => {
        const { [name]: own, ...rest } = value as Record<string, unknown>;
        const inner = typeof own === 'object' && own !== null && !Array.isArray(own) ? withoutEach(own) : [];
        return [rest, ...inner.map((part) => ({ ...value, [name]: part }))];
      });
    for (const document of [...withoutEach(boosted), ...withoutEach(additive)]) {
      expect(() => regressorFromJSON(document)).toThrow(ConfigError);
    }
  });
});

describe('bad input', () => {
  const good = rowsOf(20, createRandom(1));
  const ms = good.map(line);
  test.each<[string, () => unknown, RegExp]>([
    [
      'too few rows',
      () => fitRegressor(good.slice(0, 4), ms.slice(0, 4), { kind: 'linear' }),
      /at least 5 rows, got 4/,
    ],
    [
      'no features',
      () =>
        fitRegressor(
          good.map(() => []),
          ms,
          { kind: 'linear' },
        ),
      /at least one feature/,
    ],
    ['rows of two lengths', () => fitRegressor([...good.slice(1), [1]], ms, { kind: 'linear' }), /3 features .* got 1/],
    [
      'fewer times than rows',
      () => fitRegressor(good, ms.slice(1), { kind: 'linear' }),
      /one time per row \(20\), got 19/,
    ],
    ['a time of 0', () => fitRegressor(good, [0, ...ms.slice(1)], { kind: 'linear' }), /milliseconds above 0 in row 0/],
    [
      'a feature that is none',
      () => fitRegressor([[1, Number.NaN, 2], ...good.slice(1)], ms, { kind: 'linear' }),
      /feature 1 of row 0, got NaN/,
    ],
    ['one fold', () => fitRegressor(good, ms, { kind: 'linear', folds: 1 }), /from 2 to 20 folds .* got 1/],
    ['a level of 1', () => fitRegressor(good, ms, { kind: 'linear', level: 1 }), /level above 0.5 and below 1/],
    [
      'two directions for three tables',
      () => fitRegressor(good, ms, { kind: 'additive', directions: ['free', 'free'] }),
      /3 directions, got 2/,
    ],
    ['one level', () => fitRegressor(good, ms, { kind: 'additive', levels: 1 }), /at least 2 levels/],
    [
      'an unknown kind',
      () => fitRegressor(good, ms, { kind: 'forest' } as unknown as RegressorOptions),
      /linear, additive or boosted, got forest/,
    ],
    [
      'another number of features',
      () => fitRegressor(good, ms, { kind: 'linear' }).predict([1, 2]),
      /3 features, got 2/,
    ],
    [
      'infinity',
      () => fitRegressor(good, ms, { kind: 'linear' }).predict([1, 2, Number.POSITIVE_INFINITY]),
      /finite number as feature 2/,
    ],
  ])('%s is refused', (_, run, message) => {
    expect(run).toThrow(ConfigError);
    expect(run).toThrow(message);
  });

  test('features that never change are left out', () => {
    const features = good.map((row) => [...row, 7]);
    for (const options of kinds) {
      const regressor = fitRegressor(features, ms, options);
      expect(Math.abs(regressor.predictMs([2, 2, 1, 7]) / line([2, 2, 1]) - 1)).toBeLessThan(0.05);
      expect(regressor.predict([2, 2, 1, 8]).extrapolating).toBe(true);
    }
  });
});
