export type { ImageNormalization } from './image-normalization';
export { imagenetNormalization } from './image-normalization';
export type { SwinArchitectureInput } from './schemas/architecture';
export { swinArchitectureSchema } from './schemas/architecture';
export type { DataSource, DataSourceInput } from './schemas/data-source';
export { dataSourceSchema } from './schemas/data-source';
export type { DeployedSparsity, Deployment } from './schemas/deployment';
export { deploymentSchema } from './schemas/deployment';
export type { DeviceCalibration } from './schemas/device-calibration';
export { deviceCalibrationSchema } from './schemas/device-calibration';
export type { EvaluationAnswer, EvaluationJob, JobCandidate } from './schemas/evaluation-job';
export {
  evaluationAnswerSchema,
  evaluationJobSchema,
  parseEvaluationAnswer,
  parseEvaluationJob,
} from './schemas/evaluation-job';
export type { EvaluationSubject, JsonValue, SubjectFile } from './schemas/evaluation-subject';
export { evaluationSubjectSchema, parseEvaluationSubject } from './schemas/evaluation-subject';
export type { LatencyTable, TimedSamples } from './schemas/latency-table';
export { latencyTableJsonSchema, latencyTableSchema, parseLatencyTable } from './schemas/latency-table';
export type { ModelConfig, ModelConfigInput } from './schemas/model-config';
export { defineModelConfig, modelConfigJsonSchema, modelConfigSchema, parseModelConfig } from './schemas/model-config';
export type {
  PipelineReport,
  ReportCase,
  ReportKeptWindows,
  ReportSample,
  ReportStage,
  ReportTraining,
} from './schemas/pipeline-report';
export { parsePipelineReport, pipelineReportSchema } from './schemas/pipeline-report';
export type {
  GivenFile,
  PipelineData,
  PipelineLatency,
  PipelineReportOptions,
  PipelineRun,
  PipelineRunInput,
  PipelineSearch,
} from './schemas/pipeline-run';
export {
  defineConfig,
  isGivenFile,
  parsePipelineRun,
  pipelineRunJsonSchema,
  pipelineRunSchema,
} from './schemas/pipeline-run';
export type { Preprocessing, PreprocessingInput } from './schemas/preprocessing';
export { preprocessingSchema } from './schemas/preprocessing';
export type {
  SearchGenerationLine,
  SearchJournalHeader,
  SearchJournalLine,
  SearchResultLine,
} from './schemas/search-journal';
export { parseSearchJournalLine, searchJournalLineSchema } from './schemas/search-journal';
export type { SearchEvaluation, SearchMeasuredSparsity, SearchResultDocument } from './schemas/search-result';
export { parseSearchResult, searchResultJsonSchema, searchResultSchema } from './schemas/search-result';
export type {
  SearchConstraint,
  SearchObjective,
  SearchPresetDocument,
  SearchSettingsDocument,
} from './schemas/search-settings';
export { searchSettingsSchema } from './schemas/search-settings';
export type {
  RatioSparsityInput,
  SparsityInput,
  SparsityRulesInput,
  ThresholdSparsityInput,
} from './schemas/sparsity';
export { sparsitySchema } from './schemas/sparsity';
export type { Augmentation, AugmentationInput, TrainingInput, TrainingInputInput } from './schemas/training-input';
export type { TrainingFamily, TrainingModel, TrainingModelInput } from './schemas/training-model';
export type {
  StageTraining,
  StageTrainingInput,
  TrainingOptimizer,
  TrainingPlan,
  TrainingPlanInput,
  TrainingSampler,
  TrainingSchedule,
} from './schemas/training-plan';
export type { Guidance, TrainingData, TrainingRun, TrainingRunInput } from './schemas/training-run';
export { defineTrainingRun, parseTrainingRun, trainingRunJsonSchema, trainingRunSchema } from './schemas/training-run';
export type { TrainingTask } from './schemas/training-task';
export { formatSparsity, notationOf, parseSparsity } from './sparsity-notation';
export type { SwinPresetName } from './swin-presets';
export {
  describeArchitecture,
  isSwinPresetName,
  presetOf,
  swinPreset,
  swinPresetNames,
  swinPresets,
} from './swin-presets';
