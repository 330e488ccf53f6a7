import { initBackend } from '@sparsevit/ops';
import { backend } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { explainOutOfMemory } from '../src/backend';

const message = /^--backend: expected everything to fit into the 4 GB.*--size/;

it('a trap is explained, other errors stay what they are', () => {
  const trap = new WebAssembly.RuntimeError('memory access out of bounds');
  expect(explainOutOfMemory(trap)).toMatchObject({
    code: 'backend',
    cause: trap,
    message: expect.stringMatching(message),
  });
  const other = new TypeError('no');
  expect(explainOutOfMemory(other)).toBe(other);
});

it('so is a failed allocation', async () => {
  await initBackend({ prefer: 'wasm', load: { wasm: () => import('@tensorflow/tfjs-backend-wasm') } });
  const { wasm } = backend() as ReturnType<typeof backend> & { wasm: { _malloc(bytes: number): number } };
  let failure: unknown;
  try {
    wasm._malloc(2 ** 31);
  } catch (error) {
    failure = error;
  }
  expect(explainOutOfMemory(failure)).toMatchObject({ message: expect.stringMatching(message), cause: failure });
});
