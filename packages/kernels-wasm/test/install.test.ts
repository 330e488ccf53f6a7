import { packedWeightBytes, wasmKernels } from '@sparsevit/kernels-wasm';
import { createTensorOps } from '@sparsevit/ops';
import { startBackend } from '@sparsevit/testing';
import { BackendError, kernelNames } from '@sparsevit/windows';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, test } from 'vitest';
import { checkBackend } from '../src/tensorflow/heap';
import { loaders } from './loaders';

const isInstalled = (): boolean => tf.getKernel(kernelNames.linear, 'wasm') !== undefined;

describe('installing', () => {
  afterEach(async () => {
    await startBackend('wasm', loaders);
    (await wasmKernels.install()).uninstall();
  });

  test('twice is once, and taking out leaves nothing', async () => {
    await startBackend('wasm', loaders);
    const clone = tf.getKernel('Identity', 'wasm');
    const [first, second] = await Promise.all([wasmKernels.install(), wasmKernels.install()]);
    expect(second).toBe(first);
    expect(isInstalled()).toBe(true);
    expect(tf.getKernel('Identity', 'wasm')).not.toBe(clone);
    const weight = tf.ones([4, 4]);
    const x = tf.ones([2, 4]);
    createTensorOps().linear(x, { weight, bias: null }).dispose();
    expect(packedWeightBytes()).toBeGreaterThan(0);
    first.uninstall();
    first.uninstall();
    expect([isInstalled(), packedWeightBytes()]).toEqual([false, 0]);
    expect(tf.getKernel('Identity', 'wasm')).toBe(clone);
    expect(Object.hasOwn(tf.backend(), 'disposeData')).toBe(false);
    tf.dispose([weight, x]);
  });

  test('for another backend it is refused, and nothing is registered', async () => {
    await startBackend('cpu', loaders);
    await expect(wasmKernels.install()).rejects.toThrow(BackendError);
    await expect(wasmKernels.install()).rejects.toThrow(/expected wasm to be the active backend, got cpu/);
    expect(isInstalled()).toBe(false);
  });

  test('a clone shares memory until one of the two is gone', async () => {
    await startBackend('wasm', loaders);
    await wasmKernels.install();
    const x = tf.tensor1d([1, 2, 3]);
    const y = tf.clone(x);
    x.dispose();
    expect(Array.from(await y.data())).toEqual([1, 2, 3]);
    const words = tf.tensor1d(['a', 'b'], 'string');
    const more = tf.clone(words);
    expect(more.dataSync() as unknown as string[]).toEqual(['a', 'b']);
    tf.dispose([y, words, more]);
  });

  test('results stay right when the memory grows between calls', async () => {
    await startBackend('wasm', loaders);
    await wasmKernels.install();
    const { linear } = createTensorOps();
    const weight = tf.ones([3, 2]);
    const held: tf.Tensor[] = [];
    const heap = (): number => (tf.backend() as unknown as { wasm: { HEAPU8: Uint8Array } }).wasm.HEAPU8.length;
    const before = heap();
    while (heap() === before)
      held.push(
        tf.ones([1024, 1024]),
        linear(
          tf.tidy(() => tf.ones([2, 3])),
          { weight, bias: null },
        ),
      );
    const x = tf.ones([2, 3]);
    const y = linear(x, { weight, bias: null });
    expect(Array.from(await y.data())).toEqual([3, 3, 3, 3]);
    tf.dispose([weight, x, y, ...held]);
  });
});

describe('a backend that is not that of TensorFlow.js 4.22', () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const shared = new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true });
  const call = (): void => {};
  const methods = { makeOutput: call, disposeData: call, refCount: call, incRef: call, dataIdMap: { get: call } };
  const module = { _malloc: call, _free: call, asm: { memory } };
  test.each([
    ['nothing', null, 'a backend without makeOutput'],
    ['no reference counts', { ...methods, refCount: undefined, wasm: module }, 'a backend without refCount'],
    ['no module', methods, 'a module without _malloc'],
    ['no table of tensors', { ...methods, dataIdMap: {}, wasm: module }, 'a backend without dataIdMap'],
    ['a hidden memory', { ...methods, wasm: { ...module, asm: {} } }, 'a module that does not show its memory'],
    ['a shared memory', { ...methods, wasm: { ...module, asm: { memory: shared } } }, 'its build with threads'],
    ['threads', { ...methods, wasm: { ...module, asm: {}, PThread: {} } }, 'its build with threads'],
  ])('%s is refused by name', (_, backend, got) => {
    expect(() => checkBackend(backend)).toThrow(BackendError);
    expect(() => checkBackend(backend)).toThrow(`got ${got}`);
  });
  test('threads can be switched off, and the error says how', () => {
    const backend = { ...methods, wasm: { ...module, PThread: {} } };
    expect(() => checkBackend(backend)).toThrow("tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false)");
    tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false); // throws for a flag that TensorFlow.js does not know
  });
  test('what has all of it is taken', () => {
    const backend = { ...methods, wasm: module };
    expect(checkBackend(backend)).toBe(backend);
  });
});
