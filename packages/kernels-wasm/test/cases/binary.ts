import { loadKernels, runnableBuilds } from '@sparsevit/kernels-wasm/binary';
import { expectAllclose } from '@sparsevit/testing';
import { BackendError } from '@sparsevit/windows';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { describeBuilds, noise, ranges } from './arena';

/** erf by its series near 0 and its continued fraction beyond. */
function erf(x: number): number {
  const a = Math.abs(x);
  if (a < 3) {
    let [sum, term] = [0, a];
    for (let n = 0; n < 100; n++) {
      sum += term / (2 * n + 1);
      term *= -(a * a) / (n + 1);
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let k = 60; k > 0; k--) fraction = k / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction));
}
const exactGelu = (x: number): number => (x * (1 + erf(x / Math.SQRT2))) / 2;
const exactSlope = (x: number): number =>
  (1 + erf(x / Math.SQRT2)) / 2 + (x * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);

/** The bare kernels against plain loops in doubles, for every build that this engine runs. */
export function binaryCases(): void {
  test('the first build that runs is the one with fused multiply-add, where there is one', async () => {
    const { build } = await loadKernels({ memory: new WebAssembly.Memory({ initial: 1 }) });
    expect(build).toBe(runnableBuilds()[0]);
    expect(runnableBuilds()).toContain('SIMD');
  });

  describe('an engine without SIMD', () => {
    afterEach(() => vi.restoreAllMocks());
    test('is an error that says what to do', async () => {
      vi.spyOn(WebAssembly, 'validate').mockReturnValue(false);
      const load = loadKernels({ memory: new WebAssembly.Memory({ initial: 1 }) });
      await expect(load).rejects.toThrow(BackendError);
      await expect(load).rejects.toThrow(/expected WebAssembly with SIMD, got an engine without it\. Use Node 18/);
    });
  });

  describeBuilds('dense kernels', (withKernels) => {
    withKernels('gelu to 1e-6 and its slope to 3e-6, and both at the ends', (kernels, arena) => {
      const count = 40_003;
      const x = arena.floats(count, (i) => Math.fround(-10 + (20 * i) / count));
      const y = arena.garbage(count * 4);
      const inputs = arena.values(x, count);
      kernels.gelu(x, y, 0, count);
      expectAllclose(arena.view(y, count), inputs.map(exactGelu), { absolute: 1e-6 });
      const ones = arena.floats(count, () => 1);
      kernels.geluGradient(x, ones, y, 0, count);
      expectAllclose(arena.view(y, count), inputs.map(exactSlope), { absolute: 3e-6 });
      const ends = arena.floats(6, (i) => [Number.NaN, 1e30, -1e30, Infinity, -Infinity, 0][i] ?? 0);
      kernels.gelu(ends, y, 0, 6);
      const [ofNaN, ofLarge = 0, ofSmall, ofInfinity, ofMinusInfinity, ofZero] = arena.values(y, 6);
      expect([ofNaN, ofInfinity, ofZero]).toEqual([Number.NaN, Infinity, 0]);
      expect(Math.abs(ofLarge / 1e30 - 1)).toBeLessThan(1e-6);
      for (const value of [ofSmall, ofMinusInfinity]) expect(Math.abs(value ?? 1)).toBeLessThan(1e-20);
      kernels.geluGradient(ends, ones, y, 0, 6);
      const slopes = arena.values(y, 6);
      expect(slopes[0]).toBeNaN();
      expectAllclose(slopes.slice(1), [1, 0, 1, 0, 0.5], { absolute: 1e-6 });
    });

    const shapes = [
      [1, 1, 1],
      [5, 3, 7],
      [13, 96, 17],
      [25, 49, 8],
      [100, 33, 24],
      [7, 770, 9], // more than one block of depth
      [200, 16, 12], // more than one block of rows
    ] as const;
    for (const [rows, depth, columns] of shapes) {
      withKernels(`products [${rows}, ${depth}] x [${depth}, ${columns}] with every epilogue`, (kernels, arena) => {
        const a = arena.floats(rows * depth, noise);
        const w = arena.floats(depth * columns, noise);
        const bias = arena.floats(columns, noise);
        const residual = arena.floats(rows * columns, noise);
        const scale = arena.floats(rows, noise);
        const packed = arena.garbage(kernels.packedBytes(depth, columns));
        const scratch = arena.garbage(kernels.gemmScratchBytes(depth));
        const c = arena.floats(rows * columns);
        kernels.packWeight(w, packed, depth, columns, columns, 1);
        const [av, wv] = [arena.view(a, rows * depth), arena.view(w, depth * columns)];
        const at = (address: number, index: number): number =>
          address === 0 ? 0 : (arena.view(address, index + 1)[index] ?? 0);
        for (const [withBias, hasGelu, withResidual, withScale] of [
          [0, false, 0, 0],
          [bias, false, residual, 0],
          [bias, true, 0, 0],
          [bias, true, residual, scale],
        ] as const) {
          kernels.gemm(a, packed, c, withBias, withResidual, withScale, 0, rows, depth, columns, hasGelu, scratch);
          const expected = Array.from({ length: rows * columns }, (_, i) => {
            const [row, column] = [Math.floor(i / columns), i % columns];
            let sum = at(withBias, column);
            for (let k = 0; k < depth; k++) sum += (av[row * depth + k] ?? 0) * (wv[k * columns + column] ?? 0);
            const activated = hasGelu ? exactGelu(sum) : sum;
            return at(withResidual, i) + activated * (withScale === 0 ? 1 : at(withScale, row));
          });
          expectAllclose(arena.view(c, rows * columns), expected, { absolute: 1e-5, relative: 1e-5 });
        }
        // in parts, to the bit
        const whole = arena.values(c, rows * columns);
        arena.view(c, rows * columns).fill(Number.NaN);
        for (const [begin, end] of [
          [0, Math.ceil(rows / 3)],
          [Math.ceil(rows / 3), rows],
        ] as const) {
          kernels.gemm(a, packed, c, bias, residual, scale, begin, end, depth, columns, true, scratch);
        }
        expect(arena.values(c, rows * columns)).toEqual(whole);
        arena.view(c, rows * columns).fill(Number.NaN);
        for (const [begin, end] of ranges(Math.ceil(columns / 8))) {
          const [first, last] = [8 * begin, Math.min(8 * end, columns)];
          const operands = [a, packed, c, bias, residual, scale] as const;
          kernels.gemmColumns(...operands, 0, rows, depth, columns, true, scratch, first, last);
        }
        expect(arena.values(c, rows * columns)).toEqual(whole);
      });

      withKernels(
        `transposed products [${depth}, ${rows}]ᵀ x [${depth}, ${columns}] and sums of columns`,
        (kernels, arena) => {
          const x = arena.floats(depth * rows, noise);
          const y = arena.floats(depth * columns, noise);
          const c = arena.floats(rows * columns, () => Number.NaN);
          const scratch = arena.garbage(kernels.gemmTransposedScratchBytes(depth, columns));
          const [xv, yv] = [arena.view(x, depth * rows), arena.view(y, depth * columns)];
          for (const [begin, end] of [
            [0, 1],
            [1, rows],
          ] as const) {
            kernels.gemmTransposed(x, y, c, begin, end, depth, rows, columns, scratch);
          }
          const expected = Array.from({ length: rows * columns }, (_, i) => {
            let sum = 0;
            for (let k = 0; k < depth; k++) {
              sum += (xv[k * rows + Math.floor(i / columns)] ?? 0) * (yv[k * columns + (i % columns)] ?? 0);
            }
            return sum;
          });
          expectAllclose(arena.view(c, rows * columns), expected, { absolute: 1e-5, relative: 1e-5 });
          const sums = arena.floats(columns, () => Number.NaN);
          kernels.columnSums(y, sums, depth, columns, 0, columns);
          const wanted = Array.from({ length: columns }, (_, column) => {
            let sum = 0;
            for (let k = 0; k < depth; k++) sum += yv[k * columns + column] ?? 0;
            return sum;
          });
          // each of `depth` additions rounds a sum of some tens
          expectAllclose(arena.view(sums, columns), wanted, { absolute: 1e-7 * depth + 1e-6 });
        },
      );
    }

    withKernels('weights are packed from either orientation alike', (kernels, arena) => {
      for (const [depth, columns] of [
        [9, 8],
        [16, 24],
        [5, 3],
        [33, 17],
      ] as const) {
        const w = arena.floats(depth * columns, noise);
        const transposed = arena.floats(depth * columns, (i) => {
          return arena.view(w, depth * columns)[(i % depth) * columns + Math.floor(i / depth)] ?? 0;
        });
        const count = kernels.packedBytes(depth, columns) / 4;
        const [one, other] = [arena.garbage(count * 4), arena.garbage(count * 4)];
        kernels.packWeight(w, one, depth, columns, columns, 1);
        kernels.packWeight(transposed, other, depth, columns, 1, depth);
        expect(arena.values(other, count)).toEqual(arena.values(one, count));
      }
    });

    for (const channels of [1, 4, 7, 32, 50]) {
      withKernels(`layer norm of ${channels} channels, also of rows far from 0`, (kernels, arena) => {
        const rows = 9;
        const x = arena.floats(rows * channels, (i) => noise() + (Math.floor(i / channels) % 2 === 0 ? 1000 : 0));
        const weight = arena.floats(channels, noise);
        const bias = arena.floats(channels, noise);
        const y = arena.floats(rows * channels);
        for (const [begin, end] of [
          [0, 4],
          [4, rows],
        ] as const) {
          kernels.layerNorm(x, weight, bias, 0, y, begin, end, channels, 1e-5, 0);
        }
        const [xv, wv, bv] = [arena.view(x, rows * channels), arena.view(weight, channels), arena.view(bias, channels)];
        const expected: number[] = [];
        for (let row = 0; row < rows; row++) {
          const values = Array.from(xv.subarray(row * channels, (row + 1) * channels));
          const mean = values.reduce((a, b) => a + b, 0) / channels;
          const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / channels;
          values.forEach((value, c) => {
            expected.push(((value - mean) / Math.sqrt(variance + 1e-5)) * (wv[c] ?? 0) + (bv[c] ?? 0));
          });
        }
        // a value near 1000 has an error of 3e-5, and so has its distance from the mean
        expectAllclose(arena.view(y, rows * channels), expected, { absolute: 1e-3 });
        const near = expected.filter((_, i) => Math.floor(i / channels) % 2 === 1);
        const got = arena.values(y, rows * channels).filter((_, i) => Math.floor(i / channels) % 2 === 1);
        expectAllclose(got, near, { absolute: 1e-5 });
      });
    }

    withKernels('ranking is by falling score, ties by id, a NaN last, and stable under any count', (kernels, arena) => {
      const scores = [1, Number.NaN, 3, 1, 3, -2, Number.NaN, 0, Infinity, -Infinity];
      const ranked = [8, 2, 4, 0, 3, 7, 5, 9, 1, 6];
      const at = arena.floats(scores.length, (i) => scores[i] ?? 0);
      const scratch = arena.garbage(scores.length * 8);
      for (let kept = 1; kept <= scores.length; kept++) {
        const ids = arena.ints(Array.from({ length: kept }, () => -7));
        kernels.selectWindows(at, ids, scores.length, kept, scratch);
        expect(Array.from(new Int32Array(arena.memory.buffer, ids, kept))).toEqual(ranked.slice(0, kept));
      }
    });
  });
}
