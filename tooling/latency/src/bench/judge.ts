/** From tables to figures: predictors on the hold-out, and predictors that are moved. */

import { familyRules } from '@sparsevit/backbone';
import type { LatencyTable } from '@sparsevit/config';
import type { CalibrationPoint, LatencyPredictor, LatencyRow, NoiseFloor, QualityReport } from '@sparsevit/latency';
import {
  calibrationCurve,
  choosePredictor,
  fingerprintKey,
  fitPredictor,
  noiseFloorOf,
  predictorKinds,
  qualityReport,
  rowsAtSpeedOf,
} from '@sparsevit/latency';

/** A kind of predictor on the hold-out. */
export interface JudgedKind {
  readonly kind: string;
  readonly isChosen: boolean;
  /** RMSPE by cross-validation of the rows that were fitted to. */
  readonly crossValidatedPercent: number;
  readonly report: QualityReport;
}

/** A device: its predictors and how good they are. */
export interface JudgedDevice {
  readonly predictor: LatencyPredictor;
  readonly fitted: LatencyTable;
  readonly heldOut: LatencyTable;
  readonly fitNoise: NoiseFloor | null;
  readonly chosen: QualityReport;
  /** The same at the speed that the machine had for the rows to fit, by the sentinel; null where it has no time. */
  readonly atSpeed: QualityReport | null;
  /** The sentinel's time for the hold-out over that for the rows to fit. */
  readonly slowdown: number | null;
  readonly kinds: readonly JudgedKind[];
}

/** Fits to one table and judges by the other. */
export function judgeDevice(fitted: LatencyTable, heldOut: LatencyTable): JudgedDevice {
  const { architecture, rules: sparsity } = fitted.model;
  const subject = { architecture, ...fitted.input, rules: familyRules.mmdet, sparsity };
  const origin = fingerprintKey(fitted);
  const { predictor, scores } = choosePredictor(subject, fitted.rows, { origin });
  const atSpeed = rowsAtSpeedOf(heldOut, fitted);
  const judge = (judged: LatencyPredictor, rows: readonly LatencyRow[] = heldOut.rows): QualityReport =>
    qualityReport(
      rows,
      rows.map(({ prunedRatios }) => judged.predict(prunedRatios)),
    );
  return {
    predictor,
    fitted,
    heldOut,
    fitNoise: noiseFloorOf(fitted.rows),
    chosen: judge(predictor),
    atSpeed: atSpeed === null ? null : judge(predictor, atSpeed.rows),
    slowdown: atSpeed?.slowdown ?? null,
    kinds: predictorKinds.map((kind) => ({
      kind,
      isChosen: kind === predictor.kind,
      crossValidatedPercent: scores.find((score) => score.kind === kind)?.rmspePercent ?? Number.NaN,
      report: judge(fitPredictor(subject, fitted.rows, { kind, origin })),
    })),
  };
}

/** Errors of a predictor that 5, 10 and 20 rows of another device move, on the rows that none of them uses. */
export function judgeMove(predictor: LatencyPredictor, tables: readonly LatencyTable[]): CalibrationPoint[] {
  return calibrationCurve(
    predictor,
    tables.flatMap(({ rows }) => rows),
  );
}
