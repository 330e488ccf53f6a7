import { describe, expect, test } from 'vitest';
import {
  allWindowIds,
  createWindowGrid,
  maskClasses,
  realTokensPerWindow,
  relativePositionIndex,
  ShapeError,
  shiftMasks,
  windowMaskClasses,
  windowTokens,
} from '../src/index';

type Options = Parameters<typeof createWindowGrid>[0];
const rules: Options['rules'] = { pad: 'after-norm', shift: 'pad-then-roll', shiftOff: 'never' };
const grid = (
  height: number,
  width: number,
  window: number,
  isShifted: boolean,
  more: Partial<Options['rules']> = {},
) => createWindowGrid({ batch: 1, height, width, window, isShifted, rules: { ...rules, ...more } });

/** The numbers of windows per stage of Swin-T that the specification lists. */
test.each([
  [704, 256, [260, 65, 21, 8]],
  [792, 288, [319, 90, 24, 8]],
  [616, 224, [176, 44, 12, 3]],
  [528, 192, [133, 40, 10, 3]],
  [640, 640, [529, 144, 36, 9]],
  [672, 672, [576, 144, 36, 9]],
  [2048, 1024, [2738, 703, 190, 50]],
  [1333, 800, [1392, 360, 96, 24]],
])('%dx%d pixels have the published windows per stage', (width, height, expected) => {
  let [h, w] = [Math.ceil(height / 4), Math.ceil(width / 4)];
  const got = expected.map(() => {
    const { windowsPerImage } = grid(h, w, 7, false);
    [h, w] = [Math.ceil(h / 2), Math.ceil(w / 2)];
    return windowsPerImage;
  });
  expect(got).toEqual(expected);
});

describe('coordinates', () => {
  test('every token of the map is in exactly one window, whatever the shift and the padding', () => {
    for (const [height, width, window] of [
      [14, 14, 7],
      [9, 13, 5],
      [1, 1, 7],
      [8, 25, 8],
      [30, 7, 12],
    ] as const) {
      for (const shift of ['pad-then-roll', 'roll-then-pad'] as const) {
        for (const isShifted of [false, true]) {
          const g = createWindowGrid({ batch: 2, height, width, window, isShifted, rules: { ...rules, shift } });
          const tokens = Array.from(windowTokens(g, allWindowIds(g))).filter((token) => token >= 0);
          expect(tokens.sort((a, b) => a - b)).toEqual(Array.from({ length: 2 * height * width }, (_, i) => i));
        }
      }
    }
  });

  test('a shifted window of a padded map wraps around, as worked out by hand', () => {
    // 3 x 3 map, window 2, shift 1, padded to 4 x 4: the last window shows row 3 (pad) and row 0, column 3 (pad) and column 0
    expect(Array.from(windowTokens(grid(3, 3, 2, true), [0, 3]))).toEqual([4, 5, 7, 8, -1, -1, -1, 0]);
    // rolled first, the row after row 2 is row 0, and the pads come last
    expect(Array.from(windowTokens(grid(3, 3, 2, true, { shift: 'roll-then-pad' }), [0, 3]))).toEqual([
      4, 5, 7, 8, 0, -1, -1, -1,
    ]);
  });

  test('real tokens of each window are those that are not pads, at least one', () => {
    for (const shift of ['pad-then-roll', 'roll-then-pad'] as const) {
      const g = grid(10, 16, 7, true, { shift });
      const counted = Array.from(allWindowIds(g), (id) => windowTokens(g, [id]).filter((token) => token >= 0).length);
      expect(Array.from(realTokensPerWindow(g))).toEqual(counted);
      expect(Math.min(...counted)).toBeGreaterThan(0);
    }
  });

  test.each([-1, 4, 1.5, Number.NaN])('window id %d is refused', (id) => {
    expect(() => windowTokens(grid(4, 4, 2, false), [id])).toThrow(ShapeError);
  });

  test.each([
    ['batch', { batch: 0 }],
    ['height', { height: 1.5 }],
    ['width', { width: -3 }],
    ['window', { window: Number.NaN }],
  ])('a grid with a bad %s is refused by name', (name, wrong) => {
    const options = { batch: 1, height: 4, width: 4, window: 2, isShifted: false, rules, ...wrong };
    expect(() => createWindowGrid(options)).toThrow(
      `createWindowGrid: expected ${name} to be an integer of at least 1`,
    );
  });
});

describe('when a shift is switched off', () => {
  test.each([
    ['never', 7, 20, [3, 3]],
    ['per-axis', 7, 20, [0, 3]],
    ['per-axis', 8, 20, [3, 3]],
    ['both-axes', 7, 20, [0, 0]],
    ['both-axes', 8, 20, [3, 3]],
  ] as const)('%s on a map of %d x %d', (shiftOff, height, width, expected) => {
    const { shiftY, shiftX } = grid(height, width, 7, true, { shiftOff });
    expect([shiftY, shiftX]).toEqual(expected);
  });
});

describe('masks', () => {
  test('only the last row and column of windows have a class of their own', () => {
    const { inner, lastColumn, lastRow, corner } = maskClasses;
    expect(Array.from(windowMaskClasses(grid(6, 6, 2, true)))).toEqual([
      ...[inner, inner, lastColumn],
      ...[inner, inner, lastColumn],
      ...[lastRow, lastRow, corner],
    ]);
    expect(Array.from(windowMaskClasses(grid(6, 6, 2, false)))).toEqual(Array(9).fill(inner));
    expect(Array.from(windowMaskClasses(grid(2, 6, 2, true, { shiftOff: 'per-axis' })))).toEqual([
      inner,
      inner,
      lastColumn,
    ]);
  });

  test('a mask separates what the shift brought together', () => {
    const masks = shiftMasks(grid(6, 6, 2, true));
    const of = (maskClass: number): number[] => Array.from(masks.subarray(maskClass * 16, (maskClass + 1) * 16));
    const far = -100;
    expect(of(maskClasses.inner)).toEqual(Array(16).fill(0));
    // tokens of a 2 x 2 window: 0 1 / 2 3; the last column splits {0, 2} from {1, 3}
    expect(of(maskClasses.lastColumn)).toEqual([0, far, 0, far, far, 0, far, 0, 0, far, 0, far, far, 0, far, 0]);
    expect(of(maskClasses.lastRow)).toEqual([0, 0, far, far, 0, 0, far, far, far, far, 0, 0, far, far, 0, 0]);
    expect(of(maskClasses.corner)).toEqual([0, far, far, far, far, 0, far, far, far, far, 0, far, far, far, far, 0]);
  });
});

test('the relative position index has the published corners', () => {
  const index = relativePositionIndex(7);
  expect([index[0], index[48], index[48 * 49]]).toEqual([84, 0, 168]);
  expect(new Set(index).size).toBe(169);
});
