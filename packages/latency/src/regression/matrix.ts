/** Feature rows as one flat block of numbers, checked once. */

import { ConfigError } from '@sparsevit/windows';

/** A matrix, row by row. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  /** [rows * columns] */
  readonly values: Float64Array;
}

/** A regression problem: features and the milliseconds they took. */
export interface Samples {
  readonly features: Matrix;
  /** [rows], each above 0. */
  readonly ms: Float64Array;
}

/** The least that the parameters of a fit and the folds of its validation need. */
const leastRows = 5;

/**
 * Copies feature rows and times into flat blocks.
 *
 * @throws ConfigError for fewer than five rows, rows of different lengths, or numbers that are not finite (times: not above 0)
 */
export function samplesOf(features: readonly ArrayLike<number>[], ms: ArrayLike<number>): Samples {
  const rows = features.length;
  const columns = features[0]?.length ?? 0;
  if (rows < leastRows) throw new ConfigError(`fit: expected at least ${leastRows} rows, got ${rows}. Measure more.`);
  if (columns === 0) throw new ConfigError('fit: expected at least one feature, got none.');
  if (ms.length !== rows) throw new ConfigError(`fit: expected one time per row (${rows}), got ${ms.length}.`);
  const values = new Float64Array(rows * columns);
  features.forEach((row, i) => {
    if (row.length !== columns) {
      throw new ConfigError(`fit: expected ${columns} features in each row, got ${row.length} in row ${i}.`);
    }
    for (let j = 0; j < columns; j++) {
      const value = row[j];
      if (typeof value !== 'number' || !Number.isFinite(value)) {
        throw new ConfigError(`fit: expected a finite number as feature ${j} of row ${i}, got ${value}.`);
      }
      values[i * columns + j] = value;
    }
  });
  const times = Float64Array.from(ms);
  times.forEach((time, i) => {
    if (!(time > 0 && Number.isFinite(time))) {
      throw new ConfigError(`fit: expected milliseconds above 0 in row ${i}, got ${time}.`);
    }
  });
  return { features: { rows, columns, values }, ms: times };
}

/** The given rows of a problem, in that order. */
export function takeSamples({ features, ms }: Samples, rows: readonly number[]): Samples {
  const { columns, values } = features;
  const taken = new Float64Array(rows.length * columns);
  rows.forEach((row, i) => {
    taken.set(values.subarray(row * columns, (row + 1) * columns), i * columns);
  });
  return {
    features: { rows: rows.length, columns, values: taken },
    ms: Float64Array.from(rows, (row) => ms[row] ?? 0),
  };
}

/** One row of a matrix, as a view. */
export function rowOf({ columns, values }: Matrix, row: number): Float64Array {
  return values.subarray(row * columns, (row + 1) * columns);
}

/** The columns that a model is asked to use, or all of them. */
export function chosenColumns(columns: number, chosen: readonly number[] | undefined): readonly number[] {
  if (chosen === undefined) return Array.from({ length: columns }, (_, column) => column);
  if (chosen.length === 0) throw new ConfigError('fit: expected at least one column to use, got none.');
  for (const column of chosen) {
    if (!Number.isInteger(column) || column < 0 || column >= columns) {
      throw new ConfigError(`fit: expected columns from 0 to ${columns - 1}, got ${column}.`);
    }
  }
  return chosen;
}
