export type { CountMacsOptions, MacCount, StageMacs } from './count-macs';
export { countMacs } from './count-macs';
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
export { checkSameDevice, differencesOf, fingerprintKey } from './profile/fingerprint';
export type { JournalStorage } from './profile/journal';
export { memoryJournal } from './profile/journal';
export type { MeasureOptions } from './profile/measure';
export { latencyTableOf, measure } from './profile/measure';
export type { MeasureProtocol } from './profile/protocol';
export { createProtocol, defaultProtocol } from './profile/protocol';
export type { ExclusionReason, TimedSamples } from './profile/records';
export type { LatencyRun, LatencyRunner } from './profile/runner';
export { stableHash } from './profile/stable-hash';
export { agree, median, quantile } from './profile/statistics';
export type {
  ExcludedConfig,
  LatencyRow,
  LatencyTable,
  LatencyTableRow,
  LatencyVisit,
  SentinelReading,
  UnsteadyStretch,
} from './profile/table';
export { timerResolution } from './profile/timing';
export type { CountedCall, MacAccounting, MacPart, Shape } from './shape-ops';
export { createShapeOps } from './shape-ops';
