export type { DistributedEvaluator, DistributedEvaluatorOptions, DriverEvent } from './driver';
export { createDistributedEvaluator } from './driver';
export type { MeasureWithOptions } from './measure';
export { measureWith } from './measure';
export type { ConnectionEvent, ConnectOptions, RedisAddress } from './redis';
export type { AnnouncedSubject } from './subjects';
export { announcedSubjects } from './subjects';
export type { EvaluationWorker, EvaluationWorkerOptions, WorkerEvent } from './worker';
export { createEvaluationWorker } from './worker';
