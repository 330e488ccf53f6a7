/** Latency of a sparsity without measuring it: a regression on what the sparsity looks like. */

import type { PrunedRatios, SparsitySpace } from '@sparsevit/windows';
import { ConfigError, everySparsity, prunedRatiosAt, sparsitySpaceSize } from '@sparsevit/windows';
import type { LatencyRow } from '../latency-row';
import { checkLatencyRows } from '../latency-row';
import type { Samples } from '../regression/matrix';
import { samplesOf } from '../regression/matrix';
import type { FitOptions, Prediction, Regressor, RegressorOptions } from '../regression/regressor';
import { fitRegressor } from '../regression/regressor';
import type { PredictorDocument } from './document';
import type { FeatureColumns, SparsityFeatures } from './sparsity-features';
import { createSparsityFeatures } from './sparsity-features';
import type { LatencySubject, WholeSubject } from './subject';
import { spaceOfSubject, wholeSubject } from './subject';

/**
 * `macs`: a line in the multiply-accumulates. `table`: what each pair of blocks takes at each number of kept windows, never less for more
 * windows, and what beginning to prune costs. `physical`: a price per multiply-accumulate, per value moved, per call, none below 0.
 * `boosted`: trees on what the table leaves over.
 */
export type PredictorKind = 'macs' | 'table' | 'physical' | 'boosted';

/** All kinds, from the simplest to the richest. */
export const predictorKinds: readonly PredictorKind[] = ['macs', 'physical', 'table', 'boosted'];

/** Predicts the latency of sparsities of one model at one input size on one device. */
export interface LatencyPredictor {
  readonly kind: PredictorKind | 'calibrated';
  readonly subject: WholeSubject;
  /** The sparsities that places number. */
  readonly space: SparsitySpace;
  /** What the caller said the rows come from: the key of a device, of a table. */
  readonly origin: string;
  /**
   * Milliseconds with an interval.
   *
   * @throws ConfigError for ratios that the architecture cannot run
   */
  predict(prunedRatios: PrunedRatios): Prediction;
  /**
   * Milliseconds only: the fast way.
   *
   * @throws ConfigError for ratios that the architecture cannot run
   */
  predictMs(prunedRatios: PrunedRatios): number;
  /**
   * Milliseconds of the sparsity at a place of the space, as `prunedRatiosAt` numbers them.
   *
   * @throws ConfigError for a place that there is not
   */
  predictPlace(place: number): number;
  /**
   * Milliseconds of every sparsity of the space, in the order of `everySparsity`.
   *
   * @throws ConfigError for a space of more than 2^24 sparsities
   */
  predictEvery(): Float64Array;
  /** The document that `predictorFromJSON` reads. */
  toJSON(): PredictorDocument;
}

/** How a predictor is fitted. */
export interface FitPredictorOptions extends Omit<FitOptions, 'groups'> {
  readonly kind: PredictorKind;
  /** Kept with the predictor: the key of the device or table that the rows come from. Default empty. */
  readonly origin?: string;
}

/** Places of more sparsities than this are for drawing from, not for listing. */
const largestList = 2 ** 24;

/** The regression behind a kind of predictor. */
export function regressionOf(kind: PredictorKind, { macs, kept, pruned, physical }: FeatureColumns): RegressorOptions {
  const table = {
    kind: 'additive',
    columns: [...kept, ...pruned],
    directions: 'rising',
    levels: 32,
  } as const;
  switch (kind) {
    case 'macs':
      return { kind: 'linear', columns: [macs], nonNegative: true };
    case 'table':
      return table;
    case 'physical':
      return { kind: 'linear', columns: physical, nonNegative: true };
    case 'boosted':
      return { kind: 'boosted', base: table, columns: [...kept, ...pruned, macs, ...physical] };
    default:
      throw new ConfigError(`predictor: expected ${predictorKinds.join(', ')}, got ${String(kind)}.`);
  }
}

/** Rows as a regression problem; rows of one sparsity are a group. */
export function samplesOfRows(
  features: SparsityFeatures,
  rows: readonly LatencyRow[],
): { samples: Samples; groups: number[]; vectors: Float64Array[] } {
  checkLatencyRows(rows, 'fitPredictor');
  const vectors = rows.map(({ prunedRatios }) => {
    const vector = new Float64Array(features.columns.count);
    features.write(prunedRatios, vector);
    return vector;
  });
  const groupOf = new Map<string, number>();
  const groups = rows.map(({ prunedRatios }) => {
    const name = JSON.stringify(prunedRatios);
    const group = groupOf.get(name) ?? groupOf.size;
    groupOf.set(name, group);
    return group;
  });
  return {
    samples: samplesOf(
      vectors,
      rows.map(({ ms }) => ms),
    ),
    groups,
    vectors,
  };
}

/**
 * Fits one kind of predictor to rows. Include dense, the most pruned sparsity and random ones (`createSamplingPlan`): a predictor knows
 * nothing beyond them.
 *
 * @throws ConfigError for fewer than five different sparsities, or rows that the subject cannot run
 * @example
 * const predictor = fitPredictor({ architecture, height: 672, width: 672 }, rows, { kind: 'table' });
 * predictor.predict([[0.3], [0], [0.1, 0.2, 0.2], [0]]); // { ms, lo, hi, extrapolating }
 */
export function fitPredictor(
  subject: LatencySubject,
  rows: readonly LatencyRow[],
  { kind, origin = '', ...fit }: FitPredictorOptions,
): LatencyPredictor {
  const whole = wholeSubject(subject);
  const features = createSparsityFeatures(whole);
  const { vectors, groups } = samplesOfRows(features, rows);
  const options = regressionOf(kind, features.columns);
  const regressor = fitRegressor(
    vectors,
    rows.map(({ ms }) => ms),
    { ...options, ...fit, groups },
  );
  return createPredictor(kind, whole, features, regressor, origin);
}

/** A predictor of a fitted regression. */
export function createPredictor(
  kind: PredictorKind,
  subject: WholeSubject,
  features: SparsityFeatures,
  regressor: Regressor,
  origin: string,
): LatencyPredictor {
  const vector = new Float64Array(features.columns.count);
  const predictMs = (prunedRatios: PrunedRatios): number => {
    features.write(prunedRatios, vector);
    return regressor.predictMs(vector);
  };
  return {
    kind,
    subject,
    origin,
    ...placesOf(spaceOfSubject(subject), predictMs),
    predictMs,
    predict(prunedRatios) {
      features.write(prunedRatios, vector);
      return regressor.predict(vector);
    },
    toJSON: () => ({
      format: 'sparsevit-latency-predictor',
      version: 1,
      kind,
      origin,
      subject,
      regressor: regressor.toJSON(),
    }),
  };
}

/** Prediction by place, for any way to predict. */
export function placesOf(
  space: SparsitySpace,
  predictMs: LatencyPredictor['predictMs'],
): Pick<LatencyPredictor, 'space' | 'predictPlace' | 'predictEvery'> {
  return {
    space,
    predictPlace: (place) => predictMs(prunedRatiosAt(space, place)),
    predictEvery() {
      const size = sparsitySpaceSize(space);
      if (!(size <= largestList)) {
        throw new ConfigError(
          `predictEvery: expected a space of at most ${largestList} sparsities, got ${size}. Draw from it instead.`,
        );
      }
      const predicted = new Float64Array(size);
      let place = 0;
      for (const prunedRatios of everySparsity(space)) predicted[place++] = predictMs(prunedRatios);
      return predicted;
    },
  };
}
