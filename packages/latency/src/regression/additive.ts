/**
 * A sum of lookup tables, one per feature: levels and what each adds, straight lines between them. A table may be held to rise or to fall
 * (isotonic); the slopes of neighbouring steps are drawn towards each other, by as much as cross-validation finds best.
 */

import { ConfigError } from '@sparsevit/windows';
import { median, quantileOfSorted, sorted } from '../statistics';
import type { Samples } from './matrix';
import { chosenColumns } from './matrix';
import type { PointModel } from './point-model';
import { leastShare } from './point-model';
import type { ErrorLoss } from './robust-fit';
import { fitPenalized } from './robust-fit';

/** Whether a table may go up, down or both ways. */
export type Direction = 'rising' | 'falling' | 'free';

/** How tables are fitted. */
export interface AdditiveOptions {
  readonly kind: 'additive';
  /** Which features to use; default all. */
  readonly columns?: readonly number[];
  /** One per used column, or one for all; default `free`. */
  readonly directions?: Direction | readonly Direction[];
  /** Levels of a table at most; a feature with more values gets levels at its quantiles. Default 16. */
  readonly levels?: number;
  /** Strengths of smoothing to choose from; default 1e-6 to 10. */
  readonly smoothing?: readonly number[];
  /** Default `huber`. */
  readonly loss?: ErrorLoss;
}

/** A table of one feature. */
export interface LookupTable {
  readonly column: number;
  /** Rising. */
  readonly levels: readonly number[];
  /** Milliseconds that each level adds; the first is 0. */
  readonly ms: readonly number[];
}

/** Fitted tables. */
export interface AdditiveDocument {
  readonly kind: 'additive';
  /** What the first level of every table takes together. */
  readonly intercept: number;
  readonly tables: readonly LookupTable[];
  /** The least that is predicted. */
  readonly leastMs: number;
}

const defaultSmoothing: readonly number[] = [1e-6, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10];

/** Levels nearer to each other than this share of the range are one: a step between them would have any slope. */
const leastGap = 1e-3;

/** The levels of a feature: its values, or quantiles of them. */
function levelsOf(values: Float64Array, most: number): number[] {
  const ascending = sorted(values);
  const [least, largest] = [ascending[0] ?? 0, ascending.at(-1) ?? 0];
  const apart = (levels: readonly number[]): number[] => {
    const kept = [least];
    for (const level of levels) if (level - (kept.at(-1) ?? 0) > leastGap * (largest - least)) kept.push(level);
    if (kept.length > 1) kept[kept.length - 1] = largest;
    return kept;
  };
  const distinct = apart([...new Set(ascending)]);
  if (distinct.length <= most) return distinct;
  return apart(Array.from({ length: most }, (_, i) => quantileOfSorted(ascending, i / (most - 1))));
}

/** ms = intercept + sum of tables, fitted to relative errors. */
export function fitAdditive({ features, ms }: Samples, options: AdditiveOptions, seed: number): PointModel {
  const columns = chosenColumns(features.columns, options.columns);
  const { levels: most = 16, directions = 'free' } = options;
  if (!Number.isInteger(most) || most < 2) throw new ConfigError(`additive: expected at least 2 levels, got ${most}.`);
  if (typeof directions !== 'string' && directions.length !== columns.length) {
    throw new ConfigError(`additive: expected ${columns.length} directions, got ${directions.length}.`);
  }
  const { rows } = features;
  const unit = median(ms);
  const tables = columns.map((column, i) => ({
    column,
    levels: levelsOf(
      Float64Array.from({ length: rows }, (_, row) => features.values[row * features.columns + column] ?? 0),
      most,
    ),
    direction: typeof directions === 'string' ? directions : (directions[i] ?? 'free'),
  }));
  const width = 1 + tables.reduce((sum, { levels }) => sum + levels.length - 1, 0);
  const design = new Float64Array(rows * width);
  const penalty = new Float64Array(width * width);
  const isBounded: boolean[] = [false];
  for (let row = 0; row < rows; row++) design[row * width] = 1;
  let first = 1;
  for (const { column, levels, direction } of tables) {
    const steps = levels.length - 1;
    const isFalling = direction === 'falling';
    for (let row = 0; row < rows; row++) {
      const value = features.values[row * features.columns + column] ?? 0;
      for (let step = 0; step < steps; step++) {
        const climbed = stepShare(value, levels, step);
        // a falling table begins at its last level, so that each step adds
        design[row * width + first + step] = isFalling ? 1 - climbed : climbed;
      }
    }
    addSmoothing(penalty, width, first, levels);
    for (let step = 0; step < steps; step++) isBounded.push(direction !== 'free');
    first += steps;
  }
  const { coefficients } = fitPenalized({
    design,
    columns: width,
    values: ms.map((value) => value / unit),
    penalty,
    strengths: options.smoothing ?? defaultSmoothing,
    isBounded,
    loss: options.loss ?? 'huber',
    seed,
  });
  let intercept = (coefficients[0] ?? 0) * unit;
  let at = 1;
  const fitted = tables.map(({ column, levels, direction }): LookupTable => {
    const added = [0];
    for (let step = 1; step < levels.length; step++) {
      const height = (coefficients[at++] ?? 0) * unit * (direction === 'falling' ? -1 : 1);
      added.push((added[step - 1] ?? 0) + height);
    }
    if (direction === 'falling') intercept -= added.at(-1) ?? 0;
    return { column, levels, ms: added };
  });
  return additiveModel({ kind: 'additive', intercept, tables: fitted, leastMs: leastShare * Math.min(...ms) });
}

/** How much of a step from one level to the next lies below a value. */
function stepShare(value: number, levels: readonly number[], step: number): number {
  const [low, high] = [levels[step] ?? 0, levels[step + 1] ?? 0];
  return Math.max(0, Math.min(1, (value - low) / (high - low)));
}

/** Squares of the differences between the slopes of neighbouring steps, in units of a step of average length. */
function addSmoothing(penalty: Float64Array, width: number, first: number, levels: readonly number[]): void {
  const steps = levels.length - 1;
  const average = ((levels.at(-1) ?? 0) - (levels[0] ?? 0)) / steps;
  const slopeUnit = (step: number): number => average / ((levels[step + 1] ?? 0) - (levels[step] ?? 0));
  const add = (i: number, j: number, value: number): void => {
    const at = (first + i) * width + first + j;
    penalty[at] = (penalty[at] ?? 0) + value;
  };
  for (let step = 0; step + 1 < steps; step++) {
    const [here, next] = [slopeUnit(step), slopeUnit(step + 1)];
    add(step, step, here * here);
    add(step, step + 1, -here * next);
    add(step + 1, step, -here * next);
    add(step + 1, step + 1, next * next);
  }
}

/** The model of a document; beyond the levels a table goes on at the slope between its ends. */
export function additiveModel(document: AdditiveDocument): PointModel {
  const { intercept, leastMs } = document;
  const tables = document.tables.map(({ column, levels, ms }) => {
    const range = (levels.at(-1) ?? 0) - (levels[0] ?? 0);
    return {
      column,
      levels: Float64Array.from(levels),
      ms: Float64Array.from(ms),
      last: levels.length - 1,
      slope: range > 0 ? ((ms.at(-1) ?? 0) - (ms[0] ?? 0)) / range : 0,
    };
  });
  return {
    predictMs(features) {
      let sum = intercept;
      for (let i = 0; i < tables.length; i++) {
        const table = tables[i];
        if (table === undefined) continue;
        const { levels, ms, last, slope } = table;
        const value = features[table.column] ?? 0;
        const [low, high] = [levels[0] ?? 0, levels[last] ?? 0];
        if (value <= low) sum += (ms[0] ?? 0) + slope * (value - low);
        else if (value >= high) sum += (ms[last] ?? 0) + slope * (value - high);
        else {
          let step = 0;
          while ((levels[step + 1] ?? 0) < value) step++;
          const from = levels[step] ?? 0;
          const share = (value - from) / ((levels[step + 1] ?? 0) - from);
          sum += (ms[step] ?? 0) + share * ((ms[step + 1] ?? 0) - (ms[step] ?? 0));
        }
      }
      return Math.max(sum, leastMs);
    },
    toJSON: () => document,
  };
}
