import '@sparsevit/ops/gradients';
import { wasmKernels } from '@sparsevit/kernels-wasm';
import { startBackend } from '@sparsevit/testing';
import { beforeAll, describe } from 'vitest';
import { goldenCases } from '../../backbone/test/cases/goldens';
import { propertyCases } from '../../backbone/test/cases/properties';
import { loaders } from './loaders';

describe('the Swin on these kernels', () => {
  beforeAll(async () => {
    await startBackend('wasm', loaders);
    await wasmKernels.install();
  });
  goldenCases();
  propertyCases('wasm');
});
