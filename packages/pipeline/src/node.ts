export type { Learns, OpenOptions } from './node/data-source';
export { absoluteSource, openSource, withClasses } from './node/data-source';
export type { EvaluationPool, EvaluationPoolOptions } from './node/evaluation-pool';
export { createEvaluationPool } from './node/evaluation-pool';
export type { OpenedSubject, OpenSubjectOptions, SearchSubject } from './node/evaluation-subject';
export { checkedPaths, describeSubject, openSubject, subjectPaths } from './node/evaluation-subject';
export { createJournal } from './node/journal';
export type { LatencyHost } from './node/latency-device';
export { engineDevice } from './node/latency-device';
export { named, readLatencyTable } from './node/latency-documents';
export type { PredictionSource } from './node/prediction-source';
export { openPredictionSource } from './node/prediction-source';
export type {
  CaseEvent,
  PipelineEvent,
  PipelineSurroundings,
  SampleFiles,
  SampleRequest,
  TimedModel,
} from './node/run/context';
export type { PipelineOutcome, RunPipelineOptions } from './node/run/run-pipeline';
export { runPipeline } from './node/run/run-pipeline';
export type { ChosenSparsity } from './node/run/search-stage';
export type { PipelineStage } from './node/run/stages';
export { pipelineStages } from './node/run/stages';
export { mostHeldOut, planSamples } from './node/sampling';
export type { StartingTask } from './node/starting-task';
export { startingTask } from './node/starting-task';
export { namingFile, readTaskFile } from './node/task-file';
export type { PrepareOptions, TaskTraining, TaskTrainingFiles } from './node/task-training';
export { prepareTraining } from './node/task-training';
export type { TaskTrainingEvent, TaskTrainingOutcome, TaskTrainingSurroundings } from './node/train-task';
export { trainTask } from './node/train-task';
