/**
 * How fast the machine was when: a factor on every latency that depends only on when a row was measured, found together with what the
 * features explain. It is constant between the changes of level that `findLevels` sees; a slow rise becomes a few steps.
 */

import { ConfigError } from '@sparsevit/windows';
import { rowOf, samplesOf } from '../regression/matrix';
import type { RegressorOptions } from '../regression/regressor';
import { fitPointModel } from '../regression/regressor';
import { median } from '../statistics';
import type { LevelSegment } from './change-points';
import type { DetectDriftOptions, DriftReport } from './detect-drift';
import { detectDrift } from './detect-drift';

/** A factor by time. */
export interface TimeEffect {
  /** Where each stretch begins in the order of measuring, rising; what lies before the first belongs to it as well. */
  readonly places: readonly number[];
  /** How many times slower the machine was in each stretch than in most rows. */
  readonly factors: readonly number[];
}

/** What `fitTimeEffect` finds. */
export interface FittedTimeEffect {
  readonly effect: TimeEffect;
  /** The times of the rows, without the effect. */
  readonly ms: Float64Array;
  /** Of the residuals before anything was taken away; rows, not places. */
  readonly drift: DriftReport;
}

/** How the effect is found. */
export interface TimeEffectOptions extends DetectDriftOptions {
  /** What explains the features meanwhile; default: lookup tables. */
  readonly model?: RegressorOptions;
  /** How often model and effect are fitted in turn, 1 to 20; default 4. */
  readonly rounds?: number;
  readonly seed?: number;
}

/**
 * The factor at a place in the order of measuring; 1 for an effect without stretches.
 *
 * @example
 * timeFactorAt({ places: [0, 100], factors: [1, 1.2] }, 130); // 1.2
 */
export function timeFactorAt({ places, factors }: TimeEffect, place: number): number {
  let [low, high] = [0, places.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((places[middle] ?? 0) <= place) low = middle + 1;
    else high = middle;
  }
  return factors[Math.max(0, low - 1)] ?? 1;
}

/**
 * Finds the effect of time from rows and their places in the order of measuring, by fitting a model of the features and the levels of its
 * residuals in turn. Rows at other places (a test set) are corrected by `timeFactorAt(effect, place)`.
 *
 * @param places when each row was measured: rising numbers; rows may be missing between them
 * @throws ConfigError for places that do not rise, or rows that cannot be fitted
 * @example
 * const { effect, ms } = fitTimeEffect(features, measuredMs, places);
 * const regressor = fitRegressor(features, ms, { kind: 'boosted' });
 * regressor.predict(row).ms * timeFactorAt(effect, 1204);
 */
export function fitTimeEffect(
  features: readonly ArrayLike<number>[],
  ms: ArrayLike<number>,
  places: ArrayLike<number>,
  options: TimeEffectOptions = {},
): FittedTimeEffect {
  const { model = { kind: 'additive' }, rounds = 4, seed = 0, ...detect } = options;
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 20) {
    throw new ConfigError(`fitTimeEffect: expected from 1 to 20 rounds, got ${rounds}.`);
  }
  const samples = samplesOf(features, ms);
  checkPlaces(places, samples.ms.length);
  let corrected = samples;
  let segments: readonly LevelSegment[] = [];
  let drift: DriftReport | undefined;
  for (let round = 0; round < rounds; round++) {
    const fitted = fitPointModel(corrected, model, seed);
    const residuals = samples.ms.map((time, row) => Math.log(time / fitted.predictMs(rowOf(samples.features, row))));
    const report = detectDrift(residuals, detect);
    drift ??= report;
    segments = relativeToMost(report.segments);
    const factors = new Float64Array(residuals.length);
    for (const { from, to, level } of segments) factors.fill(Math.exp(level), from, to);
    corrected = { ...samples, ms: samples.ms.map((time, row) => time / (factors[row] ?? 1)) };
  }
  const effect: TimeEffect = {
    // a change lies somewhere between the rows on its two sides
    places: segments.map(({ from }) =>
      from === 0 ? (places[0] ?? 0) : ((places[from - 1] ?? 0) + (places[from] ?? 0)) / 2,
    ),
    factors: segments.map(({ level }) => Math.exp(level)),
  };
  return { effect, ms: corrected.ms, drift: drift ?? detectDrift([]) };
}

/** Levels less that of the median row, so that most rows keep their times. */
function relativeToMost(segments: readonly LevelSegment[]): LevelSegment[] {
  const usual = median(segments.flatMap(({ from, to, level }) => Array.from({ length: to - from }, () => level)));
  return segments.map((segment) => ({ ...segment, level: segment.level - usual }));
}

function checkPlaces(places: ArrayLike<number>, rows: number): void {
  if (places.length !== rows) {
    throw new ConfigError(`fitTimeEffect: expected one place per row (${rows}), got ${places.length}.`);
  }
  for (let row = 0; row < rows; row++) {
    const [before, here] = [places[row - 1] ?? Number.NEGATIVE_INFINITY, places[row] ?? Number.NaN];
    if (!(here > before && Number.isFinite(here))) {
      throw new ConfigError(`fitTimeEffect: expected places that rise, got ${here} after ${before} in row ${row}.`);
    }
  }
}
