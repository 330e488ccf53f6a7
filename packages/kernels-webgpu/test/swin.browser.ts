import '@sparsevit/ops/gradients';
import { webgpuKernels } from '@sparsevit/kernels-webgpu';
import { startBackend } from '@sparsevit/testing';
import { beforeAll, describe } from 'vitest';
import { goldenCases } from '../../backbone/test/cases/goldens';
import { propertyCases } from '../../backbone/test/cases/properties';
import { loaders } from './loaders';

describe('the Swin on these kernels', () => {
  beforeAll(async () => {
    await startBackend('webgpu', loaders);
    await webgpuKernels.install();
  });
  goldenCases();
  propertyCases('webgpu');
});
