import { swinPreset } from '@sparsevit/config/presets';
import type { PrunedRatios } from '@sparsevit/windows';
import { ConfigError, createRandom, createSparsitySpace, drawUniformly } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import type { LatencyRow } from '../src/index';
import {
  calibratePredictor,
  calibrationCurve,
  createSamplingPlan,
  errorReport,
  fitPredictor,
  predictorFromJSON,
  referenceSparsities,
} from '../src/index';
import { createSimulatedDevice } from './simulated-device';
import { simulateRun } from './simulated-run';

const swinT = swinPreset('swin-t');
const subject = { architecture: swinT, height: 672, width: 672 };
const space = createSparsitySpace(swinT);
const laptop = createSimulatedDevice(subject);
/** Three times slower at products, a little slower at moving values: early stages lose less than late ones. */
const phone = createSimulatedDevice({ ...subject, macsPerMs: 6e6, valuesPerMs: 1.6e6, callMs: 0.4, tileRows: 32 });
const source = fitPredictor(subject, simulateRun(laptop, createSamplingPlan(space, { seed: 1 }).fit, { seed: 2 }), {
  kind: 'table',
});
const random = createRandom(3);
const unseen = Array.from({ length: 200 }, () => drawUniformly(space, random));
const rowsOf = (device: (of: PrunedRatios) => number, sparsities: readonly PrunedRatios[]): LatencyRow[] =>
  sparsities.map((prunedRatios) => ({ prunedRatios, ms: device(prunedRatios) }));
const errorOf = (predictor: { predictMs(of: PrunedRatios): number }, device = phone): number =>
  errorReport(unseen.map(device), unseen.map(predictor.predictMs)).rmspePercent;

describe('references', () => {
  test('are dense, the least, and evenly spaced between', () => {
    const references = referenceSparsities(source, { seed: 1 });
    expect(references).toHaveLength(10);
    expect(references.slice(0, 2)).toEqual([
      [[0], [0], [0, 0, 0], [0]],
      [[0.8], [0.8], [0.8, 0.8, 0.8], [0.8]],
    ]);
    const predicted = references.map(source.predictMs).sort((a, b) => a - b);
    const step = ((predicted[9] ?? 0) - (predicted[0] ?? 0)) / 9;
    predicted.slice(1).forEach((ms, i) => {
      expect(Math.abs(ms - (predicted[i] ?? 0) - step)).toBeLessThan(0.55 * step);
    });
    expect(referenceSparsities(source, { seed: 1 })).toEqual(references);
  });

  test('differ from each other more than draws do', () => {
    const mean = (ratios: readonly number[]): number => ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
    const distance = (a: PrunedRatios, b: PrunedRatios): number =>
      mean(a.map((ratios, stage) => mean(ratios.map((ratio, pair) => Math.abs(ratio - (b[stage]?.[pair] ?? 0))))));
    const apart = (of: readonly PrunedRatios[]): number =>
      Math.min(...of.flatMap((a, i) => of.slice(0, i).map((b) => distance(a, b))));
    const drawn = Array.from({ length: 20 }, (_, i) => apart(unseen.slice(10 * i, 10 * i + 10)));
    expect(apart(referenceSparsities(source))).toBeGreaterThan(mean(drawn));
  });

  test('of a space too large to list are drawn', () => {
    const architecture = swinPreset('swin-s');
    const large = { ...subject, architecture };
    const device = createSimulatedDevice(large);
    const plan = createSamplingPlan(createSparsitySpace(architecture), { seed: 1, fit: 60 });
    const references = referenceSparsities(fitPredictor(large, rowsOf(device, plan.fit), { kind: 'physical' }), {
      count: 5,
    });
    expect(references).toHaveLength(5);
    expect(references[0]?.flat().every((ratio) => ratio === 0)).toBe(true);
  });

  test.each([1, 1.5, 1e9])('%d of them are refused', (count) => {
    expect(() => referenceSparsities(source, { count })).toThrow(/references: expected from 2/);
  });
});

describe('calibration', () => {
  test('finds a device that is the same but slower, exactly', () => {
    const slower = (of: PrunedRatios): number => 3 + 2.5 * source.predictMs(of);
    const moved = calibratePredictor(source, rowsOf(slower, referenceSparsities(source)));
    expect(errorOf(moved, slower)).toBeLessThan(0.01);
    expect(moved.toJSON()).toMatchObject({
      kind: 'calibrated',
      scale: expect.closeTo(2.5, 3),
      offsetMs: expect.closeTo(3, 1),
    });
  });

  test('finds stages that differ: better than scale and offset alone', () => {
    const stages = (of: PrunedRatios): number => {
      const dense = [[0], [0], [0, 0, 0], [0]];
      const only = (stage: number): number =>
        source.predictMs(dense.map((zeros, other) => (other === stage ? (of[stage] ?? []) : zeros)));
      return 2 * source.predictMs(of) + 0.8 * only(0) - 0.5 * only(3);
    };
    const references = referenceSparsities(source, { count: 12 });
    expect(errorOf(calibratePredictor(source, rowsOf(stages, references)), stages)).toBeLessThan(0.2);
    expect(errorOf(calibratePredictor(source, rowsOf(stages, references.slice(0, 7))), stages)).toBeGreaterThan(1);
  });

  test('by ten references of another kind of device errs less than a third of the unmoved and less than 4 %', () => {
    const moved = calibratePredictor(
      source,
      simulateRun(phone, referenceSparsities(source), { seed: 5, outlierShare: 0.05 }),
    );
    expect(errorOf(moved)).toBeLessThan(4);
    const scaled = {
      predictMs: (of: PrunedRatios): number =>
        source.predictMs(of) * (phone(unseen[0] ?? []) / source.predictMs(unseen[0] ?? [])),
    };
    expect(errorOf(source)).toBeGreaterThan(3 * errorOf(moved));
    expect(errorOf(scaled)).toBeGreaterThan(errorOf(moved));
  });

  test('has intervals that are never narrower than those of the source, and hold', () => {
    const moved = calibratePredictor(source, simulateRun(phone, referenceSparsities(source), { seed: 6 }), {
      origin: 'phone',
    });
    expect(moved.origin).toBe('phone');
    const measured = simulateRun(phone, unseen, { seed: 7 });
    let inside = 0;
    for (const { prunedRatios, ms } of measured) {
      const [own, of] = [moved.predict(prunedRatios), source.predict(prunedRatios)];
      expect(own.hi / own.lo).toBeGreaterThanOrEqual(of.hi / of.lo - 1e-12);
      expect(own.extrapolating).toBe(of.extrapolating);
      if (own.lo <= ms && ms <= own.hi) inside++;
    }
    expect(inside / measured.length).toBeGreaterThan(0.85);
  });

  test('read back from JSON says the same, by ratios and by place', () => {
    const moved = calibratePredictor(source, rowsOf(phone, referenceSparsities(source)), { origin: 'phone' });
    const again = predictorFromJSON(JSON.parse(JSON.stringify(moved)));
    for (const one of unseen.slice(0, 40)) expect(again.predict(one)).toEqual(moved.predict(one));
    expect(again.predictPlace(77)).toBe(moved.predictPlace(77));
    expect(again.toJSON()).toEqual(moved.toJSON());
  });

  test('of too few rows, or of what is calibrated already, is refused', () => {
    const rows = rowsOf(phone, referenceSparsities(source));
    expect(() => calibratePredictor(source, rows.slice(0, 2))).toThrow(/at least 3 rows, got 2/);
    expect(() => calibratePredictor(calibratePredictor(source, rows), rows)).toThrow(/Calibrate its source/);
    expect(() => calibratePredictor(source, [{ prunedRatios: [[0]], ms: 1 }, ...rows])).toThrow(ConfigError);
  });
});

describe('the curve', () => {
  const rows = simulateRun(phone, createSamplingPlan(space, { seed: 8 }).fit, { seed: 9 });

  test('has errors with 0, 5, 10 and 20 rows, judged on the same others', () => {
    const curve = calibrationCurve(source, rows, { seed: 1 });
    expect(curve.map(({ points }) => points)).toEqual([0, 5, 10, 20]);
    expect(new Set(curve.map((point) => point.rows)).size).toBe(1);
    const [unmoved, five, , twenty] = curve.map(({ rmspePercent }) => rmspePercent);
    expect(five).toBeLessThan(0.3 * (unmoved ?? 0));
    expect(twenty).toBeLessThanOrEqual(1.1 * (five ?? 0));
    for (const { points, spearman } of curve) if (points > 0) expect(spearman).toBeGreaterThan(0.95);
  });

  test('of too few rows is refused', () => {
    expect(() => calibrationCurve(source, rows.slice(0, 24))).toThrow(/at least 25 rows .* got 24/);
  });
});
