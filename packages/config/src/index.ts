export type { ImageNormalization } from './image-normalization';
export { imagenetNormalization } from './image-normalization';
export type { SwinArchitectureInput } from './schemas/architecture';
export { swinArchitectureSchema } from './schemas/architecture';
export type { ModelConfig, ModelConfigInput } from './schemas/model-config';
export { defineConfig, modelConfigJsonSchema, modelConfigSchema, parseModelConfig } from './schemas/model-config';
export type { Preprocessing, PreprocessingInput } from './schemas/preprocessing';
export { preprocessingSchema } from './schemas/preprocessing';
export type {
  RatioSparsityInput,
  SparsityInput,
  SparsityRulesInput,
  ThresholdSparsityInput,
} from './schemas/sparsity';
export { sparsitySchema } from './schemas/sparsity';
export { formatSparsity, parseSparsity } from './sparsity-notation';
export type { SwinPresetName } from './swin-presets';
export { isSwinPresetName, swinPreset, swinPresetNames, swinPresets } from './swin-presets';
