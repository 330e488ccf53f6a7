/** Predictors out of documents. */

import { ConfigError } from '@sparsevit/windows';
import { createCalibrated } from '../calibration/calibrate';
import { regressorFromJSON } from '../regression/regressor';
import type { FittedPredictorDocument } from './document';
import { readPredictorDocument } from './document';
import type { LatencyPredictor } from './predictor';
import { createPredictor } from './predictor';
import { createSparsityFeatures } from './sparsity-features';

/**
 * Reads what a predictor's `toJSON` gave, as hostile input: the same predictions, without the rows.
 *
 * @throws ConfigError naming the field that is not as it should be
 * @example
 * const predictor = predictorFromJSON(JSON.parse(text));
 * if (predictor.origin !== keyOfThisDevice) throw new Error('made on another device: calibrate it');
 */
export function predictorFromJSON(document: unknown): LatencyPredictor {
  const read = readPredictorDocument(document);
  return read.kind === 'calibrated' ? createCalibrated(fitted(read.source), read) : fitted(read);
}

function fitted({ kind, subject, regressor, origin }: FittedPredictorDocument): LatencyPredictor {
  const features = createSparsityFeatures(subject);
  if (regressor.columns !== features.columns.count) {
    throw new ConfigError(
      `predictor.regressor.columns: expected ${features.columns.count} for this architecture, got ${regressor.columns}.`,
    );
  }
  return createPredictor(kind, subject, features, regressorFromJSON(regressor), origin);
}
