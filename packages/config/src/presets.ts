export type { ImageNormalization } from './image-normalization';
export { imagenetNormalization } from './image-normalization';
export { formatSparsity, parseSparsity } from './sparsity-notation';
export type { SwinPresetName } from './swin-presets';
export { isSwinPresetName, swinPreset, swinPresetNames, swinPresets } from './swin-presets';
