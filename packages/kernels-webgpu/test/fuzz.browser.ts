import '@sparsevit/ops/gradients';
import { webgpuKernels } from '@sparsevit/kernels-webgpu';
import { startBackend } from '@sparsevit/testing';
import { beforeAll, describe } from 'vitest';
import { fuzzCases } from '../../ops/test/cases/fuzz';
import { loaders } from './loaders';

describe('webgpu', () => {
  beforeAll(async () => {
    await startBackend('webgpu', loaders);
    await webgpuKernels.install();
  });
  fuzzCases(25, 50); // fewer than in Node: the software adapter is slow
});
