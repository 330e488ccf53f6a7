import { describe, expect, it } from 'vitest';
import type { RunProfile } from '../src/profile';
import { createNestedTimer, partOf, summarizeProfiles } from '../src/profile';

describe('the timer', () => {
  it('counts every moment once, for the innermost call', () => {
    let timeMs = 0;
    const timer = createNestedTimer(() => timeMs);
    const wait = (ms: number): void => {
      timeMs += ms;
    };
    timer.time('outer', () => {
      wait(5);
      timer.time('inner', () => wait(3));
      timer.time('inner', () => {
        wait(4);
        timer.time('innermost', () => wait(7));
      });
      wait(1);
    });
    timer.time('other', () => wait(2));
    expect(Object.fromEntries(timer.ownMs)).toEqual({ outer: 6, inner: 7, innermost: 7, other: 2 });
    expect([...timer.ownMs.values()].reduce((sum, ms) => sum + ms)).toBe(timeMs);
  });

  it('returns results, hands on its time, and survives errors', () => {
    let timeMs = 0;
    const timer = createNestedTimer(() => timeMs);
    const own: number[] = [];
    expect(
      timer.time(
        'a',
        () => ++timeMs,
        (ms) => own.push(ms),
      ),
    ).toBe(1);
    expect(() =>
      timer.time('b', () => {
        timeMs += 2;
        throw new Error('broken');
      }),
    ).toThrow('broken');
    timer.time('a', () => ++timeMs);
    expect(own).toEqual([1]);
    expect(Object.fromEntries(timer.ownMs)).toEqual({ a: 2, b: 2 });
  });
});

it.each([
  ['SparseViTLinear', 'products'],
  ['SparseViTWindowAttention', 'attention'],
  ['SparseViTSelectWindows', 'scoring'],
  ['SparseViTScatterRows', 'moving'],
  ['SparseViTLayerNorm', 'norms'],
  ['Multiply', 'other'],
])('%s is for %s', (name, part) => {
  expect(partOf(name)).toBe(part);
});

it('shares are taken of each run, and JavaScript counts as selection', () => {
  const runOf = (scale: number): RunProfile => ({
    totalMs: 100 * scale,
    partsMs: {
      products: 80 * scale,
      attention: 10 * scale,
      scoring: scale,
      moving: 2 * scale,
      norms: 3 * scale,
      other: 0,
      outside: 4 * scale,
    },
    kernelsMs: { SparseViTLinear: 80 * scale, SparseViTLayerNorm: 3 * scale },
    products: [],
  });
  const profile = summarizeProfiles([runOf(1), runOf(3), runOf(2)]);
  expect(profile.runs).toBe(3);
  expect(profile.totalMs).toBe(200);
  expect(profile.overheadShare).toBeCloseTo(0.1, 12);
  expect(profile.selectionShare).toBeCloseTo(0.07, 12);
  expect(Object.entries(profile.slowestKernelsMs)).toEqual([
    ['SparseViTLinear', 160],
    ['SparseViTLayerNorm', 6],
  ]);
});
