/** Where the rows of a fit lie: whether a new one is among them, and how well supported a prediction there is. */

import { quantileOfSorted, sorted } from '../statistics';
import type { Matrix } from './matrix';

/** Rows of the fit along one feature. */
export interface ColumnSupport {
  readonly column: number;
  readonly least: number;
  readonly most: number;
  /** Values that part one bin from the next, rising. */
  readonly edges: readonly number[];
  /** Rows in each bin: one more than edges. */
  readonly rows: readonly number[];
}

/** How a prediction is supported. */
export interface Reach {
  /** A feature lies outside of what was fitted. */
  readonly extrapolating: boolean;
  /** Relative width of the error: sqrt(1 + sum over features of 1 / rows nearby), and much more when extrapolating. */
  readonly width: number;
}

const mostBins = 16;
/** Rounding of a feature's sum must not count as outside. */
const tolerance = 1e-9;

/** The support of some columns of a fit. */
export function supportOf({ rows, columns, values }: Matrix, chosen: readonly number[]): ColumnSupport[] {
  return chosen.map((column) => {
    const ascending = sorted(Float64Array.from({ length: rows }, (_, row) => values[row * columns + column] ?? 0));
    const distinct = [...new Set(ascending)];
    const centres =
      distinct.length <= mostBins
        ? distinct
        : [...new Set(Array.from({ length: mostBins }, (_, i) => quantileOfSorted(ascending, i / (mostBins - 1))))];
    const edges = centres.slice(1).map((centre, i) => ((centres[i] ?? 0) + centre) / 2);
    const counts = new Array<number>(edges.length + 1).fill(0);
    for (const value of ascending) {
      const bin = binOf(edges, value);
      counts[bin] = (counts[bin] ?? 0) + 1;
    }
    return { column, least: ascending[0] ?? 0, most: ascending.at(-1) ?? 0, edges, rows: counts };
  });
}

/** How many of rising edges lie below a value. */
function binOf(edges: ArrayLike<number>, value: number): number {
  let [low, high] = [0, edges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value > (edges[middle] ?? 0)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Says of features how well they are supported. Outside of what was fitted the width is doubled, and grows by ten for each range (up to ten)
 * that a feature lies beyond its own: no row tells what an error is there, so this is a warning and no estimate.
 */
export function createReach(support: readonly ColumnSupport[]): (features: ArrayLike<number>) => Reach {
  const columns = support.map(({ column, least, most, edges, rows }) => {
    const range = most > least ? most - least : Math.max(Math.abs(most), 1);
    return {
      column,
      least,
      most,
      range,
      low: least - tolerance * range,
      high: most + tolerance * range,
      edges: Float64Array.from(edges),
      shares: Float64Array.from(rows, (count) => 1 / (count + 1)),
    };
  });
  return (features) => {
    let variance = 1;
    let beyond = 0;
    for (let i = 0; i < columns.length; i++) {
      const column = columns[i];
      if (column === undefined) continue;
      const value = features[column.column] ?? 0;
      variance += column.shares[binOf(column.edges, value)] ?? 0;
      if (value < column.low) beyond += (column.least - value) / column.range;
      else if (value > column.high) beyond += (value - column.most) / column.range;
    }
    const extrapolating = beyond > 0;
    return { extrapolating, width: Math.sqrt(variance) * (extrapolating ? 2 + 10 * Math.min(beyond, 10) : 1) };
  };
}
