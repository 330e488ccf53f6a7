export {
  expectAllclose,
  type Numbers,
  relativeError,
  type Tolerance,
  type WorstElement,
  worstElement,
} from './allclose';
export { type BackendLoaders, type BackendName, backends, startBackend, type TensorFlowCore } from './backends';
export { describeGolden, hasGolden, loadGolden, missingGoldens, requireGolden } from './golden';
