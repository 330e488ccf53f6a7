import '@sparsevit/ops/gradients';
import { backends, startBackend } from '@sparsevit/testing';
import { beforeAll, describe } from 'vitest';
import { goldenCases } from './cases/goldens';
import { propertyCases } from './cases/properties';
import { loaders } from './loaders';

describe.each(backends)('%s', (backend) => {
  beforeAll(() => startBackend(backend, loaders));
  goldenCases();
  propertyCases();
});
