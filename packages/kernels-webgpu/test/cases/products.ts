/** Linear layers and their gradients against plain loops in doubles. */

import { expectAllclose } from '@sparsevit/testing';
import { createRandom, kernelNames } from '@sparsevit/windows';
import { expect, test } from 'vitest';
import { exactGelu } from './exact-gelu';
import { at, randomValues, runForOne, runKernel } from './support';

/** What n float32 roundings of sums of values of order 1 may amount to. */
export const roundingOf = (terms: number): { absolute: number } => ({ absolute: 1e-6 + terms * 1.5e-7 });

/** a b, with an element of each given by a function. */
function product(
  rows: number,
  depth: number,
  columns: number,
  a: (row: number, k: number) => number,
  b: (k: number, column: number) => number,
): Float64Array {
  const c = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let k = 0; k < depth; k++) sum += a(row, k) * b(k, column);
      c[row * columns + column] = sum;
    }
  }
  return c;
}

/** Rows, depth, columns: below, at and beyond tiles, and no multiples of anything. */
const productSizes: [number, number, number][] = [
  [1, 1, 1],
  [1, 4, 4],
  [2, 3, 5],
  [4, 16, 8],
  [7, 33, 31],
  [31, 32, 33],
  [32, 32, 32],
  [33, 17, 96],
  [49, 24, 72],
  [65, 63, 64],
  [64, 65, 127],
  [98, 100, 36],
  [130, 5, 257],
];

/** All sixteen epilogues, and the first and last of them: a software adapter takes a second to compile each. */
const epilogues = Array.from({ length: 16 }, (_, parts) => ({
  hasBias: (parts & 1) !== 0,
  gelu: (parts & 2) !== 0,
  hasResidual: (parts & 4) !== 0,
  hasScale: (parts & 8) !== 0,
}));
const fewEpilogues = epilogues.filter((_, i) => i % 15 === 0);

/** Products and their gradients on the active backend. */
export function productKernelCases(): void {
  test.each(productSizes)('linear %i x %i x %i with epilogues', async (rows, depth, columns) => {
    const x = randomValues([rows, depth], 1);
    const weight = randomValues([depth, columns], 2);
    const bias = randomValues([columns], 3);
    const residual = randomValues([rows, columns], 4);
    const scale = randomValues([rows, 1], 5);
    const plain = product(
      rows,
      depth,
      columns,
      (row, k) => at(x.data, row * depth + k),
      (k, column) => at(weight.data, k * columns + column),
    );
    for (const { hasBias, gelu, hasResidual, hasScale } of columns === 36 || columns === 31
      ? epilogues
      : fewEpilogues) {
      const expected = plain.map((sum, i) => {
        const y = sum + (hasBias ? at(bias.data, i % columns) : 0);
        const scaled = (gelu ? exactGelu(y) : y) * (hasScale ? at(scale.data, Math.floor(i / columns)) : 1);
        return scaled + (hasResidual ? at(residual.data, i) : 0);
      });
      const inputs = {
        x,
        weight,
        bias: hasBias ? bias : undefined,
        residual: hasResidual ? residual : undefined,
        scale: hasScale ? scale : undefined,
      };
      const y = (await runForOne(kernelNames.linear, inputs, { gelu })).data;
      expectAllclose(y, expected, roundingOf(depth), `bias ${hasBias}, gelu ${gelu}, residual ${hasResidual}`);
    }
  });

  test.each(productSizes)('gradients of linear %i x %i x %i', async (rows, depth, columns) => {
    const x = randomValues([rows, depth], 6);
    const weight = randomValues([depth, columns], 7);
    const dy = randomValues([rows, columns], 8);
    const gradient = (row: number, column: number): number => at(dy.data, row * columns + column);
    const dx = product(rows, columns, depth, gradient, (k, column) => at(weight.data, column * columns + k));
    const dWeight = product(depth, rows, columns, (row, k) => at(x.data, k * depth + row), gradient);
    const dBias = product(1, rows, columns, () => 1, gradient);
    expectAllclose(
      (await runForOne(kernelNames.linearInputGradient, { dy, weight }, {})).data,
      dx,
      roundingOf(columns),
      'dx',
    );
    const [dW, db] = await runKernel(kernelNames.linearWeightGradient, { x, dy }, {});
    expectAllclose(dW?.data ?? [], dWeight, roundingOf(rows), 'dW');
    expectAllclose(db?.data ?? [], dBias, roundingOf(rows), 'db');
  });

  test.each([
    [1000, 5, 7],
    [2049, 8, 12],
    [3001, 36, 33],
  ])(
    'the weight gradient over %i rows is summed in parts, to the same bits each time',
    async (rows, depth, columns) => {
      const x = randomValues([rows, depth], 9);
      const dy = randomValues([rows, columns], 10);
      const gradient = (row: number, column: number): number => at(dy.data, row * columns + column);
      const results = await runKernel(kernelNames.linearWeightGradient, { x, dy }, {});
      const expected = product(depth, rows, columns, (row, k) => at(x.data, k * depth + row), gradient);
      expectAllclose(results[0]?.data ?? [], expected, roundingOf(rows), 'dW');
      expectAllclose(
        results[1]?.data ?? [],
        product(1, rows, columns, () => 1, gradient),
        roundingOf(rows),
        'db',
      );
      expect(await runKernel(kernelNames.linearWeightGradient, { x, dy }, {})).toEqual(results);
    },
  );

  test('values that are not finite stay in their row', async () => {
    const [rows, depth, columns] = [40, 20, 10];
    const x = randomValues([rows, depth], 11);
    x.data[3 * depth + 5] = Number.NaN;
    x.data[33 * depth + 1] = Number.POSITIVE_INFINITY;
    const weight = randomValues([depth, columns], 12);
    const y = (await runForOne(kernelNames.linear, { x, weight }, { gelu: false })).data;
    const broken = Array.from({ length: rows }, (_, row) =>
      y.slice(row * columns, (row + 1) * columns).some((v) => !Number.isFinite(v)),
    );
    expect(broken.flatMap((isBroken, row) => (isBroken ? [row] : []))).toEqual([3, 33]);
  });

  test('100 random products', async () => {
    const random = createRandom(13);
    for (let i = 0; i < 100; i++) {
      const [rows, depth, columns] = [random.integer(1, 70), random.integer(1, 70), random.integer(1, 70)];
      const x = randomValues([rows, depth], 100 + i);
      const weight = randomValues([depth, columns], 200 + i);
      const y = (await runForOne(kernelNames.linear, { x, weight }, { gelu: false })).data;
      const expected = product(
        rows,
        depth,
        columns,
        (row, k) => at(x.data, row * depth + k),
        (k, column) => at(weight.data, k * columns + column),
      );
      expectAllclose(y, expected, roundingOf(depth), `${rows} x ${depth} x ${columns}`);
    }
  });
}
