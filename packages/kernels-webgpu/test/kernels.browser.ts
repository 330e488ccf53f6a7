import { webgpuKernels } from '@sparsevit/kernels-webgpu';
import { startBackend } from '@sparsevit/testing';
import { beforeAll, describe } from 'vitest';
import { attentionKernelCases } from './cases/attention';
import { rowKernelCases } from './cases/rows';
import { scoreKernelCases } from './cases/scores';
import { loaders } from './loaders';

describe('kernels on webgpu', () => {
  beforeAll(async () => {
    await startBackend('webgpu', loaders);
    await webgpuKernels.install();
  });
  rowKernelCases();
  scoreKernelCases();
  attentionKernelCases();
});
