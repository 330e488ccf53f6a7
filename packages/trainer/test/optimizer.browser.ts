import { backends, startBackend } from '@sparsevit/testing';
import { beforeAll, describe } from 'vitest';
import { optimizerCases } from './cases/optimizer';
import { loaders } from './loaders';

describe.each(backends)('%s', (backend) => {
  beforeAll(() => startBackend(backend, loaders));
  optimizerCases();
});
