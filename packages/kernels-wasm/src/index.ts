export { packedWeightBytes, wasmKernels } from './tensorflow/install';
