import '@sparsevit/ops/gradients';
import { webgpuKernels } from '@sparsevit/kernels-webgpu';
import { startBackend } from '@sparsevit/testing';
import { beforeAll, describe } from 'vitest';
import { denseCases } from '../../ops/test/cases/dense';
import { headCases } from '../../ops/test/cases/heads';
import { rowCases } from '../../ops/test/cases/rows';
import { windowCases } from '../../ops/test/cases/windows';
import { loaders } from './loaders';

describe('the ops on these kernels', () => {
  beforeAll(async () => {
    await startBackend('webgpu', loaders);
    await webgpuKernels.install();
  });
  rowCases();
  denseCases();
  headCases();
  windowCases();
});
