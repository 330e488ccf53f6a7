/** Scores and choices on the kernels of the active backend. */

import { expectAllclose } from '@sparsevit/testing';
import type { WindowGrid } from '@sparsevit/windows';
import { createRandom, createWindowGrid, kernelNames } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import type { Values } from './support';
import { at, randomValues, runForOne } from './support';

/** Batch, height, width, window. */
const maps = [
  [1, 1, 1, 2],
  [1, 7, 7, 7],
  [2, 8, 8, 4],
  [1, 13, 6, 4],
  [3, 5, 17, 3],
  [1, 30, 25, 12],
  [2, 9, 2, 5],
] as const;

/** The row (or column) of the map under a row of the padded, rolled one: by moving the map, one step after the other. */
function shown(side: number, padded: number, shift: number, rollsFirst: boolean): (number | null)[] {
  let line: (number | null)[] = Array.from({ length: side }, (_, i) => i);
  const roll = (): void => {
    line = line.map((_, i) => line[(i + shift) % line.length] ?? null);
  };
  if (rollsFirst) roll();
  while (line.length < padded) line.push(null);
  if (!rollsFirst) roll();
  return line;
}

function naiveScores(map: Values, grid: WindowGrid, pads: 'counted' | 'left-out'): number[] {
  const { batch, height, width, window, rows, columns, shiftY, shiftX } = grid;
  const rollsFirst = grid.shift === 'roll-then-pad';
  const [ys, xs] = [
    shown(height, rows * window, shiftY, rollsFirst),
    shown(width, columns * window, shiftX, rollsFirst),
  ];
  const scores: number[] = [];
  for (let image = 0; image < batch; image++) {
    for (let top = 0; top < rows * window; top += window) {
      for (let left = 0; left < columns * window; left += window) {
        let [sum, real] = [0, 0];
        for (const y of ys.slice(top, top + window)) {
          for (const x of xs.slice(left, left + window)) {
            if (y === null || x === null) continue;
            sum += at(map.data, (image * height + y) * width + x) ** 2;
            real++;
          }
        }
        scores.push(Math.sqrt(pads === 'counted' ? sum : (sum * window * window) / real));
      }
    }
  }
  return scores;
}

/** Ids by falling score; ties by id; a NaN is the least. */
function naiveRanking(scores: ArrayLike<number>): number[] {
  const better = (a: number, b: number): number => {
    if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
    return a === b ? 0 : a > b ? -1 : 1;
  };
  return Array.from(scores, (_, id) => id).sort((a, b) => better(at(scores, a), at(scores, b)) || a - b);
}

/** Importance, scores of windows and their ranking against plain loops. */
export function scoreKernelCases(): void {
  describe('importance of tokens', () => {
    test.each([
      [1, 1],
      [1, 4],
      [5, 3],
      [49, 96],
      [130, 33],
      [2, 771],
    ])('%i tokens of %i channels', async (rows, channels) => {
      const x = randomValues([rows, channels], 1, 3);
      const rowOf = (row: number): number[] => Array.from(x.data.subarray(row * channels, (row + 1) * channels));
      const l1 = await runForOne(kernelNames.magnitude, { x }, { score: 'l1-mean' });
      const l2 = await runForOne(kernelNames.magnitude, { x }, { score: 'l2' });
      expect([l1.shape, l2.shape]).toEqual([[rows], [rows]]);
      const mean = (row: number[]): number => row.reduce((sum, v) => sum + Math.abs(v), 0) / channels;
      const tolerance = { relative: 1e-6 };
      expectAllclose(
        l1.data,
        Array.from({ length: rows }, (_, row) => mean(rowOf(row))),
        tolerance,
      );
      expectAllclose(
        l2.data,
        Array.from({ length: rows }, (_, row) => Math.hypot(...rowOf(row))),
        tolerance,
      );
    });
  });

  describe.each(maps)('scores of windows: batch %i, map %i x %i, window %i', (batch, height, width, window) => {
    const map = randomValues([batch, height, width], 2);
    for (const shift of ['pad-then-roll', 'roll-then-pad'] as const) {
      for (const isShifted of [false, true]) {
        test(`${shift}, ${isShifted ? 'shifted' : 'regular'}`, async () => {
          const rules = { pad: 'after-norm', shift, shiftOff: 'never' } as const;
          const grid = createWindowGrid({ batch, height, width, window, isShifted, rules });
          for (const pads of ['counted', 'left-out'] as const) {
            const scores = await runForOne(kernelNames.windowScores, { magnitude: map }, { grid, pads });
            expect(scores.shape).toEqual([batch, grid.windowsPerImage]);
            expectAllclose(scores.data, naiveScores(map, grid, pads), { relative: 1e-6 }, pads);
          }
        });
      }
    }
  });

  describe('choosing windows', () => {
    const expectChoice = async (scores: Values, keptPerImage: number): Promise<void> => {
      const [batch = 0, windows = 0] = scores.shape;
      const ids = await runForOne(kernelNames.selectWindows, { scores }, { keptPerImage });
      expect(ids.shape).toEqual([batch, keptPerImage]);
      const expected = Array.from({ length: batch }, (_, image) =>
        naiveRanking(scores.data.subarray(image * windows, (image + 1) * windows)).slice(0, keptPerImage),
      );
      expect(Array.from(ids.data)).toEqual(expected.flat());
    };

    test.each([
      [1, 1, 1],
      [1, 9, 4],
      [2, 64, 64],
      [3, 127, 1],
      [2, 128, 50],
      [1, 129, 129],
      [4, 361, 144],
      [1, 1369, 700],
    ])('of %i images with %i windows each the best %i', async (batch, windows, kept) => {
      await expectChoice(randomValues([batch, windows], 3), kept);
    });

    test('equal scores by id, among them 0 and -0', async () => {
      const random = createRandom(4);
      const data = Float32Array.from({ length: 300 }, () => [0, -0, 0.5, -1][random.integer(0, 4)] ?? 0);
      for (const kept of [1, 70, 150, 300]) await expectChoice({ shape: [1, 300], data }, kept);
      await expectChoice({ shape: [3, 100], data }, 60);
    });

    test('a NaN is less than everything', async () => {
      const data = Float32Array.from([0, Number.NaN, -Infinity, 2, Number.NaN, Infinity, -3, Number.NaN, 1e-38, -0]);
      for (let kept = 1; kept <= 10; kept++) await expectChoice({ shape: [1, 10], data }, kept);
      await expectChoice({ shape: [2, 5], data }, 3);
      await expectChoice({ shape: [1, 4], data: new Float32Array(4).fill(Number.NaN) }, 4);
    });
  });
}
