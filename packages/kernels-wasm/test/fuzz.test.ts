import '@sparsevit/ops/gradients';
import { wasmKernels } from '@sparsevit/kernels-wasm';
import { startBackend } from '@sparsevit/testing';
import { beforeAll, describe } from 'vitest';
import { fuzzCases } from '../../ops/test/cases/fuzz';
import { loaders } from './loaders';

describe('wasm', () => {
  beforeAll(async () => {
    await startBackend('wasm', loaders);
    await wasmKernels.install();
  });
  fuzzCases(500, 5);
});
