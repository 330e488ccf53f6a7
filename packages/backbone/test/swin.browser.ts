import '@sparsevit/ops/gradients';
import { startBackend } from '@sparsevit/testing';
import { beforeAll, describe } from 'vitest';
import { goldenCases } from './cases/goldens';
import { propertyCases } from './cases/properties';
import { loaders } from './loaders';

// wasm runs the same cases in Node; in a page it is tested op by op
describe('webgpu', () => {
  beforeAll(() => startBackend('webgpu', loaders));
  goldenCases();
  propertyCases('webgpu');
});
