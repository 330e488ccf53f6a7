import { BackendError } from '@sparsevit/windows';
import { backend } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { startBackend } from '../src/backend';
import { explainTrap, guardAllocations } from '../src/wasm-memory';

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
  await startBackend('wasm');
  const { wasm } = backend() as ReturnType<typeof backend> & { wasm: { _malloc(bytes: number): number } };
  expect(() => wasm._malloc(2 ** 31)).toThrow(/4 GB.*--size/);
  // Address space, not memory: nothing touches it.
  for (const _ of [1, 2]) expect(wasm._malloc(1.5e9)).not.toBe(0);
  expect(() => wasm._malloc(1.5e9)).toThrow(/4 GB.*--size/);
  expect(wasm._malloc(16)).not.toBe(0);
});

it('a trap is explained, other errors stay what they are', () => {
  const trap = new WebAssembly.RuntimeError('memory access out of bounds');
  expect(explainTrap(trap)).toMatchObject({ code: 'backend', cause: trap });
  const other = new TypeError('no');
  expect(explainTrap(other)).toBe(other);
});
