import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { gatherRows, inverseOrder, permuteRows, scatterRows } from '../../src/rows';
import { expectGradient, expectNoLeak, randomTensor } from './support';

const indices = (values: number[]): tf.Tensor1D => tf.tensor1d(values, 'int32');

export function rowCases(): void {
  describe('rows', () => {
    test('gatherRows takes rows in the asked order, with repeats', () =>
      expectNoLeak(async () => {
        const x = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
        const index = indices([2, 0, 2]);
        const y = gatherRows(x, index);
        expect(Array.from(await y.data())).toEqual([5, 6, 1, 2, 5, 6]);
        tf.dispose([x, index, y]);
      }));

    test('the gradient of gatherRows adds where a row is repeated', () =>
      expectNoLeak(async () => {
        const x = randomTensor([4, 3], 1);
        const index = indices([3, 1, 3]);
        const gradient = tf.grad((x) => tf.sum(gatherRows(x as tf.Tensor2D, index)))(x);
        expect(Array.from(await gradient.data())).toEqual([0, 0, 0, 1, 1, 1, 0, 0, 0, 2, 2, 2]);
        tf.dispose([x, index, gradient]);
      }));

    test('scatterRows writes rows, drops those one past the end, and leaves the rest bit-equal', () =>
      expectNoLeak(async () => {
        const base = randomTensor([4, 3], 2) as tf.Tensor2D;
        const rows = randomTensor([3, 3], 3) as tf.Tensor2D;
        const index = indices([2, 4, 0]);
        const y = scatterRows(base, index, rows, true);
        const [got, was, written] = await Promise.all([y.data(), base.data(), rows.data()]);
        expect(Array.from(got)).toEqual([
          ...written.slice(6, 9),
          ...was.slice(3, 6),
          ...written.slice(0, 3),
          ...was.slice(9, 12),
        ]);
        tf.dispose([base, rows, index, y]);
      }));

    test.each([true, false])('gradients of scatterRows (may drop: %s)', async (mayDrop) => {
      await expectNoLeak(async () => {
        const base = randomTensor([5, 3], 4);
        const rows = randomTensor([3, 3], 5);
        const index = indices([4, mayDrop ? 5 : 1, 0]);
        await expectGradient(
          (base, rows) => scatterRows(base as tf.Tensor2D, index, rows as tf.Tensor2D, mayDrop),
          [base, rows],
          6,
        );
        tf.dispose([base, rows, index]);
      });
    });

    test('permuteRows and its gradient', () =>
      expectNoLeak(async () => {
        const x = randomTensor([3, 2], 7);
        const order = Int32Array.of(2, 0, 1);
        const y = permuteRows(x as tf.Tensor2D, order);
        const values = Array.from(await x.data());
        expect(Array.from(await y.data())).toEqual([...values.slice(4), ...values.slice(0, 4)]);
        expect(Array.from(inverseOrder(order))).toEqual([1, 2, 0]);
        await expectGradient((x) => permuteRows(x as tf.Tensor2D, order), [x], 8);
        tf.dispose([x, y]);
      }));
  });
}
