import { ConfigError, createRandom } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import { detectDrift, findLevels, fitTimeEffect, timeFactorAt } from '../src/index';

/** Normal noise about levels: [length, level] one after another. */
const series = (
  levels: readonly (readonly [number, number])[],
  noise: number,
  seed: number,
  outliers = 0,
): number[] => {
  const random = createRandom(seed);
  return levels.flatMap(([length, level]) =>
    Array.from({ length }, () => level + noise * random.normal() + (random.uniform() < outliers ? 20 * noise : 0)),
  );
};

describe('levels', () => {
  test('of a series without noise are cut where they change', () => {
    const values = [...Array(20).fill(0), ...Array(14).fill(0.2), ...Array(30).fill(-0.1)];
    expect(findLevels(values)).toEqual([
      { from: 0, to: 20, level: 0 },
      { from: 20, to: 34, level: 0.2 },
      { from: 34, to: 64, level: -0.1 },
    ]);
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('of seed %d: the cut is the best of all single ones', (seed) => {
    const values = series(
      [
        [25, 0],
        [35, 0.12],
      ],
      0.03,
      seed,
    );
    const cost = (part: readonly number[]): number => {
      const mean = part.reduce((sum, value) => sum + value, 0) / part.length;
      return part.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    };
    const cuts = Array.from({ length: 37 }, (_, i) => i + 12);
    const costs = cuts.map((cut) => cost(values.slice(0, cut)) + cost(values.slice(cut)));
    const best = cuts[costs.indexOf(Math.min(...costs))];
    expect(findLevels(values).map(({ from }) => from)).toEqual([0, best]);
  });

  test('outliers are no level, even many', () => {
    const values = series(
      [
        [150, 0],
        [80, 0.15],
        [170, 0],
      ],
      0.02,
      3,
      0.1,
    );
    const segments = findLevels(values);
    expect(segments).toHaveLength(3);
    expect(Math.abs((segments[1]?.from ?? 0) - 150)).toBeLessThan(4);
    expect(Math.abs((segments[2]?.from ?? 0) - 230)).toBeLessThan(4);
    expect(segments[1]?.level).toBeCloseTo(0.15, 1);
  });

  test('of a short or empty series', () => {
    expect(findLevels([])).toEqual([]);
    expect(findLevels([1, 2, 3])).toEqual([{ from: 0, to: 3, level: 2 }]);
    expect(() => findLevels([1, Number.NaN])).toThrow(ConfigError);
    expect(() => findLevels([1, 2], { leastLength: 0 })).toThrow(/at least 1, got 0/);
    expect(() => findLevels([1, 2], { penalty: 0 })).toThrow(/penalty above 0/);
  });
});

describe('drift', () => {
  test('of independent residuals is almost never seen', () => {
    const seen = Array.from({ length: 60 }, (_, seed) =>
      detectDrift(series([[300, 0]], 0.05, seed, seed % 2 ? 0.05 : 0)),
    );
    expect(seen.filter(({ shifts }) => shifts.length > 0).length).toBeLessThanOrEqual(1);
    expect(seen.filter(({ isAutocorrelated }) => isAutocorrelated).length).toBeLessThanOrEqual(1);
  });

  test.each([1, 2, 3, 4, 5])('of a regime is seen with its size: seed %d', (seed) => {
    const { shifts, isAutocorrelated } = detectDrift(
      series(
        [
          [100, 0],
          [60, Math.log(1.2)],
          [140, 0],
        ],
        0.05,
        seed,
      ),
    );
    expect(isAutocorrelated).toBe(true);
    expect(shifts).toHaveLength(2);
    expect(Math.abs((shifts[0]?.row ?? 0) - 100)).toBeLessThan(4);
    expect(Math.abs((shifts[1]?.row ?? 0) - 160)).toBeLessThan(4);
    expect(shifts[0]?.ratio).toBeCloseTo(1.2, 1);
    expect(shifts[1]?.ratio).toBeCloseTo(1 / 1.2, 1);
  });

  test('of less than the least shift is a segment, but no shift', () => {
    const { shifts, segments } = detectDrift(
      series(
        [
          [200, 0],
          [200, 0.03],
        ],
        0.01,
        2,
      ),
    );
    expect(segments).toHaveLength(2);
    expect(shifts).toHaveLength(0);
  });

  test('a least shift of nothing is refused', () => {
    expect(() => detectDrift([1, 2], { leastShift: 0 })).toThrow(/least shift above 0/);
  });
});

describe('the effect of time', () => {
  /** Places 0 to 399; a third slower from 120 to 220; every fifth row is left out of the fit. */
  const run = (seed: number) => {
    const random = createRandom(seed);
    const rows = Array.from({ length: 400 }, (_, place) => {
      const feature = [random.integer(0, 9), random.integer(0, 9)];
      const truth = 20 + 4 * (feature[0] ?? 0) + (feature[1] ?? 0);
      const factor = place >= 120 && place < 220 ? 1.3 : 1;
      return { place, feature, truth, ms: truth * factor * Math.exp(0.02 * random.normal()), factor };
    });
    return { fit: rows.filter(({ place }) => place % 5 !== 0), unseen: rows.filter(({ place }) => place % 5 === 0) };
  };

  test.each([1, 2, 3])('is found together with the features: seed %d', (seed) => {
    const { fit, unseen } = run(seed);
    const { effect, ms, drift } = fitTimeEffect(
      fit.map(({ feature }) => feature),
      fit.map((row) => row.ms),
      fit.map(({ place }) => place),
    );
    expect(drift.shifts.map(({ row }) => fit[row]?.place)).toEqual([expect.closeTo(120, -1), expect.closeTo(220, -1)]);
    ms.forEach((time, i) => {
      if (Math.abs((fit[i]?.place ?? 0) - 120) > 5 && Math.abs((fit[i]?.place ?? 0) - 220) > 5) {
        expect(Math.abs(time / (fit[i]?.truth ?? 1) - 1)).toBeLessThan(0.1);
      }
    });
    for (const { place, factor } of unseen) {
      if (Math.abs(place - 120) <= 5 || Math.abs(place - 220) <= 5) continue;
      expect(Math.abs(timeFactorAt(effect, place) / factor - 1)).toBeLessThan(0.02);
    }
  });

  test('is none where there was none', () => {
    const { fit } = run(4);
    const { effect } = fitTimeEffect(
      fit.map(({ feature }) => feature),
      fit.map(({ ms, factor }) => ms / factor),
      fit.map(({ place }) => place),
    );
    expect(effect).toEqual({ places: [1], factors: [1] });
  });

  test('is constant in stretches, and before the first the same', () => {
    const effect = { places: [10, 20], factors: [1.1, 1.4] };
    expect([0, 10, 19.9, 20, 99].map((place) => timeFactorAt(effect, place))).toEqual([1.1, 1.1, 1.1, 1.4, 1.4]);
    expect(timeFactorAt({ places: [], factors: [] }, 3)).toBe(1);
  });

  test.each([
    [[1, 2, 3, 4, 4, 6], /places that rise, got 4 after 4 in row 4/],
    [[1, 2, 3], /one place per row \(6\), got 3/],
    [[1, 2, 3, 4, 5, Number.NaN], /places that rise, got NaN/],
  ])('places %j are refused', (places, message) => {
    const features = Array.from({ length: 6 }, (_, i) => [i]);
    expect(() => fitTimeEffect(features, [1, 2, 3, 4, 5, 6], places)).toThrow(message);
  });
});
