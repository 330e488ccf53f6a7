export type { LoadedModel, LoadModelOptions } from './load-model';
export { loadModel } from './load-model';
export type {
  HostMap,
  ModelImage,
  Prediction,
  PredictOptions,
  RuntimeBackend,
  RuntimeReport,
  SparsityChoice,
} from './model';
export type { ModelSource } from './source';
