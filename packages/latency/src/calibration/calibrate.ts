/**
 * Moving a predictor to another device by a few rows: ms = offset + scale * source + sum over stages of d_s * (source with only stage s
 * pruned - source dense). The d_s are drawn to 0 by a ridge whose strength cross-validation chooses: with few rows the new device is the
 * old one, faster or slower; with more, its stages differ.
 */

import type { PrunedRatios } from '@sparsevit/windows';
import { ConfigError } from '@sparsevit/windows';
import type { LatencyRow } from '../latency-row';
import { checkLatencyRows } from '../latency-row';
import type { CalibratedPredictorDocument, FittedPredictorDocument } from '../predictors/document';
import type { LatencyPredictor } from '../predictors/predictor';
import { placesOf } from '../predictors/predictor';
import { intervalOf } from '../regression/interval';
import { leastShare } from '../regression/point-model';
import { fitPenalized } from '../regression/robust-fit';
import { median } from '../statistics';

/** How a predictor is moved. */
export interface CalibrateOptions {
  /** The key of the new device; default empty. */
  readonly origin?: string;
  readonly seed?: number;
  /** Share of measurements that should fall inside the interval; default 0.9. */
  readonly level?: number;
}

type Moved = Pick<CalibratedPredictorDocument, 'offsetMs' | 'scale' | 'stageScales'>;

const leastRows = 3;
/** Fewer rows than this say nothing of single stages. */
const leastRowsForStages = 8;
/** Relative to the scale: 1e-4 lets stages differ by tens of percent, the last one not at all. */
const strengths: readonly number[] = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1e6];
const mostCached = 65536;

/** The source's prediction of each sparsity, then what each stage of it alone saves (below 0) or costs. */
function createParts(source: LatencyPredictor): (prunedRatios: PrunedRatios) => Float64Array {
  const stages = source.space.pairsPerStage.length;
  const dense = source.space.pairsPerStage.map((pairs) => Array.from({ length: pairs }, () => 0));
  const denseMs = source.predictMs(dense);
  const known = dense.map(() => new Map<string, number>());
  const parts = new Float64Array(1 + stages);
  return (prunedRatios) => {
    parts[0] = source.predictMs(prunedRatios);
    for (let stage = 0; stage < stages; stage++) {
      const ratios = prunedRatios[stage] ?? [];
      const key = ratios.length === 1 ? `${ratios[0]}` : ratios.join();
      let effect = known[stage]?.get(key);
      if (effect === undefined) {
        effect = source.predictMs(dense.map((zeros, other) => (other === stage ? ratios : zeros))) - denseMs;
        if ((known[stage]?.size ?? 0) < mostCached) known[stage]?.set(key, effect);
      }
      parts[1 + stage] = effect;
    }
    return parts;
  };
}

function movedMs({ offsetMs, scale, stageScales }: Moved, parts: Float64Array): number {
  let ms = offsetMs + scale * (parts[0] ?? 0);
  for (let stage = 0; stage < stageScales.length; stage++) ms += (stageScales[stage] ?? 0) * (parts[1 + stage] ?? 0);
  return ms;
}

function fitMoved(
  parts: readonly Float64Array[],
  ms: readonly number[],
  choice: readonly number[],
  seed: number,
): Moved & { strength: number } {
  const unit = median(ms);
  const sourceUnit = median(parts.map((part) => part[0] ?? 0));
  const stages = (parts[0]?.length ?? 1) - 1;
  const columns = 2 + stages;
  const design = new Float64Array(ms.length * columns);
  parts.forEach((part, row) => {
    design[row * columns] = 1;
    part.forEach((value, i) => {
      design[row * columns + 1 + i] = value / sourceUnit;
    });
  });
  const penalty = new Float64Array(columns * columns);
  for (let column = 2; column < columns; column++) penalty[column * columns + column] = 1;
  const { coefficients, strength } = fitPenalized({
    design,
    columns,
    values: Float64Array.from(ms, (value) => value / unit),
    penalty,
    strengths: choice,
    // more work never takes less time; offset and stages may lie on both sides
    isBounded: Array.from({ length: columns }, (_, column) => column === 1),
    loss: 'huber',
    seed,
  });
  const [offset = 0, ...scales] = coefficients;
  const [scale = 1, ...stageScales] = scales.map((value) => (value * unit) / sourceUnit);
  return { offsetMs: offset * unit, scale, stageScales, strength };
}

/**
 * Moves a predictor to the device that rows come from. Ten rows of `referenceSparsities` do for most of it; from eight on, stages may
 * differ. The interval comes from rows left out in turn, and is never narrower than the source's.
 *
 * @throws ConfigError for fewer than three rows, or rows that the source cannot run
 * @example
 * const onPhone = calibratePredictor(onLaptop, rows, { origin: 'phone' });
 */
export function calibratePredictor(
  source: LatencyPredictor,
  rows: readonly LatencyRow[],
  { origin = '', seed = 0, level = 0.9 }: CalibrateOptions = {},
): LatencyPredictor {
  checkLatencyRows(rows, 'calibratePredictor');
  if (rows.length < leastRows) {
    throw new ConfigError(
      `calibratePredictor: expected at least ${leastRows} rows, got ${rows.length}. Measure those of referenceSparsities.`,
    );
  }
  const document = source.toJSON();
  if (document.kind === 'calibrated') {
    throw new ConfigError(
      'calibratePredictor: expected a predictor fitted to rows, got a calibrated one. Calibrate its source.',
    );
  }
  const partsOf = createParts(source);
  const parts = rows.map(({ prunedRatios }) => partsOf(prunedRatios).slice());
  const ms = rows.map((row) => row.ms);
  const choice = rows.length < leastRowsForStages ? strengths.slice(-1) : strengths;
  const { strength, ...moved } = fitMoved(parts, ms, choice, seed);
  const leastMs = leastShare * Math.min(...ms);
  const errors = rows.map((_, left) => {
    const others = <T>(list: readonly T[]): T[] => list.filter((_, row) => row !== left);
    const without = fitMoved(others(parts), others(ms), [strength], seed);
    const predicted = Math.max(leastMs, movedMs(without, parts[left] ?? new Float64Array(0)));
    return Math.log((ms[left] ?? 1) / predicted);
  });
  return createCalibrated(source, {
    format: 'sparsevit-latency-predictor',
    version: 1,
    kind: 'calibrated',
    origin,
    source: document satisfies FittedPredictorDocument,
    ...moved,
    leastMs,
    interval: intervalOf(errors, level),
  });
}

/** The predictor of a calibration. */
export function createCalibrated(source: LatencyPredictor, document: CalibratedPredictorDocument): LatencyPredictor {
  const { leastMs, interval, origin } = document;
  const partsOf = createParts(source);
  const predictMs = (prunedRatios: PrunedRatios): number => Math.max(leastMs, movedMs(document, partsOf(prunedRatios)));
  return {
    kind: 'calibrated',
    subject: source.subject,
    origin,
    ...placesOf(source.space, predictMs),
    predictMs,
    predict(prunedRatios) {
      const ms = predictMs(prunedRatios);
      const own = source.predict(prunedRatios);
      const widening = own.extrapolating ? 2 : 1;
      return {
        ms,
        lo: ms * Math.min(own.lo / own.ms, Math.exp(interval.low * widening)),
        hi: ms * Math.max(own.hi / own.ms, Math.exp(interval.high * widening)),
        extrapolating: own.extrapolating,
      };
    },
    toJSON: () => document,
  };
}
