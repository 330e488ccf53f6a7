/** A straight line in every feature: ridge regression, or with coefficients that are not negative. */

import { median } from '../statistics';
import type { Samples } from './matrix';
import { chosenColumns } from './matrix';
import type { PointModel } from './point-model';
import { leastShare } from './point-model';
import type { ErrorLoss } from './robust-fit';
import { fitPenalized } from './robust-fit';

/** How a line is fitted. */
export interface LinearOptions {
  readonly kind: 'linear';
  /** No coefficient and no intercept below 0: each feature can only cost. Default false. */
  readonly nonNegative?: boolean;
  /** Strengths of the ridge to choose from; default 1e-9 to 1. */
  readonly ridge?: readonly number[];
  /** Default `huber`. */
  readonly loss?: ErrorLoss;
  /** Which features to use; default all. */
  readonly columns?: readonly number[];
}

/** A fitted line. */
export interface LinearDocument {
  readonly kind: 'linear';
  readonly columns: readonly number[];
  /** One per column. */
  readonly coefficients: readonly number[];
  readonly intercept: number;
  /** The least that is predicted. */
  readonly leastMs: number;
}

const defaultRidge: readonly number[] = [1e-9, 1e-6, 1e-4, 1e-3, 1e-2, 1e-1, 1];

/** ms = intercept + sum of coefficients * features, fitted to relative errors. */
export function fitLinear({ features, ms }: Samples, options: LinearOptions, seed: number): PointModel {
  const columns = chosenColumns(features.columns, options.columns);
  const { rows } = features;
  const width = columns.length + 1;
  const unit = median(ms);
  const means = columns.map((column) => {
    let sum = 0;
    for (let row = 0; row < rows; row++) sum += features.values[row * features.columns + column] ?? 0;
    return sum / rows;
  });
  const sizes = columns.map((column) => {
    let largest = 0;
    for (let row = 0; row < rows; row++) {
      largest = Math.max(largest, Math.abs(features.values[row * features.columns + column] ?? 0));
    }
    return largest || 1;
  });
  const design = new Float64Array(rows * width);
  const variances = new Float64Array(width);
  for (let row = 0; row < rows; row++) {
    design[row * width] = 1;
    columns.forEach((column, j) => {
      const value = features.values[row * features.columns + column] ?? 0;
      design[row * width + j + 1] = value / (sizes[j] ?? 1);
      variances[j + 1] = (variances[j + 1] ?? 0) + ((value - (means[j] ?? 0)) / (sizes[j] ?? 1)) ** 2 / rows;
    });
  }
  // the ridge is on coefficients of features of unit variance; one that is always the same is left out
  const penalty = new Float64Array(width * width);
  for (let j = 1; j < width; j++) penalty[j * width + j] = (variances[j] ?? 0) > 1e-18 ? (variances[j] ?? 0) : 1e12;
  const { coefficients } = fitPenalized({
    design,
    columns: width,
    values: ms.map((value) => value / unit),
    penalty,
    strengths: options.ridge ?? defaultRidge,
    isBounded: Array.from({ length: width }, () => options.nonNegative ?? false),
    loss: options.loss ?? 'huber',
    seed,
  });
  return linearModel({
    kind: 'linear',
    columns,
    coefficients: columns.map((_, j) => ((coefficients[j + 1] ?? 0) * unit) / (sizes[j] ?? 1)),
    intercept: (coefficients[0] ?? 0) * unit,
    leastMs: leastShare * Math.min(...ms),
  });
}

/** The model of a document. */
export function linearModel(document: LinearDocument): PointModel {
  const columns = Int32Array.from(document.columns);
  const coefficients = Float64Array.from(document.coefficients);
  const { intercept, leastMs } = document;
  return {
    predictMs(features) {
      let sum = intercept;
      for (let j = 0; j < columns.length; j++) sum += (coefficients[j] ?? 0) * (features[columns[j] ?? 0] ?? 0);
      return Math.max(sum, leastMs);
    },
    toJSON: () => document,
  };
}
