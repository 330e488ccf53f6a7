export { webgpuKernels } from './tensorflow/install';
