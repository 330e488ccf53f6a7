import '@sparsevit/ops/gradients';
import { wasmKernels } from '@sparsevit/kernels-wasm';
import { startBackend } from '@sparsevit/testing';
import { kernelNames } from '@sparsevit/windows';
import { beforeAll, describe, expect, test } from 'vitest';
import { denseCases } from '../../ops/test/cases/dense';
import { headCases } from '../../ops/test/cases/heads';
import { rowCases } from '../../ops/test/cases/rows';
import { windowCases } from '../../ops/test/cases/windows';
import { loaders } from './loaders';

describe('the ops on these kernels', () => {
  beforeAll(async () => {
    await startBackend('wasm', loaders);
    await wasmKernels.install();
  });
  test('all kernels are there', async () => {
    const { kernels, detail } = await wasmKernels.install();
    expect([...kernels].sort()).toEqual(Object.values(kernelNames).sort());
    expect(detail).toMatch(/^(relaxed )?SIMD$/);
  });
  rowCases();
  denseCases();
  headCases();
  windowCases();
});
