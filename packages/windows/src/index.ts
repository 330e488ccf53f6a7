export type { SwinArchitecture, SwinRules } from './architecture';
export { checkArchitecture, stageChannels, stageHiddenWidth, stagePairs } from './architecture';
export { canonicalJson } from './canonical-json';
export type { DenseOps } from './dense-ops';
export {
  checkAddShape,
  checkConcatenateShape,
  checkConvolutionShape,
  checkGroupNormShape,
  checkPoolToShape,
  checkUpsampleShape,
} from './dense-shapes';
export type { SparseViTErrorCode } from './errors';
export { BackendError, CheckpointError, ConfigError, ImageError, ShapeError, SparseViTError } from './errors';
export type { WindowGrid } from './grid';
export {
  allWindowIds,
  createWindowGrid,
  maskClasses,
  maskedLogit,
  realTokensPerWindow,
  relativePositionIndex,
  shiftMasks,
  windowMaskClasses,
  windowTokens,
} from './grid';
export type { KeptWindowIds } from './kept-window-ids';
export { keptWindowIdsOf } from './kept-window-ids';
export type {
  InstalledPack,
  KernelContracts,
  KernelName,
  KernelPack,
  LayerNormAttributes,
  WindowAttentionAttributes,
} from './kernels';
export { kernelNames } from './kernels';
export type { Random } from './random';
export { createRandom, mixSeeds, randomOrder } from './random';
export {
  checkGivenWindows,
  checkLayerNormShape,
  checkLinearShape,
  checkMapWindowsShape,
  checkPatchEmbedShape,
  checkPatchMergingShape,
  checkPerImageFactors,
  checkSelectWindowsShape,
  checkWindowAttentionShape,
  checkWindowScoresShape,
} from './shapes';
export type { RatioSparsity, Sparsity, SparsityMode, SparsityRules, ThresholdSparsity, TokenScore } from './sparsity';
export { checkSparsity, hasRatios, keptWindows, maxPrunedRatio, sparsityModes, uniformSparsity } from './sparsity';
export type { PrunedRatios, SparsitySpace } from './sparsity-space';
export {
  checkInSpace,
  createSparsitySpace,
  drawSorted,
  drawUniformly,
  everySparsity,
  placeOfPrunedRatios,
  prunedRatiosAt,
  publishedChoices,
  sparsitySpaceSize,
} from './sparsity-space';
export type {
  LinearEpilogue,
  LinearWeights,
  NormWeights,
  PatchEmbedWeights,
  PatchMergingWeights,
  Selection,
  WindowBatch,
  WindowBudget,
  WindowOps,
} from './window-ops';
export { layerNormEpsilon } from './window-ops';
