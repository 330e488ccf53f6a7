/** A predictor moved to another device, and what can be said about the move. */

import type { LatencyTable } from '@sparsevit/config';
import { describeArchitecture, presetOf } from '@sparsevit/config/presets';
import type { CalibrationPoint, LatencyPredictor } from '@sparsevit/latency';
import { calibratePredictor, calibrationCurve, fingerprintKey } from '@sparsevit/latency';
import type { PredictionSource } from '@sparsevit/pipeline/node';
import type { SwinArchitecture } from '@sparsevit/windows';
import { inputError } from '../errors';
import { differencesFrom } from './source';

/** What came of a calibration. */
export interface CalibrationResult {
  readonly predictor: LatencyPredictor;
  /** In what the new device, model or input differ; null for nothing. */
  readonly differences: string | null;
  readonly scale: number;
  readonly offsetMs: number;
  /** What is added to the scale for what each stage saves. */
  readonly stageScales: readonly number[];
  /** Relative ends of the interval: -0.03 is 3 % less than predicted. */
  readonly interval: { readonly level: number; readonly low: number; readonly high: number };
  /** Errors by the number of rows, of the source as it is first; none for fewer than ten rows. */
  readonly curve: readonly CalibrationPoint[];
}

const curvePoints = [5, 10, 20];
/** A curve is judged by rows that it does not use. */
const leastJudged = 5;

/**
 * Moves a predictor by all rows of a table, and says how good it would be with 5, 10 and 20 of them, as far as there are enough.
 *
 * @throws SparseViTError for rows of another architecture, too few of them, or a predictor that was moved before
 */
export function moveByTable(source: PredictionSource, table: LatencyTable): CalibrationResult {
  checkSameArchitecture(source.predictor, table.model.architecture);
  const { rows } = table;
  const predictor = calibratePredictor(source.predictor, rows, { origin: fingerprintKey(table) });
  const document = predictor.toJSON();
  if (document.kind !== 'calibrated')
    throw new TypeError(`moveByTable: expected a calibrated one, got ${document.kind}.`);
  const { scale, offsetMs, stageScales, interval } = document;
  const points = curvePoints.filter((count) => rows.length >= count + leastJudged);
  return {
    predictor,
    differences: differencesFrom(source, table),
    scale,
    offsetMs,
    stageScales,
    interval: { level: interval.level, low: Math.expm1(interval.low), high: Math.expm1(interval.high) },
    curve: points.length === 0 ? [] : calibrationCurve(source.predictor, rows, { points }),
  };
}

/**
 * A predictor can only be moved to another device or input size: what the blocks of another Swin take it does not know.
 *
 * @throws SparseViTError naming both
 */
export function checkSameArchitecture({ subject }: LatencyPredictor, architecture: SwinArchitecture): void {
  const [own, got] = [subject.architecture, architecture].map(describeArchitecture);
  if (own === got) return;
  const nameOf = (of: SwinArchitecture): string => presetOf(of) ?? describeArchitecture(of);
  throw inputError(
    `calibrate: expected the model of the predictor (${nameOf(subject.architecture)}), got ${nameOf(architecture)}. Measure that one with \`sparsevit profile\`.`,
  );
}
