/** Which kind of predictor suits a device: each is fitted without part of the rows in turn, and judged on that part. */

import { ConfigError } from '@sparsevit/windows';
import type { LatencyRow } from '../latency-row';
import type { ErrorReport } from '../quality/quality-report';
import { errorReport } from '../quality/quality-report';
import { foldsOf } from '../regression/cross-validation';
import { createRegressor, predictLeftOut } from '../regression/regressor';
import { robustDeviation, rootMeanSquare } from '../statistics';
import type { FitPredictorOptions, LatencyPredictor, PredictorKind } from './predictor';
import { createPredictor, predictorKinds, regressionOf, samplesOfRows } from './predictor';
import { createSparsityFeatures } from './sparsity-features';
import type { LatencySubject } from './subject';
import { wholeSubject } from './subject';

/** What is tried. */
export interface ChoosePredictorOptions extends Omit<FitPredictorOptions, 'kind'> {
  /** Kinds to choose from, simplest first; default all. */
  readonly kinds?: readonly PredictorKind[];
  /** A later kind has to lower the clipped RMSPE to less than this multiple of an earlier one's; default 0.98. */
  readonly leastGain?: number;
}

/** A kind and its errors on rows that it had not seen. */
export interface PredictorScore extends ErrorReport {
  readonly kind: PredictorKind;
  /** RMSPE with errors beyond five deviations of the best kind cut off there: what chooses, since outliers would drown the difference. */
  readonly clippedRmspePercent: number;
}

/** The predictor that was chosen, and the scores of all. */
export interface ChosenPredictor {
  readonly predictor: LatencyPredictor;
  readonly scores: readonly PredictorScore[];
}

const clippedDeviations = 5;
/** Nor is an error of less than 2.5 % ever cut off, however well the best kind does. */
const leastDeviation = 0.005;
/** A gain of fewer percent is none. */
const leastGainPercent = 0.01;

/**
 * Fits every kind, and takes the one of least RMSPE (outliers cut off) by seeded cross-validation; the simpler one where the richer gains almost nothing.
 * The scores choose, so they flatter a little: quote errors of a hold-out.
 *
 * @throws ConfigError for no kinds, or rows that cannot be fitted
 * @example
 * const { predictor, scores } = choosePredictor(subject, rows, { seed: 1 });
 * scores.map(({ kind, rmspePercent }) => `${kind} ${rmspePercent.toFixed(1)} %`);
 */
export function choosePredictor(
  subject: LatencySubject,
  rows: readonly LatencyRow[],
  options: ChoosePredictorOptions = {},
): ChosenPredictor {
  const { kinds = predictorKinds, leastGain = 0.98, origin = '', ...fit } = options;
  const whole = wholeSubject(subject);
  const features = createSparsityFeatures(whole);
  const { samples, groups } = samplesOfRows(features, rows);
  const { seed = 0 } = fit;
  const folds = foldsOf(rows.length, { ...fit, groups });
  const tried = kinds.map((kind) => {
    const regression = regressionOf(kind, features.columns);
    const leftOut = predictLeftOut(samples, regression, folds, seed);
    const errors = samples.ms.map((ms, row) => (leftOut.predictedMs[row] ?? 0) / ms - 1);
    return { kind, regression, leftOut, errors };
  });
  const deviation = Math.min(...tried.map(({ errors }) => robustDeviation(errors)));
  const limit = clippedDeviations * Math.max(deviation, leastDeviation);
  const clipped = (errors: Float64Array): number =>
    100 * rootMeanSquare(errors.map((error) => Math.max(-limit, Math.min(limit, error))));
  const [first, ...others] = tried;
  if (first === undefined) throw new ConfigError('choosePredictor: expected at least one kind, got none.');
  const chosen = others.reduce(
    (best, next) => (clipped(next.errors) < leastGain * clipped(best.errors) - leastGainPercent ? next : best),
    first,
  );
  const regressor = createRegressor(samples, chosen.regression, chosen.leftOut, fit);
  return {
    predictor: createPredictor(chosen.kind, whole, features, regressor, origin),
    scores: tried.map(({ kind, leftOut, errors }) => ({
      kind,
      ...errorReport(samples.ms, leftOut.predictedMs),
      clippedRmspePercent: clipped(errors),
    })),
  };
}
