import { initBackend, isOutOfMemory } from '@sparsevit/ops';
import { BackendError } from '@sparsevit/windows';
import { backend } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { guardAllocations } from '../src/wasm-memory';

/** What a call throws. */
function errorOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('expected an error, got none');
}

it('an allocation that fails throws; others pass', () => {
  const wasm = { left: 100, _malloc: (bytes: number): number => (bytes <= 100 ? 8 : 0) };
  guardAllocations(wasm);
  const once = wasm._malloc;
  guardAllocations(wasm);
  expect(wasm._malloc).toBe(once);
  expect(wasm._malloc(100)).toBe(8);
  expect(wasm._malloc(0)).toBe(8);
  expect(() => wasm._malloc(101)).toThrow(BackendError);
});

it('the wasm backend is guarded once it is started', async () => {
  await initBackend({ prefer: 'wasm', load: { wasm: () => import('@tensorflow/tfjs-backend-wasm') } });
  const { wasm } = backend() as ReturnType<typeof backend> & { wasm: { _malloc(bytes: number): number } };
  expect(() => wasm._malloc(2 ** 31)).toThrow(/4 GB.*smaller images/);
  // Address space, not memory: nothing touches it.
  for (const _ of [1, 2]) expect(wasm._malloc(1.5e9)).not.toBe(0);
  expect(() => wasm._malloc(1.5e9)).toThrow(/4 GB.*1500000000 bytes/);
  expect(wasm._malloc(16)).not.toBe(0);
});

it('running out of memory is told from other errors', () => {
  const wasm = { _malloc: (_bytes: number): number => 0 };
  guardAllocations(wasm);
  expect(isOutOfMemory(errorOf(() => wasm._malloc(1)))).toBe(true);
  expect(isOutOfMemory(new WebAssembly.RuntimeError('memory access out of bounds'))).toBe(true);
  for (const other of [new TypeError('no'), new BackendError('no'), null, 'memory']) {
    expect(isOutOfMemory(other)).toBe(false);
  }
});
