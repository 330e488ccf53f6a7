import { describe, expect, test } from 'vitest';
import { driftOfTable, judgeTable, linearBaselines, readHatTables } from '../src/hat-tables';

const tables = readHatTables();
const reason = tables.length > 0 ? '' : ' (skipped: needs the tables in ../shared/data/hat-latency)';
const named = tables.map((table) => [table.name, table] as const);
const graphics = named.filter(([name]) => name.includes('gpu'));

describe.skipIf(tables.length === 0)(`the public tables of HAT${reason}`, () => {
  // tables and trees do better still (pnpm bench:hat); lines are fitted in a fraction of the time
  test.each(named)(
    '%s: no worse than the linear baseline, with the effect of time from the training rows alone',
    (name, table) => {
      const { rmspePercent, coveragePercent } = judgeTable(table, {
        model: { kind: 'linear' },
        usesTime: true,
        folds: 2,
      });
      expect(linearBaselines).toHaveProperty(name);
      expect(rmspePercent).toBeLessThanOrEqual(linearBaselines[name] ?? 0);
      if (name.includes('gpu')) expect(rmspePercent).toBeLessThanOrEqual(4);
      expect(coveragePercent).toBeGreaterThan(85);
      expect(coveragePercent).toBeLessThan(95);
    },
  );

  test.each(named)('%s: a line by itself is the baseline again', (name, table) => {
    const { rmspePercent } = judgeTable(table, {
      model: { kind: 'linear', loss: 'squared' },
      usesTime: false,
      folds: 2,
    });
    expect(Math.abs(rmspePercent - (linearBaselines[name] ?? 0))).toBeLessThan(0.5);
  });

  test.each(graphics)('%s: the regimes that are a fifth slower are found', (_, table) => {
    const { isAutocorrelated, shifts } = driftOfTable(table);
    expect(isAutocorrelated).toBe(true);
    expect(shifts.filter(({ ratio }) => ratio > 1.15).length).toBeGreaterThanOrEqual(1);
    expect(shifts.filter(({ ratio }) => ratio < 0.87).length).toBeGreaterThanOrEqual(2);
  });

  test('the Xeon has none that lasts', () => {
    const [, xeon] = named.find(([name]) => name.includes('xeon')) ?? [];
    const { segments } = xeon ? driftOfTable(xeon) : { segments: [] };
    const far = segments.filter(({ level }) => Math.abs(level) > 0.1);
    expect(segments.at(-1)?.to).toBe(2000);
    expect(far.reduce((rows, { from, to }) => rows + to - from, 0)).toBeLessThan(40);
  });
});
