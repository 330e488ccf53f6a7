import { expectAllclose } from '@sparsevit/testing';
import { createWindowGrid, windowTokens } from '@sparsevit/windows';
import { expect } from 'vitest';
import { describeBuilds, noise, ranges } from './arena';

const channelCounts = [1, 3, 4, 7, 8, 15, 16, 33, 96, 130];

/** Rows, norms, scores and activations of the bare kernels against plain loops in doubles, whole and in ranges. */
export function binaryRowCases(): void {
  describeBuilds('rows', (withKernels) => {
    for (const channels of channelCounts) {
      withKernels(`gather and scatter of rows of ${channels}, in ranges`, (kernels, arena) => {
        const [rows, index] = [6, [5, -1, 0, 3, -1, 2, 1]];
        const [n, at] = [index.length, arena.ints(index)];
        const x = arena.floats(rows * channels, noise);
        const gathered = arena.garbage(n * channels * 4);
        for (const [begin, end] of ranges(n)) kernels.gatherRows(x, at, gathered, begin, end, channels);
        const rowOf = (from: number, row: number): number[] => arena.values(from + row * channels * 4, channels);
        const zeros = Array.from({ length: channels }, () => 0);
        expect(arena.values(gathered, n * channels)).toEqual(index.flatMap((row) => (row < 0 ? zeros : rowOf(x, row))));

        const source = arena.floats(n * channels, noise);
        for (const from of [source, 0]) {
          const target = arena.floats(rows * channels, noise);
          const expected = arena.values(target, rows * channels);
          index.forEach((row, i) => {
            if (row >= 0) expected.splice(row * channels, channels, ...(from === 0 ? zeros : rowOf(from, i)));
          });
          for (const [begin, end] of ranges(n)) kernels.scatterRows(from, at, target, begin, end, channels);
          expect(arena.values(target, rows * channels)).toEqual(expected);
        }
      });

      withKernels(`importance of rows of ${channels}, in ranges`, (kernels, arena) => {
        const rows = 7;
        const x = arena.floats(rows * channels, noise);
        for (const isNorm of [false, true]) {
          const y = arena.garbage(rows * 4);
          for (const [begin, end] of ranges(rows)) kernels.magnitude(x, y, begin, end, channels, isNorm);
          const expected = Array.from({ length: rows }, (_, row) => {
            const values = arena.values(x + row * channels * 4, channels);
            const sum = values.reduce((sum, value) => sum + (isNorm ? value * value : Math.abs(value)), 0);
            return isNorm ? Math.sqrt(sum) : sum / channels;
          });
          expectAllclose(arena.view(y, rows), expected, { relative: 1e-6 });
        }
      });

      withKernels(
        `the gradient of a norm of ${channels} channels, by index, with pads, in ranges`,
        (kernels, arena) => {
          const [count, index, epsilon] = [6, [4, -1, 0, 5, -1, 2], 1e-5];
          const at = arena.ints(index);
          const x = arena.floats(count * channels, noise);
          const weight = arena.floats(channels, noise);
          const dy = arena.floats(count * channels, noise);
          for (const [address, pad] of [
            [at, 0],
            [at, 1],
            [at, 2],
            [0, 0],
          ] as const) {
            const dx = arena.floats(count * channels);
            const [dWeight, dBias] = [arena.floats(channels), arena.floats(channels)];
            for (const [begin, end] of ranges(count)) {
              kernels.layerNormGradient(x, weight, dy, address, dx, dWeight, dBias, begin, end, channels, epsilon, pad);
            }
            const expected = {
              dx: new Float64Array(count * channels),
              dWeight: new Float64Array(channels),
              dBias: new Float64Array(channels),
            };
            const weights = arena.values(weight, channels);
            for (let i = 0; i < count; i++) {
              const up = arena.values(dy + i * channels * 4, channels);
              const row = address === 0 ? i : (index[i] ?? -1);
              if (row < 0) {
                if (pad === 1) for (let c = 0; c < channels; c++) add(expected.dBias, c, up[c]);
                continue;
              }
              const values = arena.values(x + row * channels * 4, channels);
              const mean = values.reduce((a, b) => a + b, 0) / channels;
              const factor = 1 / Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / channels + epsilon);
              const h = values.map((value) => (value - mean) * factor);
              const g = up.map((value, c) => value * (weights[c] ?? 0));
              const meanG = g.reduce((a, b) => a + b, 0) / channels;
              const meanGH = g.reduce((a, b, c) => a + b * (h[c] ?? 0), 0) / channels;
              for (let c = 0; c < channels; c++) {
                add(expected.dx, row * channels + c, factor * ((g[c] ?? 0) - meanG - (h[c] ?? 0) * meanGH));
                add(expected.dWeight, c, (up[c] ?? 0) * (h[c] ?? 0));
                add(expected.dBias, c, up[c]);
              }
            }
            // rows of one channel have a variance of 0, and a factor of 316
            const tolerance = { absolute: channels < 3 ? 1e-4 : 2e-5, relative: 1e-5 };
            expectAllclose(arena.view(dx, count * channels), expected.dx, tolerance);
            expectAllclose(arena.view(dWeight, channels), expected.dWeight, tolerance);
            expectAllclose(arena.view(dBias, channels), expected.dBias, tolerance);
          }
        },
      );

      withKernels(`a norm of ${channels} channels by index: a part gives the bits of the whole`, (kernels, arena) => {
        const index = [3, -1, 0, 2, -1, 1, 3];
        const [n, at] = [index.length, arena.ints(index)];
        const x = arena.floats(4 * channels, noise);
        const [weight, bias] = [arena.floats(channels, noise), arena.floats(channels, noise)];
        for (const pad of [1, 2]) {
          const [whole, parts] = [arena.garbage(n * channels * 4), arena.garbage(n * channels * 4)];
          kernels.layerNorm(x, weight, bias, at, whole, 0, n, channels, 1e-5, pad);
          for (const [begin, end] of ranges(n)) {
            kernels.layerNorm(x, weight, bias, at, parts, begin, end, channels, 1e-5, pad);
          }
          expect(arena.values(parts, n * channels)).toEqual(arena.values(whole, n * channels));
          const padRow = pad === 1 ? arena.values(bias, channels) : Array.from({ length: channels }, () => 0);
          expect(arena.values(whole + channels * 4, channels)).toEqual(padRow);
          const alone = arena.garbage(channels * 4);
          kernels.padRow(alone, bias, channels, pad);
          expect(arena.values(alone, channels)).toEqual(padRow);
        }
      });
    }

    withKernels('activations in ranges give the bits of the whole, also in place', (kernels, arena) => {
      const count = 1037;
      const x = arena.floats(count, () => 6 * noise());
      const dy = arena.floats(count, noise);
      const [whole, parts] = [arena.garbage(count * 4), arena.garbage(count * 4)];
      kernels.geluGradient(x, dy, whole, 0, count);
      for (const [begin, end] of ranges(count, 7)) kernels.geluGradient(x, dy, parts, begin, end);
      expect(arena.values(parts, count)).toEqual(arena.values(whole, count));
      kernels.gelu(x, whole, 0, count);
      for (const [begin, end] of ranges(count, 7)) kernels.gelu(x, parts, begin, end);
      expect(arena.values(parts, count)).toEqual(arena.values(whole, count));
      kernels.gelu(x, x, 0, count);
      expect(arena.values(x, count)).toEqual(arena.values(whole, count));
    });

    withKernels('gelu of small values is right in its leading digits', (kernels, arena) => {
      const inputs = [1e-30, -1e-30, 1e-6, -1e-6, 1e-3, -1e-3, 0.01, -0.01, 0.1, -0.1].map(Math.fround);
      const x = arena.floats(inputs.length, (i) => inputs[i] ?? 0);
      kernels.gelu(x, x, 0, inputs.length);
      // x / 2 + x² / sqrt(2 pi) - x⁴ / (6 sqrt(2 pi)) + x⁶ / (40 sqrt(2 pi)) ...
      const exact = inputs.map((v) => v / 2 + (v * v - v ** 4 / 6 + v ** 6 / 40) / Math.sqrt(2 * Math.PI));
      arena.values(x, inputs.length).forEach((value, i) => {
        expect(Math.abs(value / (exact[i] ?? 0) - 1), `gelu(${inputs[i]})`).toBeLessThan(5e-6);
      });
    });

    withKernels('scores of windows on any map, both shifts, both pads, in ranges', (kernels, arena) => {
      for (const [batch, height, width, window] of [
        [2, 8, 8, 4],
        [1, 9, 5, 4],
        [3, 7, 16, 7],
        [1, 1, 3, 7],
        [2, 13, 10, 3],
      ] as const) {
        const map = arena.floats(batch * height * width, noise);
        const values = arena.values(map, batch * height * width);
        for (const shift of ['roll-then-pad', 'pad-then-roll'] as const) {
          for (const isShifted of [false, true]) {
            const rules = { pad: 'after-norm', shift, shiftOff: 'never' } as const;
            const grid = createWindowGrid({ batch, height, width, window, isShifted, rules });
            const windows = batch * grid.windowsPerImage;
            for (const leavesOutPads of [false, true]) {
              const scores = arena.garbage(windows * 4);
              for (const [begin, end] of ranges(windows)) {
                kernels.windowScores(
                  ...([map, scores, begin, end, height, width, window, grid.shiftY, grid.shiftX] as const),
                  shift === 'roll-then-pad',
                  leavesOutPads,
                );
              }
              const expected = Array.from({ length: windows }, (_, id) => {
                const tokens = Array.from(windowTokens(grid, [id])).filter((token) => token >= 0);
                const norm = Math.sqrt(tokens.reduce((sum, token) => sum + (values[token] ?? 0) ** 2, 0));
                return norm * (leavesOutPads ? Math.sqrt((window * window) / tokens.length) : 1);
              });
              expectAllclose(arena.view(scores, windows), expected, { relative: 1e-6 });
            }
          }
        }
      }
    });

    withKernels('ranking of many windows equals a sort', (kernels, arena) => {
      for (const count of [1, 2, 3, 31, 64, 1000]) {
        const scores = arena.floats(count, () => Math.round(noise() * count) / 4); // with many ties
        const values = arena.values(scores, count);
        const order = values.map((_, id) => id).sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0) || a - b);
        const scratch = arena.garbage(count * 8);
        for (const kept of new Set([1, Math.ceil(count / 3), count])) {
          const ids = arena.garbage(kept * 4);
          kernels.selectWindows(scores, ids, count, kept, scratch);
          expect(Array.from(arena.intView(ids, kept))).toEqual(order.slice(0, kept));
        }
      }
    });
  });
}

function add(sums: Float64Array, at: number, value: number | undefined): void {
  sums[at] = (sums[at] ?? 0) + (value ?? Number.NaN);
}
