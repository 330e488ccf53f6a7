import { swinPreset } from '@sparsevit/config/presets';
import type { PrunedRatios } from '@sparsevit/windows';
import {
  ConfigError,
  createRandom,
  createSparsitySpace,
  drawUniformly,
  everySparsity,
  prunedRatiosAt,
  randomOrder,
  sparsityModes,
} from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import type { LatencyRow, PredictorKind } from '../src/index';
import {
  calibratePredictor,
  cancelDrift,
  choosePredictor,
  createSamplingPlan,
  errorReport,
  fitPredictor,
  predictorFromJSON,
  predictorKinds,
  qualityReport,
  timeFactorAt,
} from '../src/index';
import { createSimulatedDevice } from './simulated-device';
import { simulateRun } from './simulated-run';

const swinT = swinPreset('swin-t');
const subject = { architecture: swinT, height: 672, width: 672 };
const space = createSparsitySpace(swinT);
const staircase = createSimulatedDevice(subject);
const exactly = (device: (of: PrunedRatios) => number, sparsities: readonly PrunedRatios[]): LatencyRow[] =>
  sparsities.map((prunedRatios) => ({ prunedRatios, ms: device(prunedRatios) }));
const unseen = createSamplingPlan(space, { seed: 77, fit: 400 }).fit;

describe('without noise', () => {
  test.each<[PredictorKind, string, number]>([
    ['table', 'steps of 96 rows', 96],
    ['table', 'steps of 512 rows', 512],
    ['physical', 'no steps', 1],
    ['boosted', 'steps of 96 rows', 96],
  ])('%s finds a device of %s', (kind, _, tileRows) => {
    const device = createSimulatedDevice({ ...subject, tileRows });
    const { fit } = createSamplingPlan(space, { seed: 1, fit: 200 });
    const predictor = fitPredictor(subject, exactly(device, fit), { kind, folds: 3 });
    const { largestErrorPercent } = errorReport(unseen.map(device), unseen.map(predictor.predictMs));
    expect(largestErrorPercent).toBeLessThan(0.01);
  });

  test('multiply-accumulates alone do not', () => {
    const { fit } = createSamplingPlan(space, { seed: 1 });
    const predictor = fitPredictor(subject, exactly(staircase, fit), { kind: 'macs' });
    expect(errorReport(unseen.map(staircase), unseen.map(predictor.predictMs)).rmspePercent).toBeGreaterThan(1);
  });

  test('trees find what no sum over pairs can be', () => {
    const device = createSimulatedDevice({ ...subject, interaction: 0.2 });
    const { fit } = createSamplingPlan(space, { seed: 1, fit: 300 });
    const rows = exactly(device, fit);
    const errorOf = (kind: PredictorKind): number =>
      errorReport(unseen.map(device), unseen.map(fitPredictor(subject, rows, { kind, folds: 2 }).predictMs))
        .rmspePercent;
    expect(errorOf('boosted')).toBeLessThan(0.6 * errorOf('table'));
    expect(choosePredictor(subject, rows, { kinds: ['table', 'boosted'], folds: 2 }).predictor.kind).toBe('boosted');
  });
});

describe('with 3 % noise, 10 % outliers and a machine that is 15 % slower for a fifth of the run', () => {
  /** Rows to fit and rows to judge by, measured in one run in random order. */
  const runOf = (seed: number, run: { drift: number; order: 'rounds' | 'at-once' }) => {
    const plan = createSamplingPlan(space, { seed, fit: 150, holdOut: 150 });
    const all = [...plan.fit, ...plan.holdOut];
    const order = Array.from(randomOrder(all.length, createRandom(seed + 40)));
    const measured = simulateRun(
      staircase,
      order.map((at) => all[at] ?? []),
      { seed: seed + 9, ...run },
    );
    const rows = measured.map((row, place) => ({ ...row, place, isHeld: (order[place] ?? 0) >= plan.fit.length }));
    return { fit: rows.filter(({ isHeld }) => !isHeld), held: rows.filter(({ isHeld }) => isHeld) };
  };
  const judge = (rows: readonly LatencyRow[], held: readonly LatencyRow[], seed: number) => {
    const { predictor } = choosePredictor(subject, rows, { seed, folds: 5 });
    const predictions = held.map(({ prunedRatios }) => predictor.predict(prunedRatios));
    const truth = errorReport(
      held.map(({ prunedRatios }) => staircase(prunedRatios)),
      predictions.map(({ ms }) => ms),
    );
    return { rmspePercent: truth.rmspePercent, coverage: qualityReport(held, predictions).coveragePercent ?? 0 };
  };
  const check = (judged: readonly { rmspePercent: number; coverage: number }[]): void => {
    for (const { rmspePercent } of judged) expect(rmspePercent).toBeLessThan(3);
    const coverage = judged.reduce((sum, one) => sum + one.coverage, 0) / judged.length;
    expect(coverage).toBeGreaterThan(85);
    expect(coverage).toBeLessThan(95);
  };

  test('visits in rounds, four fifths of the drift cancelled by a sentinel: RMSPE of the truth below 3 %, nine of ten measured inside', () => {
    check(
      [1, 2, 3].map((seed) => {
        const { fit, held } = runOf(seed, { drift: 0.03, order: 'rounds' });
        return judge(fit, held, seed);
      }),
    );
  });

  test('all visits at once, no sentinel: the same after cancelDrift', () => {
    check(
      [1, 2, 3].map((seed) => {
        const { fit, held } = runOf(seed, { drift: 0.15, order: 'at-once' });
        const { rows, effect, drift } = cancelDrift(subject, fit, { places: fit.map(({ place }) => place) });
        expect(drift.shifts.length).toBe(2);
        const steady = held.map((row) => ({ ...row, ms: row.ms / timeFactorAt(effect, row.place) }));
        return judge(rows, steady, seed);
      }),
    );
  });
});

describe('a predictor', () => {
  const { fit } = createSamplingPlan(space, { seed: 2 });
  const rows = simulateRun(staircase, fit, { seed: 3 });
  const predictors = predictorKinds.map((kind) => fitPredictor(subject, rows, { kind, seed: 4, origin: 'laptop' }));

  test.each(predictors.map((predictor) => [predictor.kind, predictor] as const))(
    '%s says the same by ratios and by place',
    (_, predictor) => {
      for (const place of [0, 1, 77, 60_000, 120_284]) {
        const prunedRatios = prunedRatiosAt(space, place);
        expect(predictor.predictPlace(place)).toBe(predictor.predictMs(prunedRatios));
        expect(predictor.predict(prunedRatios).ms).toBe(predictor.predictMs(prunedRatios));
      }
      expect(() => predictor.predictPlace(120_285)).toThrow(ConfigError);
    },
  );

  test.each(predictors.map((predictor) => [predictor.kind, predictor] as const))(
    '%s read back from JSON says the same',
    (_, predictor) => {
      const again = predictorFromJSON(JSON.parse(JSON.stringify(predictor)));
      expect(again).toMatchObject({ kind: predictor.kind, origin: 'laptop', subject: predictor.subject });
      for (const prunedRatios of [...unseen.slice(0, 50), [[0.05], [0.95], [0, 0.45, 0.77], [0.2]]]) {
        expect(again.predict(prunedRatios)).toEqual(predictor.predict(prunedRatios));
      }
      expect(again.toJSON()).toEqual(predictor.toJSON());
    },
  );

  test.each(predictors.map((predictor) => [predictor.kind, predictor] as const))(
    '%s is made again from the same rows and seed',
    (kind, predictor) => {
      const again = fitPredictor(subject, rows, { kind: kind as PredictorKind, seed: 4, origin: 'laptop' });
      expect(again.toJSON()).toEqual(predictor.toJSON());
    },
  );

  test('says all of a space in its order', () => {
    const small = { ...subject, choices: [0, 0.3, 0.6] };
    const predictor = fitPredictor(small, rows, { kind: 'table' });
    const all = predictor.predictEvery();
    expect(all).toHaveLength(3 * 3 * 10 * 3);
    expect([...everySparsity(predictor.space)].map(predictor.predictMs)).toEqual([...all]);
    const large = { ...subject, architecture: swinPreset('swin-s') };
    const device = createSimulatedDevice(large);
    const plan = createSamplingPlan(createSparsitySpace(large.architecture), { seed: 1, fit: 60 });
    const ofLarge = fitPredictor(large, exactly(device, plan.fit), { kind: 'physical' });
    expect(() => ofLarge.predictEvery()).toThrow(/at most 16777216 sparsities, got 17721990/);
  });

  test('of tables never says that more windows take less time', () => {
    const random = createRandom(5);
    const [table] = predictors.filter(({ kind }) => kind === 'table');
    for (let i = 0; i < 300; i++) {
      const more = drawUniformly(space, random);
      const stage = random.integer(0, 4);
      // pruning begins somewhere and costs something: only what is pruned already can be compared
      if ((more[stage]?.[0] ?? 0) === 0) continue;
      const fewer = more.map((ratios, other) =>
        other === stage ? ratios.map((ratio) => Math.min(0.8, ratio + 0.1)) : ratios,
      );
      expect(table?.predictMs(fewer)).toBeLessThanOrEqual((table?.predictMs(more) ?? 0) + 1e-9);
    }
  });

  test('says when it goes beyond what was measured, and widens', () => {
    const measured = rows.filter(({ prunedRatios }) => prunedRatios.flat().every((ratio) => ratio <= 0.6));
    const predictor = fitPredictor(subject, measured, { kind: 'table' });
    const inside = predictor.predict([[0.6], [0.3], [0.1, 0.2, 0.5], [0.6]]);
    const outside = predictor.predict([[0.8], [0.3], [0.1, 0.2, 0.5], [0.6]]);
    expect([inside.extrapolating, outside.extrapolating]).toEqual([false, true]);
    expect((outside.hi - outside.lo) / outside.ms).toBeGreaterThan((2 * (inside.hi - inside.lo)) / inside.ms);
  });

  test('works for ratios between the choices', () => {
    const [table] = predictors.filter(({ kind }) => kind === 'table');
    const [low, between, high] = [0.3, 0.35, 0.4].map((ratio) => table?.predictMs([[ratio], [0], [0, 0, 0], [0]]) ?? 0);
    expect(between).toBeLessThanOrEqual(low ?? 0);
    expect(between).toBeGreaterThanOrEqual(high ?? 0);
  });
});

describe('the choice', () => {
  const { fit } = createSamplingPlan(space, { seed: 6, fit: 150 });

  test('takes the table where steps are, and has the scores of all', () => {
    const device = createSimulatedDevice({ ...subject, tileRows: 512 });
    const { predictor, scores } = choosePredictor(subject, exactly(device, fit), { seed: 1, folds: 3 });
    expect(predictor.kind).toBe('table');
    expect(scores.map(({ kind }) => kind)).toEqual(predictorKinds);
    const [macs, physical, table] = scores.map(({ rmspePercent }) => rmspePercent);
    expect(table).toBeLessThan(0.5 * Math.min(macs ?? 0, physical ?? 0));
  });

  test('takes the simplest where all do as well', () => {
    const rows = fit.map((prunedRatios) => ({ prunedRatios, ms: 7 + 0.001 * prunedRatios.flat().length }));
    expect(choosePredictor(subject, rows, { folds: 2 }).predictor.kind).toBe('macs');
  });

  test('is that of fitPredictor, with the same interval', () => {
    const rows = simulateRun(staircase, fit, { seed: 8 });
    const { predictor } = choosePredictor(subject, rows, { seed: 2, kinds: ['table'], origin: 'a' });
    expect(predictor.toJSON()).toEqual(fitPredictor(subject, rows, { kind: 'table', seed: 2, origin: 'a' }).toJSON());
  });

  test('keeps measurements of one sparsity together: repeating a row makes no kind look better', () => {
    const rows = simulateRun(staircase, fit.slice(0, 40), { seed: 9 });
    const twice = [...rows, ...rows];
    const [once, repeated] = [rows, twice].map((of) => choosePredictor(subject, of, { kinds: ['boosted'], folds: 5 }));
    const ratio = (repeated?.scores[0]?.rmspePercent ?? 0) / (once?.scores[0]?.rmspePercent ?? 1);
    expect(ratio).toBeGreaterThan(0.7);
  });
});

describe('bad input', () => {
  const rows = exactly(staircase, unseen.slice(0, 30));
  test.each<[string, () => unknown, RegExp]>([
    ['no kind', () => choosePredictor(subject, rows, { kinds: [] }), /at least one kind/],
    [
      'an unknown kind',
      () => fitPredictor(subject, rows, { kind: 'oracle' as PredictorKind }),
      /macs, physical, table, boosted, got oracle/,
    ],
    [
      'a height of 0',
      () => fitPredictor({ ...subject, height: 0 }, rows, { kind: 'macs' }),
      /height to be an integer of at least 1/,
    ],
    [
      'rules that there are not',
      () => fitPredictor({ ...subject, sparsity: { ...sparsityModes.clean, minKept: -1 } }, rows, { kind: 'macs' }),
      /minKept/,
    ],
    ['too few rows', () => fitPredictor(subject, rows.slice(0, 3), { kind: 'macs' }), /at least 5 rows, got 3/],
    [
      'one sparsity only',
      () =>
        fitPredictor(
          subject,
          Array.from({ length: 9 }, () => rows[0] ?? { prunedRatios: [], ms: 1 }),
          { kind: 'macs' },
        ),
      /folds/,
    ],
    [
      'a time that is none',
      () => fitPredictor(subject, [{ prunedRatios: [[0]], ms: Number.NaN }], { kind: 'macs' }),
      /above 0 in row 0, got NaN/,
    ],
    [
      'a row of another architecture',
      () => fitPredictor(subject, [...rows, { prunedRatios: [[0]], ms: 1 }], { kind: 'macs' }),
      /4 stages, got 1/,
    ],
  ])('%s is refused', (_, run, message) => {
    expect(run).toThrow(ConfigError);
    expect(run).toThrow(message);
  });

  const document = JSON.parse(JSON.stringify(fitPredictor(subject, rows, { kind: 'table' })));
  const calibrated = JSON.parse(
    JSON.stringify(calibratePredictor(fitPredictor(subject, rows, { kind: 'table' }), rows.slice(0, 5))),
  );
  const nano = swinPreset('swin-nano');
  test.each<[string, unknown, RegExp]>([
    ['a text', 'predictor', /predictor: expected an object/],
    ['a regression', document.regressor, /predictor.format: expected sparsevit-latency-predictor/],
    ['a later version', { ...document, version: 3 }, /version: expected 1, got 3/],
    ['another kind', { ...document, kind: 'oracle' }, /kind: expected macs or table/],
    [
      'another architecture',
      { ...document, subject: { ...document.subject, architecture: { ...nano } } },
      /regressor.columns: expected 17 for this architecture, got 21/,
    ],
    [
      'heads that do not divide',
      { ...document, subject: { ...document.subject, architecture: { ...swinT, heads: [5, 6, 12, 24] } } },
      /heads of stage 0/,
    ],
    [
      'too large an image',
      { ...document, subject: { ...document.subject, height: 1e9 } },
      /height: expected a number of at most 65536/,
    ],
    [
      'too many blocks',
      { ...document, subject: { ...document.subject, architecture: { ...swinT, depths: [1e6, 2, 6, 2] } } },
      /depths\[0\]: expected a number of at most 256/,
    ],
    [
      'too many blocks in all',
      { ...document, subject: { ...document.subject, architecture: { ...swinT, depths: [100, 100, 56, 2] } } },
      /depths: expected at most 256 blocks, got 258/,
    ],
    ['scales of other stages', { ...calibrated, stageScales: [1] }, /stageScales: expected 4 numbers, got a list of 1/],
    ['a calibrated source', { ...calibrated, source: calibrated }, /source.kind: expected macs or table/],
    [
      'a source of another version',
      { ...calibrated, source: { ...document, version: 0 } },
      /source.version: expected a number of at least 1/,
    ],
  ])('a document that is %s is refused', (_, value, message) => {
    expect(() => predictorFromJSON(value)).toThrow(ConfigError);
    expect(() => predictorFromJSON(value)).toThrow(message);
  });
});
