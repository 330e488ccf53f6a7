/** Comparing float arrays: which element differs most, and by how much. */
import { expect } from 'vitest';

/** Numbers to compare: what `dataSync()`, a typed array or a literal give. */
export type Numbers = ArrayLike<number>;

/** An element passes when |actual - expected| <= absolute + relative * scale. Both default to 0: equal values. */
export interface Tolerance {
  /** In the unit of the values. */
  readonly absolute?: number;
  /** Fraction of the scale. */
  readonly relative?: number;
  /** What `relative` refers to: each expected element (default), or the largest magnitude of all expected elements. */
  readonly scale?: 'element' | 'largest';
}

/** The element that differs most from what it should be, relative to what it may differ. */
export interface WorstElement {
  readonly index: number;
  readonly actual: number;
  readonly expected: number;
  readonly difference: number;
  /** Largest difference that the tolerance allows at this element. */
  readonly allowed: number;
}

/** Finds the element furthest beyond (or closest to) its tolerance; null for empty arrays. A NaN or an infinity matches only itself. */
export function worstElement(actual: Numbers, expected: Numbers, tolerance: Tolerance = {}): WorstElement | null {
  const { absolute = 0, relative = 0, scale = 'element' } = tolerance;
  const largest = scale === 'largest' ? largestMagnitude(expected) : 0;
  let worst: WorstElement | null = null;
  let worstExcess = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < expected.length; index++) {
    const a = actual[index] ?? Number.NaN;
    const e = expected[index] ?? Number.NaN;
    const difference = Object.is(a, e) || a === e ? 0 : Math.abs(a - e);
    // Without the check an infinite expected value would allow an infinite difference.
    const reference = scale === 'largest' ? largest : Math.abs(e);
    const allowed = absolute + (Number.isFinite(reference) ? relative * reference : 0);
    const excess = difference - allowed;
    if (Number.isNaN(excess)) return { index, actual: a, expected: e, difference, allowed };
    if (excess > worstExcess) {
      worstExcess = excess;
      worst = { index, actual: a, expected: e, difference, allowed };
    }
  }
  return worst;
}

/**
 * Fails the test unless every element is within the tolerance, and reports the worst element with its index.
 *
 * @example
 * expectAllclose(y.dataSync(), golden, { absolute: 1e-4 });
 */
export function expectAllclose(actual: Numbers, expected: Numbers, tolerance: Tolerance = {}, label = 'values'): void {
  expect(actual.length, `${label}: number of elements`).toBe(expected.length);
  const worst = worstElement(actual, expected, tolerance);
  if (worst === null || worst.difference <= worst.allowed) return;
  expect.fail(
    `${label}: expected |actual - expected| <= ${worst.allowed.toExponential(2)}, got ${worst.difference.toExponential(3)} ` +
      `at index ${worst.index} of ${expected.length} (actual ${worst.actual}, expected ${worst.expected}).`,
  );
}

/** Largest |actual - expected| divided by the largest |expected| (by 1 when all expected are 0). */
export function relativeError(actual: Numbers, expected: Numbers): number {
  if (actual.length !== expected.length) return Number.NaN;
  let difference = 0;
  for (let index = 0; index < expected.length; index++) {
    const d = Math.abs((actual[index] ?? Number.NaN) - (expected[index] ?? Number.NaN));
    if (Number.isNaN(d)) return Number.NaN;
    difference = Math.max(difference, d);
  }
  return difference / (largestMagnitude(expected) || 1);
}

function largestMagnitude(values: Numbers): number {
  let largest = 0;
  for (let index = 0; index < values.length; index++) largest = Math.max(largest, Math.abs(values[index] ?? 0));
  return largest;
}
