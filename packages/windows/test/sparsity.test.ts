import { describe, expect, test } from 'vitest';
import {
  ConfigError,
  checkArchitecture,
  checkSparsity,
  keptWindows,
  sparsityModes,
  uniformSparsity,
} from '../src/index';

const swinT = { embedDim: 96, depths: [2, 2, 6, 2], heads: [3, 6, 12, 24], window: 7, mlpRatio: 4, patchSize: 4 };

describe('keptWindows', () => {
  // the published code's counts at 672 x 672
  test.each([
    [576, [518, 460, 403, 345, 288, 230, 172, 115]],
    [144, [129, 115, 100, 86, 72, 57, 43, 28]],
    [36, [32, 28, 25, 21, 18, 14, 10, 7]],
    [9, [8, 7, 6, 5, 4, 3, 2, 1]],
  ])('official mode keeps the published number of %d windows', (windows, expected) => {
    const kept = expected.map((_, i) => keptWindows(windows, (i + 1) / 10, sparsityModes.official));
    expect(kept).toEqual(expected);
  });

  test('official mode truncates in doubles, as Python does', () => {
    const kept = (windows: number, ratio: number): number => keptWindows(windows, ratio, sparsityModes.official);
    expect([kept(65, 0.8), kept(190, 0.8), kept(50, 0.8), kept(260, 0.8), kept(90, 0.3)]).toEqual([12, 37, 9, 51, 62]);
    expect([kept(3, 0.7), kept(4, 0.8)]).toEqual([0, 0]);
  });

  test('clean mode rounds the exact decimal product, halves up, and keeps at least one', () => {
    const kept = (windows: number, ratio: number): number => keptWindows(windows, ratio, sparsityModes.clean);
    expect([kept(65, 0.8), kept(90, 0.3), kept(3, 0.9), kept(1, 0.95)]).toEqual([13, 63, 1, 1]);
    // 15 * (1 - 0.9) is 1.4999999999999996 in doubles
    expect([kept(15, 0.9), kept(5, 0.3), kept(5, 0.5)]).toEqual([2, 4, 3]);
    for (let windows = 1; windows <= 600; windows++) {
      for (let hundredths = 0; hundredths <= 95; hundredths++) {
        const exact = Math.max(1, Math.floor((2 * windows * (100 - hundredths) + 100) / 200));
        expect(kept(windows, hundredths / 100)).toBe(exact);
      }
    }
  });
});

describe('checkSparsity', () => {
  const ratios = (prunedRatios: number[][]) => ({ prunedRatios, ...sparsityModes.clean });
  test.each([
    ['a wrong number of stages', [[0.1], [0]], 'sparsity: expected 4 stages separated by "|", got 2.'],
    [
      'a wrong number of pairs',
      [[0], [0], [0.1], [0]],
      'sparsity: expected 3 ratios in stage 2 (one per pair of its 6 blocks), got 1.',
    ],
    [
      'a ratio above 0.95',
      [[0.96], [0], [0, 0, 0], [0]],
      'sparsity: expected ratios from 0 to 0.95, got 0.96 in stage 0.',
    ],
    [
      'a negative ratio',
      [[0], [-0.1], [0, 0, 0], [0]],
      'sparsity: expected ratios from 0 to 0.95, got -0.1 in stage 1.',
    ],
    ['no number', [[0], [Number.NaN], [0, 0, 0], [0]], 'sparsity: expected ratios from 0 to 0.95, got NaN in stage 1.'],
    [
      'a decrease inside a stage',
      [[0], [0], [0.3, 0.2, 0.4], [0]],
      /do not decrease inside a stage, got 0.3 then 0.2 in stage 2/,
    ],
  ])('refuses %s', (_, prunedRatios, message) => {
    expect(() => checkSparsity(swinT, ratios(prunedRatios))).toThrow(message);
    expect(() => checkSparsity(swinT, ratios(prunedRatios))).toThrow(ConfigError);
  });
  test('refuses bad thresholds and a bad minimum', () => {
    expect(() => checkSparsity(swinT, { thresholds: [1, null, -1, 2], ...sparsityModes.clean })).toThrow(
      /threshold of stage 2/,
    );
    expect(() => checkSparsity(swinT, { thresholds: [1], ...sparsityModes.clean })).toThrow(/expected 4 stages/);
    expect(() => checkSparsity(swinT, { ...ratios([[0], [0], [0, 0, 0], [0]]), minKept: -1 })).toThrow(/minKept/);
  });
  test('uniform means every pair', () => {
    expect(uniformSparsity(swinT, 0.6).prunedRatios).toEqual([[0.6], [0.6], [0.6, 0.6, 0.6], [0.6]]);
    expect(() => uniformSparsity(swinT, 1)).toThrow(/from 0 to 0.95, got 1/);
  });
});

describe('checkArchitecture', () => {
  test.each([
    ['heads that do not divide', { heads: [3, 6, 12, 25] }, /heads of stage 3 to divide its 768 channels, got 25/],
    ['a missing head count', { heads: [3, 6, 12] }, /4 depths and 3 heads/],
    ['no stage', { depths: [], heads: [] }, /0 depths/],
    ['a depth of 0', { depths: [2, 0, 6, 2] }, /depths\[1\] to be an integer of at least 1, got 0/],
    ['a fractional hidden width', { mlpRatio: 0.001 }, /whole number/],
  ])('refuses %s', (_, wrong, message) => {
    expect(() => checkArchitecture({ ...swinT, ...wrong })).toThrow(message);
  });
  test('returns what it was given', () => expect(checkArchitecture(swinT)).toBe(swinT));
});
