import '@sparsevit/ops/gradients';
import { startBackend } from '@sparsevit/testing';
import { beforeAll, describe } from 'vitest';
import { goldenCases } from './cases/goldens';
import { loaders } from './loaders';

// Plain ops: the goldens. The properties run on webgpu with its kernels, which is what pages use, and on plain ops in Node; wasm is tested op by op in a page.
describe('webgpu', () => {
  beforeAll(() => startBackend('webgpu', loaders));
  goldenCases();
});
