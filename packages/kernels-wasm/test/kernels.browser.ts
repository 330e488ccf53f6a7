import '@sparsevit/ops/gradients';
import { wasmKernels } from '@sparsevit/kernels-wasm';
import { startBackend } from '@sparsevit/testing';
import { beforeAll, describe } from 'vitest';
import { denseCases } from '../../ops/test/cases/dense';
import { fuzzCases } from '../../ops/test/cases/fuzz';
import { headCases } from '../../ops/test/cases/heads';
import { rowCases } from '../../ops/test/cases/rows';
import { windowCases } from '../../ops/test/cases/windows';
import { binaryCases } from './cases/binary';
import { binaryAttentionCases } from './cases/binary-attention';
import { binaryRowCases } from './cases/binary-rows';
import { loaders } from './loaders';

binaryCases();
binaryRowCases();
binaryAttentionCases();

describe('the ops on these kernels in a page, where there is relaxed SIMD', () => {
  beforeAll(async () => {
    await startBackend('wasm', loaders);
    await wasmKernels.install();
  });
  rowCases();
  denseCases();
  headCases();
  windowCases();
  fuzzCases(100, 5);
});
