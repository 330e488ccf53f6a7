import { packedWeightBytes, wasmKernels } from '@sparsevit/kernels-wasm';
import { expectAllclose, startBackend } from '@sparsevit/testing';
import { BackendError, kernelNames } from '@sparsevit/windows';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { loaders } from './loaders';

const run = (name: string, inputs: Record<string, tf.Tensor>, attributes: object = {}): tf.Tensor =>
  tf.engine().runKernel(name, inputs, attributes as tf.NamedAttrMap) as tf.Tensor;
const module = (): { _malloc(bytes: number): number } =>
  (tf.backend() as unknown as { wasm: { _malloc(bytes: number): number } }).wasm;

describe('tensors that share memory', () => {
  beforeAll(async () => {
    await startBackend('wasm', loaders);
    await wasmKernels.install();
  });

  test('a reshaped weight is packed in its own shape', async () => {
    const before = packedWeightBytes();
    const weight = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
    const reshaped = tf.reshape(weight, [3, 2]);
    const [two, three] = [tf.ones([1, 2]), tf.ones([1, 3])];
    const results = [
      run(kernelNames.linear, { x: two, weight }, { gelu: false }),
      run(kernelNames.linear, { x: three, weight: reshaped }, { gelu: false }),
      run(kernelNames.linear, { x: two, weight }, { gelu: false }),
    ];
    expect(results.map((y) => Array.from(y.dataSync()))).toEqual([
      [5, 7, 9],
      [9, 12],
      [5, 7, 9],
    ]);
    tf.dispose([weight, two, three, ...results]);
    expect(packedWeightBytes()).toBeGreaterThan(before); // the reshaped one still lives
    reshaped.dispose();
    expect(packedWeightBytes()).toBe(before);
  });

  test('a map is written in place when nobody else holds it, and only then', () => {
    const index = tf.tensor1d([2], 'int32');
    const rows = tf.tensor2d([[7, 8]]);
    const scatter = (x: tf.Tensor, inPlace: boolean): tf.Tensor =>
      run(kernelNames.scatterRows, { x, index, rows }, { count: 3, inPlace });
    const x = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
    const written = [1, 2, 3, 4, 7, 8];
    const copied = scatter(x, false);
    expect([Array.from(copied.dataSync()), Array.from(x.dataSync())]).toEqual([written, [1, 2, 3, 4, 5, 6]]);
    const clone = tf.clone(x);
    const held = scatter(x, true);
    expect([Array.from(held.dataSync()), Array.from(clone.dataSync())]).toEqual([written, [1, 2, 3, 4, 5, 6]]);
    clone.dispose();
    const buffers = tf.memory().numDataBuffers;
    const taken = scatter(x, true);
    expect(tf.memory().numDataBuffers).toBe(buffers);
    expect(taken.dataId).toBe(x.dataId);
    x.dispose();
    expect(Array.from(taken.dataSync())).toEqual(written);
    tf.dispose([index, rows, copied, held, taken]);
  });

  test('rows that are the map itself are read before they are written over', () => {
    const index = tf.tensor1d([1, 2, 0], 'int32');
    const x = tf.tensor2d([1, 2, 3], [3, 1]);
    const y = run(kernelNames.scatterRows, { x, index, rows: x }, { count: 3, inPlace: true });
    expect(Array.from(y.dataSync())).toEqual([3, 1, 2]);
    tf.dispose([index, x, y]);
  });

  test('a weight that was written over in place is packed anew', () => {
    const weight = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    const x = tf.ones([1, 2]);
    const index = tf.tensor1d([0], 'int32');
    const rows = tf.tensor2d([[10, 20]]);
    const first = run(kernelNames.linear, { x, weight }, { gelu: false });
    const other = run(kernelNames.scatterRows, { x: weight, index, rows }, { count: 2, inPlace: true });
    weight.dispose();
    const second = run(kernelNames.linear, { x, weight: other }, { gelu: false });
    expect([Array.from(first.dataSync()), Array.from(second.dataSync())]).toEqual([
      [4, 6],
      [13, 24],
    ]);
    tf.dispose([x, index, rows, first, other, second]);
  });

  test('a norm gives a row for pads at the end, or in place of each -1', () => {
    const x = tf.tensor2d([-1, 1, 4, 2], [2, 2]);
    const weight = tf.tensor1d([1, 2]);
    const bias = tf.tensor1d([10, 20]);
    const index = tf.tensor1d([-1, 1], 'int32');
    const rows = [
      [9, 22],
      [11, 18],
    ];
    for (const [padRow, pad] of [
      ['bias', [10, 20]],
      ['zero', [0, 0]],
    ] as const) {
      const atEnd = run(kernelNames.layerNorm, { x, weight, bias }, { epsilon: 0, padRow });
      const inPlace = run(kernelNames.layerNorm, { x, weight, bias, index }, { epsilon: 0, padRow });
      expectAllclose(atEnd.dataSync(), [...rows.flat(), ...pad], { absolute: 1e-5 });
      expectAllclose(inPlace.dataSync(), [...pad, ...(rows[1] ?? [])], { absolute: 1e-5 });
      tf.dispose([atEnd, inPlace]);
    }
    const plain = run(kernelNames.layerNorm, { x, weight, bias }, { epsilon: 0, padRow: 'none' });
    expect(plain.shape).toEqual([2, 2]);
    tf.dispose([x, weight, bias, index, plain]);
  });

  test('memory that cannot be had is an error, and not address 0', () => {
    const [x, weight] = [tf.ones([2, 2]), tf.ones([2, 2])];
    const allocate = vi.spyOn(module(), '_malloc').mockReturnValue(0);
    const call = (): tf.Tensor => run(kernelNames.linear, { x, weight }, { gelu: false });
    try {
      expect(call).toThrow(BackendError);
      expect(call).toThrow(/^kernels-wasm: expected .* bytes/);
      expect(() => run(kernelNames.gelu, { x })).toThrow(BackendError);
    } finally {
      allocate.mockRestore();
    }
    const y = call();
    expect(Array.from(y.dataSync())).toEqual([2, 2, 2, 2]);
    tf.dispose([x, weight, y]);
  });

  test('a backend that is removed takes the pack along, and one made anew can have it', async () => {
    const clone = (): unknown => tf.getKernel('Identity', 'wasm');
    const sharing = clone();
    const pack = await wasmKernels.install();
    const factory = tf.findBackendFactory('wasm');
    tf.removeBackend('wasm');
    expect(tf.getKernel(kernelNames.linear, 'wasm')).toBeUndefined();
    expect(clone()).not.toBe(sharing);
    tf.registerBackend('wasm', factory);
    await startBackend('wasm', loaders);
    const again = await wasmKernels.install();
    expect(again).not.toBe(pack);
    pack.uninstall(); // of a backend that is gone: touches nothing
    const [x, weight] = [tf.ones([1, 2]), tf.ones([2, 2])];
    const y = run(kernelNames.linear, { x, weight }, { gelu: false });
    expect(Array.from(y.dataSync())).toEqual([2, 2]);
    tf.dispose([x, weight, y]);
    again.uninstall();
    expect(tf.getKernel(kernelNames.linear, 'wasm')).toBeUndefined();
  });
});
