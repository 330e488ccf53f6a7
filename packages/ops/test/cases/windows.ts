import { createTensorOps } from '@sparsevit/ops';
import { expectAllclose } from '@sparsevit/testing';
import type { Selection, WindowGrid } from '@sparsevit/windows';
import { createRandom, createWindowGrid, kernelNames, relativePositionIndex, windowTokens } from '@sparsevit/windows';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { attendWindow, build, padTo, partition, regions, roll } from './naive';
import { expectGradient, expectNoLeak, float32Tolerance, randomTensor, randomValues } from './support';

const ops = createTensorOps();
type Rules = Parameters<typeof createWindowGrid>[0]['rules'];
const swinRules: Rules = { pad: 'after-norm', shift: 'pad-then-roll', shiftOff: 'never' };

/** Odd, even, padded on one axis or both, smaller than a window, non-square; windows 2 to 12. */
const gridCases: [string, Parameters<typeof createWindowGrid>[0]][] = [
  ['14x14 window 7', { batch: 1, height: 14, width: 14, window: 7, isShifted: false, rules: swinRules }],
  ['14x14 window 7 shifted', { batch: 2, height: 14, width: 14, window: 7, isShifted: true, rules: swinRules }],
  ['10x13 window 7 shifted', { batch: 2, height: 10, width: 13, window: 7, isShifted: true, rules: swinRules }],
  ['9x5 window 5 shifted', { batch: 1, height: 9, width: 5, window: 5, isShifted: true, rules: swinRules }],
  ['3x4 window 7', { batch: 3, height: 3, width: 4, window: 7, isShifted: true, rules: swinRules }],
  ['16x24 window 8 shifted', { batch: 1, height: 16, width: 24, window: 8, isShifted: true, rules: swinRules }],
  ['13x14 window 12 shifted', { batch: 1, height: 13, width: 14, window: 12, isShifted: true, rules: swinRules }],
  [
    '7x15 window 7, shift off per axis',
    { batch: 1, height: 7, width: 15, window: 7, isShifted: true, rules: { ...swinRules, shiftOff: 'per-axis' } },
  ],
  [
    '9x6 window 4, rolled then padded',
    { batch: 2, height: 9, width: 6, window: 4, isShifted: true, rules: { ...swinRules, shift: 'roll-then-pad' } },
  ],
  ['8x6 window 2 shifted', { batch: 1, height: 8, width: 6, window: 2, isShifted: true, rules: swinRules }],
];

/** The windows of one image the long way: [window][slot] = flat token of the batch, or -1. */
function naiveWindows(grid: WindowGrid, image: number): number[][] {
  const { height, width, window, rows, columns, shiftY, shiftX } = grid;
  const tokens = build(height, width, 1, (y, x) => (image * height + y) * width + x);
  const [paddedHeight, paddedWidth] = [rows * window, columns * window];
  const moved =
    grid.shift === 'pad-then-roll'
      ? roll(padTo(tokens, paddedHeight, paddedWidth, -1), -shiftY, -shiftX)
      : padTo(roll(tokens, -shiftY, -shiftX), paddedHeight, paddedWidth, -1);
  return partition(moved, window).map((slots) => slots.map(([token = Number.NaN]) => token));
}

const pickWindows = (grid: WindowGrid, keptPerImage: number, seed: number): Int32Array => {
  const random = createRandom(seed);
  const ids: number[] = [];
  for (let image = 0; image < grid.batch; image++) {
    const left = Array.from({ length: grid.windowsPerImage }, (_, id) => id);
    for (let i = 0; i < keptPerImage; i++) ids.push(...left.splice(random.integer(0, left.length), 1));
  }
  return Int32Array.from(ids);
};

export function windowCases(): void {
  describe.each(gridCases)('%s', (_, options) => {
    const grid = createWindowGrid(options);
    const { batch, height, width } = grid;
    const half = Math.ceil(grid.windowsPerImage / 2);

    test('coordinates equal pad, roll and partition', () => {
      for (let image = 0; image < batch; image++) {
        const ids = Array.from({ length: grid.windowsPerImage }, (_, id) => image * grid.windowsPerImage + id);
        expect(Array.from(windowTokens(grid, ids))).toEqual(naiveWindows(grid, image).flat());
      }
    });

    test.each(['counted', 'left-out'] as const)('scores are the norms of windows, pads %s', (pads) =>
      expectNoLeak(async () => {
        const magnitude = randomTensor([batch, height, width], 50);
        const values = await magnitude.data();
        const scores = ops.windowScores(magnitude, grid, pads);
        const expected: number[] = [];
        for (let image = 0; image < batch; image++) {
          for (const slots of naiveWindows(grid, image)) {
            const real = slots.filter((token) => token >= 0);
            const norm = Math.sqrt(real.reduce((sum, token) => sum + (values[token] ?? 0) ** 2, 0));
            expected.push(pads === 'counted' ? norm : norm * Math.sqrt(slots.length / real.length));
          }
        }
        expectAllclose(await scores.data(), expected, float32Tolerance);
        tf.dispose([magnitude, scores]);
      }),
    );

    test('a body that returns its tokens changes no bit, for all windows and for some', () =>
      expectNoLeak(async () => {
        const x = randomTensor([batch, height, width, 3], 51);
        const some = ops.givenWindows(pickWindows(grid, half, 52), grid, half);
        for (const selection of [{ kind: 'all' } as const, some]) {
          const y = ops.mapWindows(x, selection, grid, (windows) => tf.clone(windows.tokens));
          expectAllclose(await y.data(), await x.data(), {});
          y.dispose();
        }
        tf.dispose([x, some as never]);
      }));

    test('only tokens of kept windows change, in chunks as in one piece', () =>
      expectNoLeak(async () => {
        const x = randomTensor([batch, height, width, 3], 53);
        const ids = pickWindows(grid, half, 54);
        const selection = ops.givenWindows(ids, grid, half);
        const kept = new Set<number>();
        ids.forEach((id, i) => {
          const slots = naiveWindows(grid, Math.floor(i / half))[id] ?? [];
          for (const token of slots) kept.add(token);
        });
        const before = await x.data();
        for (const maxChunkBytes of [2 ** 25, 1]) {
          const y = createTensorOps({ maxChunkBytes }).mapWindows(x, selection, grid, ({ tokens }) => tf.neg(tokens));
          const after = await y.data();
          const expected = before.map((value, i) => (kept.has(Math.floor(i / 3)) ? -value : value));
          expectAllclose(after, expected, {});
          y.dispose();
        }
        tf.dispose([x, selection as never]);
      }));

    test('a map that is given away may hold the result, and one that is shared is left alone', () =>
      expectNoLeak(async () => {
        const x = randomTensor([batch, height, width, 3], 67);
        const selection = ops.givenWindows(pickWindows(grid, half, 68), grid, half);
        const expected = ops.mapWindows(x, selection, grid, ({ tokens }) => tf.neg(tokens));
        for (const maxChunkBytes of [2 ** 25, 1]) {
          const given = tf.mul(x, 1);
          const shared = tf.reshape(given, [given.size]);
          const chunked = createTensorOps({ maxChunkBytes });
          const first = chunked.mapWindows(given, selection, grid, ({ tokens }) => tf.neg(tokens), { takesMap: true });
          expectAllclose(await first.data(), await expected.data(), {});
          expectAllclose(await shared.data(), await x.data(), {});
          tf.dispose([given, shared]);
          const back = chunked.mapWindows(first, selection, grid, ({ tokens }) => tf.neg(tokens), { takesMap: true });
          expectAllclose(await back.data(), await x.data(), {});
          tf.dispose([first, back]);
        }
        tf.dispose([x, expected, selection as never]);
      }));

    test('chunks of dense windows change nothing', () =>
      expectNoLeak(async () => {
        const x = randomTensor([batch, height, width, 3], 58);
        for (const maxChunkBytes of [2 ** 25, 1]) {
          const y = createTensorOps({ maxChunkBytes }).mapWindows(x, { kind: 'all' }, grid, ({ tokens }) =>
            tf.neg(tokens),
          );
          expectAllclose(
            await y.data(),
            (await x.data()).map((value) => -value),
            {},
          );
          y.dispose();
        }
        x.dispose();
      }));

    test('a factor per image reaches every token of its image, for all windows and for some', () =>
      expectNoLeak(async () => {
        const x = tf.ones([batch, height, width, 1]);
        const factors = Float32Array.from({ length: batch }, (_, image) => 1.25 - 0.75 * image);
        const some = ops.givenWindows(pickWindows(grid, grid.windowsPerImage, 59), grid, grid.windowsPerImage);
        for (const selection of [{ kind: 'all' } as const, some]) {
          const y = ops.mapWindows(x, selection, grid, (windows) =>
            tf.mul(windows.tokens, ops.expandPerImage(windows, factors)),
          );
          const expected = Array.from(
            { length: batch * height * width },
            (_, token) => factors[Math.floor(token / (height * width))] ?? 0,
          );
          expectAllclose(await y.data(), expected, {});
          y.dispose();
        }
        tf.dispose([x, some as never]);
      }));

    test('attention equals the definition with the nine-region mask', () =>
      expectNoLeak(async () => {
        const [heads, channels] = [2, 6];
        const positions = (2 * grid.window - 1) ** 2;
        const map = randomTensor([batch, height, width, 3 * channels], 55);
        const table = randomTensor([positions, heads], 56);
        const bias = await table.data();
        const index = relativePositionIndex(grid.window);
        const values = await map.data();
        const paddedSides = [grid.rows * grid.window, grid.columns * grid.window] as const;
        const regionsOf = partition(regions(...paddedSides, grid.window, grid.shiftY, grid.shiftX), grid.window);
        const expected = new Map<number, number[]>();
        for (let image = 0; image < batch; image++) {
          naiveWindows(grid, image).forEach((slots, id) => {
            // pads enter attention as zeros here: normWindows is left out of this test
            const qkv = slots.map((token) =>
              Array.from({ length: 3 * channels }, (_, c) => (token < 0 ? 0 : (values[token * 3 * channels + c] ?? 0))),
            );
            const region = (regionsOf[id] ?? []).map(([number = 0]) => number);
            const out = attendWindow(
              qkv,
              heads,
              (head, q, k) => bias[(index[q * slots.length + k] ?? 0) * heads + head] ?? 0,
              region,
            );
            for (const [slot, token] of slots.entries()) if (token >= 0) expected.set(token, out[slot] ?? []);
          });
        }
        const dense: Selection<tf.Tensor> = { kind: 'all' };
        const every = ops.givenWindows(pickWindows(grid, grid.windowsPerImage, 57), grid, grid.windowsPerImage);
        for (const selection of [dense, every]) {
          const y = ops.mapWindows(map, selection, grid, (windows) => {
            const { rows } = windows as unknown as { rows: number };
            const isCompact = rows > (windows.tokens.shape[0] ?? 0); // then one row stands for all pads
            const pad = tf.zeros([1, 3 * channels]);
            const qkv = isCompact ? tf.concat([windows.tokens, pad], 0) : windows.tokens;
            const attended = ops.windowAttention(windows, qkv, table);
            return tf.concat([attended, attended, attended], 1);
          });
          const got = await y.data();
          const wanted = Array.from({ length: batch * height * width }, (_, token) => expected.get(token) ?? []);
          expectAllclose(
            got,
            wanted.flatMap((row) => [...row, ...row, ...row]),
            float32Tolerance,
          );
          y.dispose();
        }
        tf.dispose([map, table, every as never]);
      }));
  });

  describe('gradients through windows', () => {
    test.each([
      ['dense, padded and shifted', false, 'after-norm'],
      ['kept windows, pads after norm', true, 'after-norm'],
      ['kept windows, pads before norm', true, 'before-norm'],
    ] as const)('%s', (_, isSparse, pad) =>
      expectNoLeak(async () => {
        const grid = createWindowGrid({
          batch: 2,
          height: 5,
          width: 6,
          window: 4,
          isShifted: true,
          rules: { ...swinRules, pad },
        });
        const selection = isSparse ? ops.givenWindows(pickWindows(grid, 2, 60), grid, 2) : ({ kind: 'all' } as const);
        const inputs = [
          randomTensor([2, 5, 6, 4], 61),
          randomTensor([4], 62),
          randomTensor([4], 63),
          randomTensor([4, 12], 64),
          randomTensor([49, 2], 65),
        ];
        await expectGradient(
          (x, weight, bias, qkv, table) =>
            ops.mapWindows(x as tf.Tensor, selection, grid, (windows) => {
              const normed = ops.normWindows(windows, { weight: weight as tf.Tensor, bias: bias as tf.Tensor });
              const rows = ops.linear(normed, { weight: qkv as tf.Tensor, bias: null });
              const scale = ops.expandPerImage(windows, Float32Array.of(0.5, 2));
              return tf.add(windows.tokens, tf.mul(ops.windowAttention(windows, rows, table as tf.Tensor), scale));
            }),
          inputs,
          66,
        );
        tf.dispose([...inputs, selection as never]);
      }),
    );
  });

  describe('choosing windows', () => {
    const grid = createWindowGrid({ batch: 2, height: 4, width: 6, window: 2, isShifted: false, rules: swinRules });
    const values = [3, 1, 4, 1.5, 9, 2, 6, 5, 3.5, 8, 7, 9.5];
    const idsOf = async (selection: Selection<tf.Tensor>): Promise<number[]> =>
      selection.kind === 'all' || selection.ids === null ? [] : Array.from(await selection.ids.data());

    test('the best of each image by falling score, and prefixes of the ranking', () =>
      expectNoLeak(async () => {
        const scores = tf.tensor2d(values, [2, 6]);
        const selection = ops.selectWindows(scores, grid, { kind: 'topk', keptPerImage: 4 });
        expect(await idsOf(selection)).toEqual([4, 2, 0, 5, 5, 3, 4, 0]);
        const shorter = ops.prefix(selection, 2);
        expect(await idsOf(shorter)).toEqual([4, 2, 5, 3]);
        expect(ops.prefix(selection, 5)).toBe(selection);
        expect(ops.prefix(selection, 0)).toEqual({ kind: 'topk', ids: null, keptPerImage: 0 });
        tf.dispose([scores, selection as never, shorter as never]);
      }));

    test('none kept selects nothing, and the map is returned as it is', () => {
      const scores = tf.tensor2d(values, [2, 6]);
      const selection = ops.selectWindows(scores, grid, { kind: 'topk', keptPerImage: 0 });
      const x = tf.ones([2, 4, 6, 1]);
      expect(
        ops.mapWindows(x, selection, grid, () => {
          throw new Error('no body may run');
        }),
      ).toBe(x);
      tf.dispose([scores, x]);
    });

    test('magnitude is the mean of |x|, or the L2 norm', () =>
      expectNoLeak(async () => {
        const x = tf.tensor4d([3, -4, 0, 2], [1, 1, 2, 2]);
        const [mean, norm] = [ops.magnitude(x, 'l1-mean'), ops.magnitude(x, 'l2')];
        expectAllclose(await mean.data(), [3.5, 1], float32Tolerance);
        expectAllclose(await norm.data(), [5, 2], float32Tolerance);
        tf.dispose([x, mean, norm]);
      }));

    test('magnitude has a gradient, which is 0 at a token of zeros', () =>
      expectNoLeak(async () => {
        const x = tf.tensor4d([3, -4, 0, 0], [1, 1, 2, 2]);
        const weights = tf.tensor3d([10, 20], [1, 1, 2]);
        const gradientOf = (score: 'l1-mean' | 'l2'): tf.Tensor =>
          tf.grad((x) => tf.sum(tf.mul(ops.magnitude(x, score, { isLearnt: true }), weights)))(x);
        const [mean, norm] = [gradientOf('l1-mean'), gradientOf('l2')];
        expectAllclose(await mean.data(), [5, -5, 0, 0], float32Tolerance);
        expectAllclose(await norm.data(), [6, -8, 0, 0], float32Tolerance);
        tf.dispose([x, weights, mean, norm]);
      }));

    test('a threshold keeps what is at least as good, and no fewer than minKept', async () => {
      const scores = tf.tensor2d(values, [2, 6]);
      if (tf.getBackend() === 'webgpu') {
        expect(() => ops.selectWindows(scores, grid, { kind: 'threshold', threshold: 3, minKept: 0 })).toThrow(
          /expected the cpu or wasm backend for a threshold budget, got webgpu/,
        );
        scores.dispose();
        return;
      }
      // score / window >= threshold: 9 / 2, 8 / 2, 9.5 / 2 reach 4
      const some = ops.selectWindows(scores, grid, { kind: 'threshold', threshold: 4, minKept: 0 });
      expect(await idsOf(some)).toEqual([4, 6 + 5, 6 + 3]);
      const least = ops.selectWindows(scores, grid, { kind: 'threshold', threshold: 100, minKept: 1 });
      expect(await idsOf(least)).toEqual([4, 6 + 5]);
      const none = ops.selectWindows(scores, grid, { kind: 'threshold', threshold: 100, minKept: 0 });
      expect(none).toEqual({ kind: 'counted', ids: null });
      const x = randomTensor([2, 4, 6, 1], 70);
      const y = ops.mapWindows(x, some, grid, ({ tokens }) => tf.neg(tokens));
      const [before, after] = [await x.data(), await y.data()];
      const flipped = new Set(windowTokens(grid, [4, 11, 9]));
      expect(Array.from(after)).toEqual(Array.from(before, (value, token) => (flipped.has(token) ? -value : value)));
      tf.dispose([scores, x, y, some as never, least as never]);
    });

    test.each([
      ['an id past the end', [0, 6, 1, 2], /from 0 to 5, got 6/],
      ['a negative id', [0, -1, 1, 2], /from 0 to 5, got -1/],
      ['an id twice in an image', [3, 3, 1, 2], /3 twice in image 0/],
      ['too few ids', [1, 2, 3], /expected 2 x 2 ids/],
    ])('given windows: %s is refused', (_, ids, message) => {
      expect(() => ops.givenWindows(Int32Array.from(ids), grid, 2)).toThrow(message);
    });

    test('a NaN in one image of a batch stays there, pads or not', () =>
      expectNoLeak(async () => {
        const padded = createWindowGrid({
          batch: 3,
          height: 5,
          width: 6,
          window: 4,
          isShifted: true,
          rules: swinRules,
        });
        const values = randomValues(3 * 5 * 6 * 2, 71).map((value, i) => (i < 60 || i >= 120 ? Number.NaN : value));
        const x = tf.tensor4d(values, [3, 5, 6, 2]);
        const norm = { weight: tf.ones([2]), bias: tf.zeros([2]) };
        const [table, biasTable] = [randomTensor([2, 6], 72), randomTensor([49, 1], 73)];
        const some = ops.givenWindows(Int32Array.of(3, 1, 0, 2, 3, 1), padded, 2);
        // TensorFlow.js's products on webgpu read past their inner dimension, into the next window (docs/decisions/0005)
        const canMixNaN =
          tf.getBackend() !== 'webgpu' || tf.getKernel(kernelNames.windowAttention, 'webgpu') !== undefined;
        for (const selection of [{ kind: 'all' } as const, some]) {
          const y = ops.mapWindows(x, selection, padded, (windows) => {
            const normed = ops.normWindows(windows, norm);
            const qkv = ops.linear(normed, { weight: table, bias: null });
            // mixes all rows of a window
            return canMixNaN
              ? ops.windowAttention(windows, qkv, biasTable)
              : tf.slice(qkv, [0, 0], windows.tokens.shape);
          });
          const middle = Array.from(await y.data()).slice(60, 120);
          expect(middle.every(Number.isFinite)).toBe(true);
          y.dispose();
        }
        tf.dispose([x, norm, some, table, biasTable] as never);
      }));

    test.each([[[1]], [[1, 2, 3]], [[1, Number.NaN]]])('factors %j for two images are refused', (factors) => {
      tf.tidy(() => {
        const call = (): tf.Tensor =>
          ops.mapWindows(tf.ones([2, 4, 6, 1]), { kind: 'all' }, grid, (windows) =>
            ops.expandPerImage(windows, Float32Array.from(factors)),
          );
        expect(call).toThrow(/expandPerImage: expected (2 factors, one per image|finite factors)/);
      });
    });

    test('shapes that do not fit the grid are refused', () => {
      tf.tidy(() => {
        expect(() => ops.windowScores(tf.zeros([2, 4, 5]), grid, 'counted')).toThrow(
          /magnitude map \[2, 4, 6\], got \[2, 4, 5\]/,
        );
        expect(() => ops.selectWindows(tf.zeros([2, 5]), grid, { kind: 'topk', keptPerImage: 1 })).toThrow(
          /scores \[2, 6\]/,
        );
        expect(() => ops.selectWindows(tf.zeros([2, 6]), grid, { kind: 'topk', keptPerImage: 7 })).toThrow(
          /0 to 6 windows, got 7/,
        );
        expect(() => ops.mapWindows(tf.zeros([1, 4, 6, 3]), { kind: 'all' }, grid, ({ tokens }) => tokens)).toThrow(
          /a map \[2, 4, 6, C\]/,
        );
      });
    });
  });

  test('trainable weights are variables, others are not, and both are freed', () => {
    const before = tf.memory().numTensors;
    for (const trainable of [true, false]) {
      const held = createTensorOps({ trainable });
      const weight = held.fromWeights(randomValues(6, 80), [2, 3], 'some.weight');
      expect(weight instanceof tf.Variable).toBe(trainable);
      held.freeWeight(weight);
    }
    expect(tf.memory().numTensors).toBe(before);
  });
}
