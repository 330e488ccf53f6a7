export type { DistributedEvaluator, DistributedEvaluatorOptions, DriverEvent } from './driver';
export { createDistributedEvaluator } from './driver';
export { subjectKey } from './identity';
export type { ConnectionEvent, ConnectOptions, RedisAddress } from './redis';
export type { AnnouncedSubject } from './subjects';
export { announcedSubjects } from './subjects';
export type { EvaluationWorker, EvaluationWorkerOptions, WorkerEvent } from './worker';
export { createEvaluationWorker } from './worker';
