import { createRandom } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import { solveBounded } from '../src/regression/bounded-least-squares';

type Rows = readonly (readonly number[])[];

const gramOf = (design: Rows): Float64Array => {
  const columns = design[0]?.length ?? 0;
  return Float64Array.from({ length: columns * columns }, (_, at) =>
    design.reduce((sum, row) => sum + (row[Math.floor(at / columns)] ?? 0) * (row[at % columns] ?? 0), 0),
  );
};
const rightOf = (design: Rows, values: readonly number[]): Float64Array =>
  Float64Array.from({ length: design[0]?.length ?? 0 }, (_, column) =>
    design.reduce((sum, row, i) => sum + (row[column] ?? 0) * (values[i] ?? 0), 0),
  );
/** x^T G x / 2 - x^T r. */
const objective = (gram: Float64Array, right: Float64Array, x: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < right.length; i++) {
    sum -= (x[i] ?? 0) * (right[i] ?? 0);
    for (let j = 0; j < right.length; j++) sum += ((x[i] ?? 0) * (gram[i * right.length + j] ?? 0) * (x[j] ?? 0)) / 2;
  }
  return sum;
};

test('six equations as scipy solves them', () => {
  // scipy 1.17.1: scipy.optimize.nnls(A, b)[0]
  const design = [
    [1, 2, 0],
    [3, 1, 1],
    [0, 1, 4],
    [2, 2, 2],
    [1, 0, 3],
    [4, 1, 0],
  ];
  const x = solveBounded(gramOf(design), rightOf(design, [3, 1, 9, 4, 7, -1]), [true, true, true]);
  [0, 0.38554217, 2.08433735].forEach((value, i) => {
    expect(x[i]).toBeCloseTo(value, 7);
  });
});

describe('random problems', () => {
  const problemOf = (seed: number) => {
    const random = createRandom(seed);
    const columns = random.integer(1, 7);
    const design = Array.from({ length: columns + random.integer(0, 8) }, () =>
      Array.from({ length: columns }, () => random.normal()),
    );
    const values = design.map(() => 3 * random.normal());
    const isBounded = Array.from({ length: columns }, () => random.uniform() < 0.7);
    return { gram: gramOf(design), right: rightOf(design, values), isBounded, random };
  };

  test.each(Array.from({ length: 40 }, (_, seed) => seed))('seed %d: no choice of bounds does better', (seed) => {
    const { gram, right, isBounded } = problemOf(seed);
    const x = solveBounded(gram, right, isBounded);
    x.forEach((value, i) => {
      if (isBounded[i]) expect(value).toBeGreaterThanOrEqual(0);
    });
    // Kuhn and Tucker: the slope is 0 where x is free, and not downhill where it is at its bound
    x.forEach((value, i) => {
      let slope = -(right[i] ?? 0);
      for (let j = 0; j < x.length; j++) slope += (gram[i * x.length + j] ?? 0) * (x[j] ?? 0);
      if (value !== 0 || !isBounded[i]) expect(Math.abs(slope)).toBeLessThan(1e-8);
      else expect(slope).toBeGreaterThan(-1e-8);
    });
  });

  test.each([100, 101, 102, 103, 104, 105])('seed %d: any start leads to the same', (seed) => {
    const { gram, right, isBounded, random } = problemOf(seed);
    const cold = solveBounded(gram, right, isBounded);
    const start = Float64Array.from(isBounded, () => Math.max(0, random.normal()));
    const warm = solveBounded(gram, right, isBounded, start);
    expect(objective(gram, right, warm)).toBeCloseTo(objective(gram, right, cold), 9);
  });
});

test('a column that others make up does no harm', () => {
  const design = Array.from({ length: 8 }, (_, i) => [1, i, 2 * i]);
  const x = solveBounded(gramOf(design), rightOf(design, [1, 3, 5, 7, 9, 11, 13, 15]), [false, true, true]);
  expect(x[0]).toBeCloseTo(1, 6);
  expect((x[1] ?? 0) + 2 * (x[2] ?? 0)).toBeCloseTo(2, 6);
});
