export type { CalibrateOptions } from './calibration/calibrate';
export { calibratePredictor } from './calibration/calibrate';
export type { CalibrationPoint } from './calibration/calibration-curve';
export { calibrationCurve } from './calibration/calibration-curve';
export type { ReferenceOptions } from './calibration/reference-sparsities';
export { referenceSparsities } from './calibration/reference-sparsities';
export type { CountMacsOptions, MacCount, StageMacs } from './count-macs';
export { countMacs } from './count-macs';
export type { ChangePointOptions, LevelSegment } from './drift/change-points';
export { findLevels } from './drift/change-points';
export type { DetectDriftOptions, DriftReport, RegimeShift } from './drift/detect-drift';
export { detectDrift } from './drift/detect-drift';
export type { FittedTimeEffect, TimeEffect, TimeEffectOptions } from './drift/time-effect';
export { fitTimeEffect, timeFactorAt } from './drift/time-effect';
export type { LatencyRow } from './latency-row';
export { checkLatencyRows } from './latency-row';
export type { CancelledDrift } from './predictors/cancel-drift';
export { cancelDrift } from './predictors/cancel-drift';
export type { ChoosePredictorOptions, ChosenPredictor, PredictorScore } from './predictors/choose-predictor';
export { choosePredictor } from './predictors/choose-predictor';
export type { CalibratedPredictorDocument, FittedPredictorDocument, PredictorDocument } from './predictors/document';
export { predictorFromJSON } from './predictors/from-json';
export type { FitPredictorOptions, LatencyPredictor, PredictorKind } from './predictors/predictor';
export { fitPredictor, predictorKinds } from './predictors/predictor';
export type { LatencySubject, WholeSubject } from './predictors/subject';
export type { CostEstimate } from './profile/estimate-cost';
export { estimateCost } from './profile/estimate-cost';
export type { MeasureEvent, MeasurementProgress, VisitPlace } from './profile/events';
export type {
  DeviceFingerprint,
  FingerprintDifference,
  LatencyDevice,
  LatencyInput,
  LatencyModel,
} from './profile/fingerprint';
export { checkSameDevice, describeDifferences, differencesOf, fingerprintKey } from './profile/fingerprint';
export type { JournalStorage } from './profile/journal';
export { memoryJournal } from './profile/journal';
export type { MeasureOptions } from './profile/measure';
export { latencyTableOf, measure } from './profile/measure';
export type { MeasureProtocol } from './profile/protocol';
export { createProtocol, defaultProtocol } from './profile/protocol';
export type { ExclusionReason, TimedSamples } from './profile/records';
export type { LatencyRun, LatencyRunner } from './profile/runner';
export { stableHash } from './profile/stable-hash';
export type {
  ExcludedConfig,
  LatencyTable,
  LatencyTableRow,
  LatencyVisit,
  SentinelReading,
  UnsteadyStretch,
} from './profile/table';
export { timerResolution } from './profile/timing';
export type { BudgetQuality, WinnerQuality } from './quality/budgets';
export type { NoiseFloor } from './quality/noise-floor';
export { noiseFloorOf } from './quality/noise-floor';
export type { ErrorReport, QualityOptions, QualityReport } from './quality/quality-report';
export { errorReport, qualityReport } from './quality/quality-report';
export { kendall, spearman } from './quality/rank-correlation';
export type { RowsAtSpeed } from './quality/rows-at-speed';
export { rowsAtSpeedOf } from './quality/rows-at-speed';
export type { AdditiveDocument, AdditiveOptions, Direction, LookupTable } from './regression/additive';
export type { BoostedDocument, BoostedOptions } from './regression/boosted';
export type { FoldOptions } from './regression/cross-validation';
export type { RegressorDocument } from './regression/document';
export type { IntervalDocument } from './regression/interval';
export type { LinearDocument, LinearOptions } from './regression/linear';
export type { PointModelDocument } from './regression/point-model';
export type { FitOptions, Prediction, Regressor, RegressorOptions } from './regression/regressor';
export { fitRegressor, regressorFromJSON } from './regression/regressor';
export type { ErrorLoss } from './regression/robust-fit';
export type { ColumnSupport } from './regression/support';
export type { NextSamplesOptions } from './sampling/next-samples';
export { nextSamples } from './sampling/next-samples';
export type { SamplingPlan, SamplingPlanOptions } from './sampling/sampling-plan';
export { createSamplingPlan } from './sampling/sampling-plan';
export type { CountedCall, MacAccounting, MacPart, Shape } from './shape-ops';
export { createShapeOps } from './shape-ops';
export { agree, median, quantile } from './statistics';
