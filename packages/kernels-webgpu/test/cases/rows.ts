/** Moves of rows on the kernels of the active backend. They copy values: nothing may differ by a bit. */

import { kernelNames } from '@sparsevit/windows';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import type { Values } from './support';
import { at, integers, randomValues, runForOne, shuffled } from './support';

/** Rows of the map, rows of the index, channels. */
const sizes = [
  [1, 1, 1],
  [1, 1, 4],
  [3, 2, 3],
  [10, 10, 96],
  [40, 7, 5],
  [49, 49, 12],
  [300, 100, 33],
  [1000, 999, 8],
] as const;

/** An index that names no row twice, with pads between. */
function indexOf(rows: number, count: number, hasPads: boolean, seed: number): Values {
  const order = shuffled(rows, seed).slice(0, count);
  return integers(hasPads ? order.flatMap((row, i) => (i % 3 === 1 ? [-1, row] : [row])).concat([-1]) : order);
}

const rowOf = (x: Values, row: number): number[] => {
  const width = x.shape[1] ?? 0;
  return Array.from(x.data.subarray(row * width, (row + 1) * width));
};

/** Gathers and scatters against plain loops. */
export function rowKernelCases(): void {
  describe.each(sizes)('rows of a map: %i, index %i, channels %i', (rows, count, channels) => {
    const x = randomValues([rows, channels], 1);
    describe.each([false, true])('with pads: %s', (hasPads) => {
      const index = indexOf(rows, count, hasPads, 2);
      const written = randomValues([index.data.length, channels], 3);
      const scattered = (base: Values | null, values: Values | null): number[] => {
        const out = Array.from({ length: rows }, (_, row) => (base ? rowOf(base, row) : rowOf(x, row).map(() => 0)));
        index.data.forEach((row, i) => {
          if (row >= 0) out[row] = values ? rowOf(values, i) : rowOf(x, row).map(() => 0);
        });
        return out.flat();
      };

      test('gather', async () => {
        const y = await runForOne(kernelNames.gatherRows, { x, index }, {});
        expect(y.shape).toEqual([index.data.length, channels]);
        const expected = Array.from(index.data).flatMap((row) => (row < 0 ? rowOf(x, 0).map(() => 0) : rowOf(x, row)));
        expect(Array.from(y.data)).toEqual(expected);
      });

      test.each([
        ['onto a map', x, written],
        ['onto zeros', null, written],
        ['of zeros', x, null],
      ] as const)('scatter %s', async (_, base, values) => {
        for (const inPlace of [false, true]) {
          const inputs = { x: base ?? undefined, index, rows: values ?? undefined };
          const y = await runForOne(kernelNames.scatterRows, inputs, { count: rows, inPlace });
          expect(y.shape).toEqual([rows, channels]);
          expect(Array.from(y.data)).toEqual(scattered(base, values));
        }
      });
    });
  });

  describe('a scatter in place', () => {
    const scatter = (x: tf.Tensor, inPlace: boolean): tf.Tensor =>
      tf.tidy(() => {
        const index = tf.tensor1d([2, -1, 0], 'int32');
        const rows = tf.ones([3, 2]);
        return tf.engine().runKernel(kernelNames.scatterRows, { x, index, rows }, { count: 4, inPlace }) as tf.Tensor;
      });
    const expected = [1, 1, 2, 2, 1, 1, 2, 2];
    const onDevice = (): tf.Tensor => tf.tidy(() => tf.mul(tf.ones([4, 2]), 2));

    test('gives the map back with its rows written', async () => {
      const x = onDevice();
      const y = scatter(x, true);
      x.dispose();
      expect(Array.from(await y.data())).toEqual(expected);
      y.dispose();
    });

    test('leaves a map alone that another tensor holds too', async () => {
      const x = onDevice();
      const held = tf.reshape(x, [2, 4]);
      const y = scatter(x, true);
      x.dispose();
      expect(Array.from(await y.data())).toEqual(expected);
      expect(Array.from(await held.data())).toEqual(Array(8).fill(2));
      tf.dispose([y, held]);
    });

    test('does not leave values behind that were read before', async () => {
      const x = onDevice();
      expect(at(await x.data(), 0)).toBe(2);
      const y = scatter(x, true);
      x.dispose();
      expect(Array.from(await y.data())).toEqual(expected);
      y.dispose();
    });

    test('without leave to, x stays as it was', async () => {
      const x = onDevice();
      const y = scatter(x, false);
      expect(Array.from(await x.data())).toEqual(Array(8).fill(2));
      expect(Array.from(await y.data())).toEqual(expected);
      tf.dispose([x, y]);
    });
  });
}
