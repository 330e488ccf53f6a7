import '@sparsevit/ops/gradients';
import { backends, startBackend } from '@sparsevit/testing';
import { beforeAll, describe } from 'vitest';
import { denseCases } from './cases/dense';
import { headCases } from './cases/heads';
import { rowCases } from './cases/rows';
import { windowCases } from './cases/windows';
import { loaders } from './loaders';

describe.each(backends)('%s', (backend) => {
  beforeAll(() => startBackend(backend, loaders));
  rowCases();
  denseCases();
  headCases();
  windowCases();
});
