export type { TrainingDataOptions } from './batches';
export { trainingData } from './batches';
export type { EvaluationCase, EvaluationEvent, EvaluationOptions, EvaluationResult } from './evaluate';
export { evaluate } from './evaluate';
export type { TaskRequest, TaskRunner } from './runner';
export { engineRunner, tensorRunner } from './runner';
