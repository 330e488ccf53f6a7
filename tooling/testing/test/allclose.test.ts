import { describe, expect, it } from 'vitest';
import { expectAllclose, relativeError, worstElement } from '../src/index';

describe('expectAllclose', () => {
  it('accepts equal values by default and refuses any difference', () => {
    expectAllclose([1, 2, 3], new Float32Array([1, 2, 3]));
    expect(() => expectAllclose([1, 2, 3.0001], [1, 2, 3])).toThrow(/at index 2 of 3/);
  });

  it('adds the absolute and the relative part', () => {
    expectAllclose([110.5], [100], { absolute: 0.5, relative: 0.1 });
    expect(() => expectAllclose([110.6], [100], { absolute: 0.5, relative: 0.1 })).toThrow();
  });

  it('measures relative to the largest magnitude when asked', () => {
    expectAllclose([0.05, 100], [0, 100], { relative: 1e-3, scale: 'largest' });
    expect(() => expectAllclose([0.05, 100], [0, 100], { relative: 1e-3 })).toThrow(/index 0/);
  });

  it('reports the element furthest beyond its tolerance, not the largest difference', () => {
    expect(worstElement([1000.5, 0.2], [1000, 0], { relative: 1e-3 })).toMatchObject({ index: 1 });
  });

  it('refuses another length', () => {
    expect(() => expectAllclose([1, 2], [1])).toThrow(/number of elements/);
    expect(() => expectAllclose([], [1])).toThrow(/number of elements/);
  });

  it.each([
    [[Number.NaN], [1]],
    [[1], [Number.NaN]],
    [[Number.POSITIVE_INFINITY], [1]],
    [[1], [Number.POSITIVE_INFINITY]],
    [[Number.NEGATIVE_INFINITY], [Number.POSITIVE_INFINITY]],
  ])('refuses %j for %j whatever the tolerance', (actual, expected) => {
    expect(() => expectAllclose(actual, expected, { absolute: 1e9, relative: 1 })).toThrow(/index 0/);
  });

  it('lets NaN match NaN and infinity match infinity', () => {
    expectAllclose([Number.NaN, Number.POSITIVE_INFINITY], [Number.NaN, Number.POSITIVE_INFINITY]);
  });
});

describe('relativeError', () => {
  it('is the largest difference over the largest magnitude', () => {
    expect(relativeError([1, 9], [0, 10])).toBeCloseTo(0.1);
    expect(relativeError([0, 0], [0, 0])).toBe(0);
  });

  it('is NaN, which no bound accepts, for NaN and for another length', () => {
    expect(relativeError([Number.NaN], [1])).toBeNaN();
    expect(relativeError([1], [1, 2])).toBeNaN();
  });
});
