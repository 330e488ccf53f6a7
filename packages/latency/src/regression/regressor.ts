/** One interface for every kind of regression: fit feature rows to milliseconds, predict with an interval, save and load. */

import { ConfigError } from '@sparsevit/windows';
import type { AdditiveOptions } from './additive';
import { fitAdditive } from './additive';
import type { BoostedOptions } from './boosted';
import { fitBoosted } from './boosted';
import type { FoldOptions } from './cross-validation';
import { foldsOf } from './cross-validation';
import type { RegressorDocument } from './document';
import { modelOfDocument, readRegressorDocument } from './document';
import type { IntervalDocument } from './interval';
import { intervalOf } from './interval';
import type { LinearOptions } from './linear';
import { fitLinear } from './linear';
import type { Samples } from './matrix';
import { chosenColumns, rowOf, samplesOf, takeSamples } from './matrix';
import type { PointModel } from './point-model';
import type { ColumnSupport } from './support';
import { createReach, supportOf } from './support';

/** What is predicted. */
export interface Prediction {
  readonly ms: number;
  /** The interval that a measurement should fall in, at the level of the fit (90 %). */
  readonly lo: number;
  readonly hi: number;
  /** Something lies outside of what was fitted: the interval is widened, and no row says how far off it may be. */
  readonly extrapolating: boolean;
}

/** A fitted regression. */
export interface Regressor {
  readonly kind: RegressorOptions['kind'];
  /** Features that it takes. */
  readonly columns: number;
  /**
   * @throws ConfigError for another number of features, or one that is not finite
   */
  predict(features: ArrayLike<number>): Prediction;
  /** Milliseconds only, without checks: for loops. */
  predictMs(features: ArrayLike<number>): number;
  /** The document that `regressorFromJSON` reads. */
  toJSON(): RegressorDocument;
}

/** Which regression, and its settings. */
export type RegressorOptions = LinearOptions | AdditiveOptions | BoostedOptions;

/** How a fit is validated. */
export interface FitOptions extends FoldOptions {
  /** Share of measurements that should fall inside the interval; default 0.9. */
  readonly level?: number;
}

/** Predictions of rows by models that have not seen them. */
export interface LeftOutPredictions {
  readonly predictedMs: Float64Array;
  /** Relative widths of the errors, as far as the place of a row among the others tells. */
  readonly widths: Float64Array;
}

/** Fits without an interval. */
export function fitPointModel(samples: Samples, options: RegressorOptions, seed: number): PointModel {
  switch (options.kind) {
    case 'linear':
      return fitLinear(samples, options, seed);
    case 'additive':
      return fitAdditive(samples, options, seed);
    case 'boosted':
      return fitBoosted(samples, options, seed);
    default:
      throw new ConfigError(
        `fit: expected linear, additive or boosted, got ${String((options as { kind: unknown }).kind)}.`,
      );
  }
}

/** The features that a model looks at. */
function usedColumns(options: RegressorOptions, columns: number): readonly number[] {
  const own = chosenColumns(columns, options.columns);
  if (options.kind !== 'boosted' || !options.base) return own;
  return [...new Set([...own, ...chosenColumns(columns, options.base.columns)])].sort((a, b) => a - b);
}

/** Fits without each fold in turn, and predicts it. */
export function predictLeftOut(
  samples: Samples,
  options: RegressorOptions,
  folds: Int32Array,
  seed: number,
): LeftOutPredictions {
  const predictedMs = new Float64Array(folds.length);
  const widths = new Float64Array(folds.length);
  const rows = [...folds.keys()];
  for (let fold = 0; fold <= Math.max(...folds); fold++) {
    const train = takeSamples(
      samples,
      rows.filter((row) => folds[row] !== fold),
    );
    const model = fitPointModel(train, options, seed);
    const reachOf = createReach(supportOf(train.features, usedColumns(options, train.features.columns)));
    for (const row of rows.filter((row) => folds[row] === fold)) {
      const features = rowOf(samples.features, row);
      predictedMs[row] = model.predictMs(features);
      widths[row] = reachOf(features).width;
    }
  }
  return { predictedMs, widths };
}

/** The fitted model with the interval that its predictions of left-out rows give. */
export function createRegressor(
  samples: Samples,
  options: RegressorOptions,
  leftOut: LeftOutPredictions,
  { seed = 0, level = 0.9 }: FitOptions,
): Regressor {
  const errors = samples.ms.map(
    (ms, row) => Math.log(ms / (leftOut.predictedMs[row] ?? 1)) / (leftOut.widths[row] ?? 1),
  );
  const { columns } = samples.features;
  return regressorOf(
    options.kind,
    columns,
    fitPointModel(samples, options, seed),
    intervalOf(errors, level),
    supportOf(samples.features, usedColumns(options, columns)),
  );
}

/**
 * Fits a regression to relative errors: `linear` (ridge, or coefficients that are not negative), `additive` (a lookup table per feature,
 * monotone and smoothed) or `boosted` (trees on what one of these leaves over). The interval comes from rows that were left out in turn.
 *
 * @param features rows of equal length
 * @param ms milliseconds of each row, above 0
 * @throws ConfigError for fewer than five rows, numbers that are not finite, or settings that cannot be
 * @example
 * const regressor = fitRegressor(features, ms, { kind: 'additive', directions: 'rising' });
 * regressor.predict(features[0]); // { ms, lo, hi, extrapolating: false }
 */
export function fitRegressor(
  features: readonly ArrayLike<number>[],
  ms: ArrayLike<number>,
  options: RegressorOptions & FitOptions,
): Regressor {
  const samples = samplesOf(features, ms);
  const { seed = 0 } = options;
  const leftOut = predictLeftOut(samples, options, foldsOf(samples.ms.length, options), seed);
  return createRegressor(samples, options, leftOut, options);
}

/**
 * Reads what `toJSON` gave, as hostile input.
 *
 * @throws ConfigError naming the field that is not as it should be
 * @example
 * const again = regressorFromJSON(JSON.parse(JSON.stringify(regressor)));
 */
export function regressorFromJSON(document: unknown): Regressor {
  const { kind, columns, interval, support, model } = readRegressorDocument(document);
  return regressorOf(kind, columns, modelOfDocument(model), interval, support);
}

function regressorOf(
  kind: Regressor['kind'],
  columns: number,
  model: PointModel,
  interval: IntervalDocument,
  support: readonly ColumnSupport[],
): Regressor {
  const reachOf = createReach(support);
  return {
    kind,
    columns,
    predictMs: model.predictMs,
    predict(features) {
      if (features.length !== columns) {
        throw new ConfigError(`predict: expected ${columns} features, got ${features.length}.`);
      }
      for (let i = 0; i < columns; i++) {
        const value = features[i];
        if (typeof value !== 'number' || !Number.isFinite(value)) {
          throw new ConfigError(`predict: expected a finite number as feature ${i}, got ${value}.`);
        }
      }
      const ms = model.predictMs(features);
      const { extrapolating, width } = reachOf(features);
      return { ms, lo: ms * Math.exp(interval.low * width), hi: ms * Math.exp(interval.high * width), extrapolating };
    },
    toJSON: () => ({
      format: 'sparsevit-latency-regressor',
      version: 1,
      kind,
      columns,
      interval,
      support,
      model: model.toJSON(),
    }),
  };
}
