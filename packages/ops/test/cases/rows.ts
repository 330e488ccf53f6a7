import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { gatherRows, inRowChunks, scatterRows, scatterRowsInto } from '../../src/rows';
import { expectGradient, expectNoLeak, randomTensor } from './support';

const indices = (values: number[]): tf.Tensor1D => tf.tensor1d(values, 'int32');
const pads = { mayPad: true };
const noPads = { mayPad: false };

export function rowCases(): void {
  describe('rows', () => {
    test('gatherRows takes rows in the asked order', () =>
      expectNoLeak(async () => {
        const x = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
        const index = indices([2, 0]);
        const y = gatherRows(x, index, noPads);
        expect(Array.from(await y.data())).toEqual([5, 6, 1, 2]);
        tf.dispose([x, index, y]);
      }));

    test('a pad reads zeros, whatever stands in the map', () =>
      expectNoLeak(async () => {
        const x = tf.tensor2d([Number.NaN, Number.POSITIVE_INFINITY, 3, 4], [2, 2]);
        const index = indices([-1, 1, -1]);
        const y = gatherRows(x, index, pads);
        expect(Array.from(await y.data())).toEqual([0, 0, 3, 4, 0, 0]);
        tf.dispose([x, index, y]);
      }));

    test.each([true, false])('the gradient of gatherRows goes back to its rows (may pad: %s)', (mayPad) =>
      expectNoLeak(async () => {
        const x = randomTensor([4, 3], 1);
        const index = indices([3, mayPad ? -1 : 0, 1]);
        const weights = tf.tensor2d([1, 2, 3], [3, 1]);
        const gradient = tf.grad((x) => tf.sum(tf.mul(gatherRows(x as tf.Tensor2D, index, { mayPad }), weights)))(x);
        expect(Array.from(await gradient.data())).toEqual([
          ...(mayPad ? [0, 0, 0] : [2, 2, 2]),
          3,
          3,
          3,
          0,
          0,
          0,
          1,
          1,
          1,
        ]);
        tf.dispose([x, index, weights, gradient]);
      }),
    );

    test('scatterRows writes rows, drops pads, and leaves the rest bit-equal', () =>
      expectNoLeak(async () => {
        const base = randomTensor([4, 3], 2) as tf.Tensor2D;
        const rows = randomTensor([3, 3], 3) as tf.Tensor2D;
        const index = indices([2, -1, 0]);
        const before = Array.from(await base.data());
        const y = scatterRows(base, 4, index, rows, pads);
        const [got, was, written] = await Promise.all([y.data(), base.data(), rows.data()]);
        expect(Array.from(got)).toEqual([
          ...written.slice(6, 9),
          ...was.slice(3, 6),
          ...written.slice(0, 3),
          ...was.slice(9, 12),
        ]);
        expect(Array.from(was), 'the input is not written to').toEqual(before);
        tf.dispose([base, rows, index, y]);
      }));

    test.each([pads, noPads])('scatterRows without a base fills with zeros (%o)', ({ mayPad }) =>
      expectNoLeak(async () => {
        const rows = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
        const index = indices([3, mayPad ? -1 : 2, 0]);
        const y = scatterRows(null, 4, index, rows, { mayPad });
        expect(Array.from(await y.data())).toEqual([5, 6, 0, 0, ...(mayPad ? [0, 0] : [3, 4]), 1, 2]);
        tf.dispose([rows, index, y]);
      }),
    );

    test('scatterRowsInto takes the map over', () =>
      expectNoLeak(async () => {
        const base = tf.tensor2d([1, 2, 3, 4], [2, 2]);
        const shared = tf.reshape(base, [4]); // has the same memory and must not change
        const rows = tf.tensor2d([9, 8], [1, 2]);
        const index = indices([1]);
        const other = indices([0]);
        const first = scatterRowsInto(base, index, rows, noPads);
        const second = scatterRowsInto(first, other, rows, noPads);
        expect(Array.from(await second.data())).toEqual([9, 8, 9, 8]);
        expect(Array.from(await shared.data())).toEqual([1, 2, 3, 4]);
        expect([base.isDisposed, first.isDisposed]).toEqual([true, true]);
        tf.dispose([shared, rows, index, other, second]);
      }));

    test.each([true, false])('gradients of scatterRows (may pad: %s)', async (mayPad) => {
      await expectNoLeak(async () => {
        const base = randomTensor([5, 3], 4);
        const rows = randomTensor([3, 3], 5);
        const index = indices([4, mayPad ? -1 : 1, 0]);
        await expectGradient(
          (base, rows) => scatterRows(base as tf.Tensor2D, 5, index, rows as tf.Tensor2D, { mayPad }),
          [base, rows],
          6,
        );
        await expectGradient((rows) => scatterRows(null, 5, index, rows as tf.Tensor2D, { mayPad }), [rows], 7);
        tf.dispose([base, rows, index]);
      });
    });

    test('chunks of rows equal one piece', () =>
      expectNoLeak(async () => {
        const x = randomTensor([7, 3], 8) as tf.Tensor2D;
        const y = inRowChunks(x, 2, (rows) => tf.neg(rows));
        expect(Array.from(await y.data())).toEqual(Array.from(await x.data(), (value) => -value));
        tf.dispose([x, y]);
      }));
  });
}
