export type { AdamOptions } from './adam';
export { addDecayedWeights, clipByGlobalNorm, globalNorm, scaleByAdam, scaleByLearningRate } from './adam';
export type { ParameterAverage } from './average';
export { createAverage } from './average';
export type { DataPosition, TrainingRecord } from './checkpoint';
export { drawDropPath } from './drop-path';
export type { TrainingEvent } from './events';
export { expectedSparsity } from './expected-sparsity';
export { decaysByRecipe, decaysMatrices, layerDecay } from './groups';
export type { Optimizer } from './optimizer';
export { createOptimizer } from './optimizer';
export type { SamplerKind, SamplerOptions, SparsitySampler } from './sampler';
export { createSampler } from './sampler';
export type { Schedule } from './schedule';
export {
  constantSchedule,
  cosineSchedule,
  polynomialSchedule,
  stepSchedule,
  warmUpOver,
  warmUpThen,
} from './schedule';
export type { CheckpointStore } from './store';
export { bestName, memoryStore } from './store';
export type { TrainConfig, TrainResult, TrainSurroundings } from './train';
export { train } from './train';
export type { LossOptions, Trainable, TrainingBatch, TrainingData } from './trainable';
export type { OptimizerConfig, ScheduleConfig, TrainingConfig } from './training-config';
export { learningRateOf, optimizerOf, trainConfigOf } from './training-config';
export type { GradientTransform, TensorMap, TransformContext } from './transform';
export { chain } from './transform';
