import { createRandom, ShapeError } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import { resizeBiasTable, windowOfTable } from '../../src/checkpoint/bias-table';

/** The table of value i = sin(0.7 i). */
function sineTable(window: number, heads: number): { values: Float32Array; shape: number[] } {
  const rows = (2 * window - 1) ** 2;
  return { values: Float32Array.from({ length: rows * heads }, (_, i) => Math.sin(0.7 * i)), shape: [rows, heads] };
}

/**
 * Computed with PyTorch 1.13.1 in float64: `interpolate(table.permute(1, 0).reshape(1, heads, S, S), size=(T, T), mode='bicubic',
 * align_corners=False)` of the sine table, back in [T * T, heads]: sum, sum of squares, and some values by index.
 */
const computed: [from: number, to: number, heads: number, sum: number, squares: number, values: [number, number][]][] =
  [
    [
      7,
      12,
      1,
      3.5518163738470907,
      157.07023290110482,
      [
        [0, -0.10945782568916147],
        [1, 0.19974635783070313],
        [2, 0.6671292134823988],
        [23, 0.14764699518456648],
        [24, 0.20210399916474656],
        [264, 0.7772356315262271],
        [528, -1.216545269374634],
      ],
    ],
    [
      7,
      8,
      2,
      3.4887698811975416,
      229.9126209976368,
      [
        [0, -0.01600630010768479],
        [1, 0.6619147153943774],
        [2, 0.8933500678063984],
        [15, 0.29696214246130276],
        [16, -0.20876767319405107],
        [112, -0.8337797644755823],
        [449, -0.3051335694274011],
      ],
    ],
    [
      7,
      5,
      1,
      0.684078816451381,
      19.057731336343522,
      [
        [0, 0.15365616229165457],
        [1, 0.5604306782410668],
        [2, 0.40488199584985274],
        [9, -0.4077657798854542],
        [10, 0.07805816478207933],
        [40, 0.7772356315262265],
        [80, -0.4927359524911376],
      ],
    ],
    [
      3,
      7,
      2,
      17.729031323626195,
      164.46698929470674,
      [
        [0, -0.19130032638403519],
        [1, 0.5710891098099969],
        [2, -0.0038641485544198906],
        [13, -0.2922826608509588],
        [14, -0.13411507502567266],
        [84, 0.9630979367138935],
        [337, 0.09862321941836215],
      ],
    ],
    [
      12,
      7,
      1,
      3.7789279830661133,
      44.778449909538644,
      [
        [0, -0.16826345363660272],
        [1, 0.16737384305718142],
        [2, 0.26843168839419235],
        [13, 0.6770398068983132],
        [14, 0.7188795819232082],
        [84, 0.5260646993903626],
        [168, -0.11566379931932894],
      ],
    ],
    [
      2,
      3,
      1,
      0.10790977160921578,
      11.52623931198286,
      [
        [0, -0.15551819410989207],
        [1, 0.17909201301487407],
        [2, 0.6739037227975422],
        [5, 0.4445405549124644],
        [6, 0.5311208994970241],
        [12, 0.3349881501559051],
        [24, -0.6149225927121292],
      ],
    ],
  ];

describe('resizeBiasTable', () => {
  test.each(computed)(
    'window %i to %i with %i heads, as PyTorch computes it',
    (from, to, heads, sum, squares, values) => {
      const { values: resized, shape } = resizeBiasTable(sineTable(from, heads), to);
      expect(shape).toEqual([(2 * to - 1) ** 2, heads]);
      for (const [index, value] of values) expect(resized[index], `index ${index}`).toBeCloseTo(value, 6);
      expect(resized.reduce((total, value) => total + value, 0)).toBeCloseTo(sum, 4);
      expect(resized.reduce((total, value) => total + value * value, 0)).toBeCloseTo(squares, 4);
    },
  );

  test('the same window gives the same bits in memory of its own', () => {
    const table = sineTable(7, 3);
    const same = resizeBiasTable(table, 7);
    expect(same).toEqual(table);
    expect(same.values.buffer).not.toBe(table.values.buffer);
  });

  test('a constant stays constant, head by head', () => {
    const table = { values: Float32Array.from({ length: 169 * 2 }, (_, i) => (i % 2 === 0 ? 1 : -3)), shape: [169, 2] };
    for (const window of [1, 2, 8, 16]) {
      const { values } = resizeBiasTable(table, window);
      expect(Math.max(...values.map((value, i) => Math.abs(value - (i % 2 === 0 ? 1 : -3))))).toBeLessThan(1e-6);
    }
  });

  test('a table mirrored is resized to a table mirrored', () => {
    const random = createRandom(3);
    const values = Float32Array.from({ length: 49 }, () => random.normal());
    const resized = resizeBiasTable({ values, shape: [49, 1] }, 7).values;
    const mirrored = resizeBiasTable({ values: values.slice().reverse(), shape: [49, 1] }, 7).values;
    const difference = resized.map((value, i) => Math.abs(value - (mirrored[168 - i] ?? Number.NaN)));
    expect(Math.max(...difference)).toBeLessThan(1e-6);
  });

  test.each<[string, number[], number, number]>([
    ['rows of no window', [168, 3], 504, 7],
    ['an even side', [16, 1], 16, 7],
    ['one axis', [169], 169, 7],
    ['values that do not fit', [169, 3], 169, 7],
    ['window 0', [169, 1], 169, 0],
    ['half a window', [169, 1], 169, 7.5],
    ['NaN', [169, 1], 169, Number.NaN],
  ])('refuses %s', (_, shape, length, window) => {
    expect(() => resizeBiasTable({ values: new Float32Array(length), shape }, window)).toThrow(ShapeError);
  });

  test.each([
    [1, 1],
    [25, 3],
    [169, 7],
    [225, 8],
    [529, 12],
    [0, null],
    [168, null],
    [4, null],
    [196, null],
  ])('%i rows are of window %s', (rows, window) => {
    expect(windowOfTable(rows)).toBe(window);
  });
});
