export type { NamedDetection, NamedProbability, PhotoPrediction, TaskConfig } from '@sparsevit/tasks';
export type { ChooseSparsityOptions, ChosenSparsity, OfferedSparsity } from './choose-sparsity';
export { chooseSparsity } from './choose-sparsity';
export type { DeployedSparsity, Deployment } from './deployment';
export type { DeviceCalibration } from './device-calibration';
export type { LoadedModel, LoadModelOptions } from './load-model';
export { loadModel } from './load-model';
export type {
  HostMap,
  ModelImage,
  ModelImageSize,
  Prediction,
  PredictOptions,
  RuntimeBackend,
  RuntimeReport,
  SparsityChoice,
} from './model';
export type { ModelSource } from './source';
