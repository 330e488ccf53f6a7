import '@sparsevit/ops/gradients';
import { backends, startBackend } from '@sparsevit/testing';
import { beforeAll, describe } from 'vitest';
import { lossCases } from './cases/losses';
import { loaders } from './loaders';

describe.each(backends)('%s', (backend) => {
  beforeAll(() => startBackend(backend, loaders));
  lossCases();
});
