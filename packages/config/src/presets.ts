export type { ImageNormalization } from './image-normalization';
export { imagenetNormalization } from './image-normalization';
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
