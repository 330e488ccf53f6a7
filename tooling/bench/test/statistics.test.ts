import { describe, expect, it } from 'vitest';
import { agree, fitLine, median, quantile, spreadOf } from '../src/statistics';

describe('quantile', () => {
  it.each([
    [[3, 1, 2], 0.5, 2],
    [[4, 1, 3, 2], 0.5, 2.5],
    [[5], 0.25, 5],
    [[10, 20, 30, 40, 50], 0.25, 20],
    [[10, 20, 30, 40], 0.75, 32.5],
    [[2, 1], 0, 1],
    [[2, 1], 1, 2],
  ])('of %j at %d is %d', (values, share, expected) => {
    expect(quantile(values, share)).toBe(expected);
  });

  it('sorts by number and leaves its input alone', () => {
    const values = [100, 9, 20];
    expect(median(values)).toBe(20);
    expect(values).toEqual([100, 9, 20]);
  });

  it('refuses no values', () => {
    expect(() => median([])).toThrow('expected values, got none');
  });
});

it('the spread is the median between the quartiles', () => {
  expect(spreadOf([1, 2, 3, 4, 100])).toEqual({ median: 3, firstQuartile: 2, thirdQuartile: 4 });
});

describe('agree', () => {
  it.each([
    [[100, 105, 102], true],
    [[100, 106, 102], false],
    [[106, 100], false],
    [[7], true],
  ])('%j within 5 %%: %s', (values, expected) => {
    expect(agree(values, 0.05)).toBe(expected);
  });
});

describe('fitLine', () => {
  it('finds the line that points lie on', () => {
    const line = fitLine([0.2, 0.5, 1].map((x) => ({ x, y: 3 + 2 * x })));
    expect(line?.intercept).toBeCloseTo(3, 12);
    expect(line?.slope).toBeCloseTo(2, 12);
  });

  it('of scattered points has the least squares', () => {
    // by hand: means 1 and 2, slope (-1 * -1 + 1 * 1) / 2 = 1
    expect(
      fitLine([
        { x: 0, y: 1 },
        { x: 1, y: 2 },
        { x: 2, y: 3 },
      ]),
    ).toEqual({ intercept: 1, slope: 1 });
  });

  it('is none for one x', () => {
    expect(fitLine([])).toBeNull();
    expect(fitLine([{ x: 1, y: 1 }])).toBeNull();
    expect(
      fitLine([
        { x: 1, y: 1 },
        { x: 1, y: 5 },
      ]),
    ).toBeNull();
  });
});
