export type { KernelContracts } from './kernels';
export { kernelNames } from './kernels';
export { gelu, layerNorm, linear } from './linear';
export { mapWindows } from './map-windows';
export { gatherRows, permuteRows, scatterRows } from './rows';
export { magnitude, selectWindows, windowScores } from './scores';
export type { TensorOpsOptions } from './tensor-ops';
export { createTensorOps } from './tensor-ops';
export { windowAttention } from './window-attention';
