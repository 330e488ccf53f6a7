import { expectAllclose } from '@sparsevit/testing';
import { allWindowIds, createRandom, createWindowGrid, windowMaskClasses, windowTokens } from '@sparsevit/windows';
import { expect } from 'vitest';
import { describeBuilds, noise, ranges } from './arena';

/** What plans need beside the kernels of layers: rows of patches, of neighbours and of windows, and counts that are data. */
export function binaryPlanCases(): void {
  describeBuilds('rows by coordinates', (withKernels) => {
    for (const [height, width, patch, channels] of [
      [8, 8, 4, 3],
      [9, 7, 4, 3],
      [5, 6, 2, 1],
      [3, 3, 2, 5],
    ] as const) {
      withKernels(`patches of ${patch} of ${height} x ${width} x ${channels}, in ranges`, (kernels, arena) => {
        const batch = 2;
        for (const round of [Math.ceil, Math.floor]) {
          const [rows, columns] = [round(height / patch), round(width / patch)];
          const tokens = batch * rows * columns;
          const depth = patch * patch * channels;
          const image = arena.floats(batch * height * width * channels, noise);
          const out = arena.garbage(tokens * depth * 4);
          for (const [begin, end] of ranges(tokens)) {
            kernels.patchRows(image, out, begin, end, height, width, rows, columns, patch, channels);
          }
          const pixels = arena.values(image, batch * height * width * channels);
          const expected: number[] = [];
          for (let token = 0; token < tokens; token++) {
            const [i, inImage] = [Math.floor(token / (rows * columns)), token % (rows * columns)];
            for (let y = 0; y < patch; y++) {
              for (let x = 0; x < patch; x++) {
                const row = Math.floor(inImage / columns) * patch + y;
                const column = (inImage % columns) * patch + x;
                const isInside = row < height && column < width;
                for (let c = 0; c < channels; c++) {
                  expected.push(isInside ? (pixels[((i * height + row) * width + column) * channels + c] ?? 0) : 0);
                }
              }
            }
          }
          expect(arena.values(out, tokens * depth)).toEqual(expected);
        }
      });
    }

    for (const [height, width, channels] of [
      [4, 6, 4],
      [5, 3, 7],
      [1, 1, 96],
    ] as const) {
      withKernels(`neighbours of ${height} x ${width} x ${channels}, in ranges`, (kernels, arena) => {
        const batch = 2;
        const [rows, columns] = [Math.ceil(height / 2), Math.ceil(width / 2)];
        const tokens = batch * rows * columns;
        const x = arena.floats(batch * height * width * channels, noise);
        const out = arena.garbage(tokens * 4 * channels * 4);
        for (const [begin, end] of ranges(tokens)) kernels.mergeRows(x, out, begin, end, height, width, channels);
        const expected: number[] = [];
        for (let token = 0; token < tokens; token++) {
          const [i, inImage] = [Math.floor(token / (rows * columns)), token % (rows * columns)];
          for (const [down, right] of [
            [0, 0],
            [1, 0],
            [0, 1],
            [1, 1],
          ] as const) {
            const row = Math.floor(inImage / columns) * 2 + down;
            const column = (inImage % columns) * 2 + right;
            const from = x + ((i * height + row) * width + column) * channels * 4;
            const isInside = row < height && column < width;
            expected.push(...(isInside ? arena.values(from, channels) : Array.from({ length: channels }, () => 0)));
          }
        }
        expect(arena.values(out, tokens * 4 * channels)).toEqual(expected);
      });
    }

    for (const [name, options] of grids) {
      withKernels(`windows of ${name}: all, ranked, and counted over images`, (kernels, arena) => {
        const grid = createWindowGrid(options);
        const { batch, windowsPerImage, tokensPerWindow } = grid;
        const random = createRandom(8);
        const stride = windowsPerImage;
        const ranking = Array.from({ length: batch }, () => shuffled(windowsPerImage, random.uniform)).flat();
        const kept = Math.max(1, Math.floor(windowsPerImage / 2));
        const prefix = Array.from(
          { length: batch * kept },
          (_, i) => (ranking[Math.floor(i / kept) * stride + (i % kept)] ?? 0) + Math.floor(i / kept) * windowsPerImage,
        );
        const global = ranking.map((id, i) => id + Math.floor(i / windowsPerImage) * windowsPerImage).toReversed();
        for (const [ids, given, keptPerImage] of [
          [0, Array.from(allWindowIds(grid)), 0],
          [arena.ints(ranking), prefix, kept],
          [arena.ints(global), global, 0],
        ] as const) {
          for (const [begin, end] of [[0, given.length] as const, ...ranges(given.length)]) {
            const chunk = given.slice(begin, end);
            const [index, slots, classes, count] = [
              chunk.length * tokensPerWindow,
              chunk.length * tokensPerWindow,
              chunk.length,
              1,
            ].map((length) => arena.garbage(length * 4)) as [number, number, number, number];
            const { height, width, window, shiftY, shiftX, shift } = grid;
            const place = [height, width, window, shiftY, shiftX, shift === 'roll-then-pad'] as const;
            const lists = [index, slots, classes, count] as const;
            const rows = kernels.windowRows(ids, begin, end, keptPerImage, stride, ...place, ...lists);
            const tokens = windowTokens(grid, chunk);
            const real = Array.from(tokens).filter((token) => token >= 0);
            expect(rows).toBe(real.length);
            expect(kernels.loadInteger(count)).toBe(rows);
            expect(Array.from(arena.intView(index, rows))).toEqual(real);
            let row = 0;
            const expectedSlots = Array.from(tokens, (token) => (token < 0 ? rows : row++));
            expect(Array.from(arena.intView(slots, tokens.length))).toEqual(expectedSlots);
            const classOf = windowMaskClasses(grid);
            const expectedClasses = chunk.map((id) => classOf[id % windowsPerImage]);
            expect(Array.from(arena.intView(classes, chunk.length))).toEqual(expectedClasses);
            expect(kernels.windowRows(ids, begin, end, keptPerImage, stride, ...place, index, 0, 0, 0)).toBe(rows);
          }
        }
      });
    }
  });

  describeBuilds('counts and sums', (withKernels) => {
    withKernels('windows above a threshold: by image, then by falling score, at least some', (kernels, arena) => {
      const random = createRandom(21);
      for (const [batch, windows, threshold, minKept] of [
        [1, 1, 5, 0],
        [2, 9, 0.5, 1],
        [3, 40, 0.8, 2],
        [2, 16, 10, 3],
        [2, 16, -1, 0],
      ] as const) {
        const window = 7;
        const scores = arena.floats(batch * windows, () => (Math.round(random.uniform() * 20) / 20) * window); // with ties
        const values = arena.values(scores, batch * windows);
        const [ids, total] = [arena.garbage(batch * windows * 4), arena.garbage(4)];
        const scratch = arena.garbage(3 * windows * 4);
        const expected: number[] = [];
        for (let image = 0; image < batch; image++) {
          const first = image * windows;
          const ranked = Array.from({ length: windows }, (_, id) => id).sort(
            (a, b) => (values[first + b] ?? 0) - (values[first + a] ?? 0) || a - b,
          );
          ranked.forEach((id, rank) => {
            if (rank < minKept || (values[first + id] ?? 0) / window >= threshold) expected.push(first + id);
          });
        }
        const kept = kernels.windowsAboveThreshold(
          scores,
          ids,
          batch,
          windows,
          threshold,
          window,
          minKept,
          total,
          scratch,
        );
        expect(kept).toBe(expected.length);
        expect(kernels.loadInteger(total)).toBe(kept);
        expect(Array.from(arena.intView(ids, kept))).toEqual(expected);
      }
    });

    for (const channels of [1, 4, 7, 96]) {
      withKernels(
        `means over the tokens of images of ${channels} channels, and copies, in ranges`,
        (kernels, arena) => {
          const [batch, tokens] = [3, 10];
          const x = arena.floats(batch * tokens * channels, noise);
          const out = arena.garbage(batch * channels * 4);
          for (const [begin, end] of ranges(batch)) kernels.averagePool(x, out, begin, end, tokens, channels);
          const values = arena.values(x, batch * tokens * channels);
          const expected = Array.from({ length: batch * channels }, (_, i) => {
            const [image, channel] = [Math.floor(i / channels), i % channels];
            let sum = 0;
            for (let token = 0; token < tokens; token++)
              sum += values[(image * tokens + token) * channels + channel] ?? 0;
            return sum / tokens;
          });
          expectAllclose(arena.view(out, batch * channels), expected, { absolute: 1e-6 });
          const copy = arena.garbage(values.length * 4);
          for (const [begin, end] of ranges(values.length, 5)) kernels.copyValues(x, copy, begin, end);
          expect(arena.values(copy, values.length)).toEqual(values);
        },
      );
    }
  });
}

const rules = { pad: 'after-norm', shift: 'pad-then-roll', shiftOff: 'never' } as const;
const grids: [string, Parameters<typeof createWindowGrid>[0]][] = [
  ['14x14 by 7', { batch: 2, height: 14, width: 14, window: 7, isShifted: false, rules }],
  ['10x13 by 7, shifted', { batch: 2, height: 10, width: 13, window: 7, isShifted: true, rules }],
  ['3x4 by 7, shifted', { batch: 3, height: 3, width: 4, window: 7, isShifted: true, rules }],
  [
    '9x6 by 4, rolled then padded',
    { batch: 2, height: 9, width: 6, window: 4, isShifted: true, rules: { ...rules, shift: 'roll-then-pad' } },
  ],
  [
    '7x15 by 7, shift off per axis',
    { batch: 1, height: 7, width: 15, window: 7, isShifted: true, rules: { ...rules, shiftOff: 'per-axis' } },
  ],
];

function shuffled(count: number, uniform: () => number): number[] {
  const left = Array.from({ length: count }, (_, id) => id);
  return Array.from({ length: count }, () => left.splice(Math.floor(uniform() * left.length), 1)[0] ?? 0);
}
