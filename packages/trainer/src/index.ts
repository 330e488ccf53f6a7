export type { AdamOptions } from './adam';
export { addDecayedWeights, clipByGlobalNorm, globalNorm, scaleByAdam, scaleByLearningRate } from './adam';
export type { ParameterAverage } from './average';
export { createAverage } from './average';
export { drawDropPath } from './drop-path';
export { decaysByRecipe, decaysMatrices, layerDecay } from './groups';
export type { Optimizer } from './optimizer';
export { createOptimizer } from './optimizer';
export type { SamplerKind, SamplerOptions, SparsitySampler } from './sampler';
export { createSampler, publishedChoices } from './sampler';
export type { Schedule } from './schedule';
export {
  constantSchedule,
  cosineSchedule,
  polynomialSchedule,
  stepSchedule,
  warmUpOver,
  warmUpThen,
} from './schedule';
export type { GradientTransform, TensorMap, TransformContext } from './transform';
export { chain } from './transform';
