export { withoutKernels } from './kernels';
export { gelu, layerNorm, linear } from './linear';
export type { TensorOpsOptions } from './tensor-ops';
export { createTensorOps } from './tensor-ops';
