import { webgpuKernels } from '@sparsevit/kernels-webgpu';
import { expectAllclose, startBackend } from '@sparsevit/testing';
import { BackendError, createWindowGrid, kernelNames } from '@sparsevit/windows';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { checkBackend } from '../src/tensorflow/backend';
import { runProgram, view } from '../src/tensorflow/program';
import { naiveAttention } from './cases/naive-attention';
import { integers, randomValues, runForOne, runKernel } from './cases/support';
import { loaders } from './loaders';

const names = Object.values(kernelNames);
const registered = (): string[] => names.filter((name) => tf.getKernel(name, 'webgpu') !== undefined);

/** Shaders that the backend keeps compiled. */
const pipelines = (): number =>
  Object.keys((tf.backend() as unknown as { pipelineCache: Record<string, unknown> }).pipelineCache).length;

describe('installing', () => {
  beforeEach(async () => {
    await startBackend('webgpu', loaders);
    (await webgpuKernels.install()).uninstall();
  });

  test('registers every kernel; twice is once, and taking out leaves nothing', async () => {
    const [first, second] = await Promise.all([webgpuKernels.install(), webgpuKernels.install()]);
    expect(second).toBe(first);
    expect([...first.kernels].sort()).toEqual([...names].sort());
    expect(first.detail).toBe('WGSL');
    expect(registered()).toEqual(names);
    first.uninstall();
    first.uninstall();
    expect(registered()).toEqual([]);
    const again = await webgpuKernels.install();
    expect(again).not.toBe(first);
    first.uninstall(); // of a pack that is gone already
    expect(registered()).toEqual([]);
  });

  test('for another backend it is refused, and nothing is registered', async () => {
    await startBackend('wasm', loaders);
    await expect(webgpuKernels.install()).rejects.toThrow(BackendError);
    await expect(webgpuKernels.install()).rejects.toThrow(/expected webgpu to be the active backend, got wasm/);
    expect(registered()).toEqual([]);
  });

  test('a backend that is not that of TensorFlow.js 4.22 is refused by what it lacks', () => {
    const whole = {
      runWebGPUProgram() {},
      makeTensorInfo() {},
      disposeData() {},
      refCount() {},
      incRef() {},
      tensorMap: { get() {} },
      device: { limits: { maxComputeWorkgroupsPerDimension: 65535 } },
    };
    expect(checkBackend(whole)).toBe(whole);
    for (const name of Object.keys(whole)) {
      const { [name as 'incRef']: _, ...partial } = whole;
      expect(() => checkBackend(partial), name).toThrow(BackendError);
      expect(() => checkBackend(partial), name).toThrow(
        /kernels-webgpu: expected the internals of TensorFlow\.js 4\.22/,
      );
    }
    expect(() => checkBackend(null)).toThrow(/without runWebGPUProgram/);
  });

  test('more workgroups than a device can start are an error, and nothing is run', () => {
    const backend = checkBackend(tf.backend());
    const before = pipelines();
    const output = view(backend.makeTensorInfo([1], 'float32'));
    const run = { name: 'too-much', variant: [], threads: 1, inputs: {}, integers: {}, output, source: () => '' };
    expect(() => runProgram(backend, { ...run, workgroups: 65536 ** 2 })).toThrow(BackendError);
    expect(() => runProgram(backend, { ...run, workgroups: 65536 ** 2 })).toThrow(/expected at most \d+ workgroups/);
    expect(pipelines()).toBe(before);
    backend.disposeData(output.tensor.dataId);
  });

  test('heads too wide for the memory of a workgroup are an error', async () => {
    await webgpuKernels.install();
    const qkv = tf.zeros([4, 3 * 1024]);
    const biasTable = tf.zeros([9, 1]);
    const run = (): unknown =>
      tf.engine().runKernel(kernelNames.windowAttention, { qkv, biasTable }, {
        ...{ window: 2, shiftY: 0, shiftX: 0, tokens: 4 },
      } as unknown as tf.NamedAttrMap);
    expect(run).toThrow(/expected heads of at most 960 channels/);
    tf.dispose([qkv, biasTable]);
  });
});

/** Every kernel whose work depends on how much is kept, over a number of windows of 4 tokens. */
async function runAll(windows: number, batch: number): Promise<void> {
  const [channels, heads] = [12, 3];
  const tokens = windows * 4;
  const attributes = { window: 2, shiftY: 1, shiftX: 1, tokens };
  const attention = {
    qkv: randomValues([tokens, 3 * channels], 1),
    biasTable: randomValues([9, heads], 2),
    classes: integers(Array.from({ length: windows }, (_, i) => i % 4)),
  };
  const dy = randomValues([tokens, channels], 3);
  await runKernel(kernelNames.windowAttention, attention, attributes);
  await runKernel(kernelNames.windowAttentionGradient, { ...attention, dy }, attributes);
  const slots = integers(Array.from({ length: tokens }, (_, i) => Math.min(i, tokens - 1)));
  const padded = { ...attributes, tokens: tokens - 1 }; // the last row is that of pads
  const dyOfRows = randomValues([tokens - 1, channels], 4);
  await runKernel(kernelNames.windowAttention, { ...attention, slots }, padded);
  await runKernel(kernelNames.windowAttentionGradient, { ...attention, slots, dy: dyOfRows }, padded);
  const map = randomValues([batch * 64, channels], 5);
  const index = integers(Array.from({ length: Math.min(tokens, batch * 64) }, (_, i) => i));
  const rows = randomValues([index.data.length, channels], 6);
  const gathered = { x: map, weight: randomValues([channels], 7), index };
  await runKernel(kernelNames.layerNorm, { ...gathered, bias: gathered.weight }, { epsilon: 1e-5, padRow: 'bias' });
  await runKernel(kernelNames.layerNormGradient, { ...gathered, dy: rows }, { epsilon: 1e-5, padRow: 'bias' });
  await runKernel(kernelNames.gatherRows, { x: map, index }, {});
  const count = batch * 64;
  await runKernel(kernelNames.scatterRows, { x: map, index, rows }, { count, inPlace: false });
  await runKernel(kernelNames.scatterRows, { index, rows }, { count, inPlace: false });
  await runKernel(kernelNames.scatterRows, { x: map, index }, { count, inPlace: false });
  const rules = { pad: 'after-norm', shift: 'pad-then-roll', shiftOff: 'never' } as const;
  const grid = createWindowGrid({ batch, height: 8, width: 8, window: 2, isShifted: true, rules });
  await runKernel(kernelNames.magnitude, { x: map }, { score: 'l1-mean' });
  const importance = randomValues([batch, 8, 8], 8);
  const scores = await runForOne(kernelNames.windowScores, { magnitude: importance }, { grid, pads: 'left-out' });
  await runKernel(kernelNames.selectWindows, { scores }, { keptPerImage: Math.min(windows, 16) });
}

test('other numbers of kept windows and images compile nothing', async () => {
  await startBackend('webgpu', loaders);
  await webgpuKernels.install();
  await runAll(7, 1);
  const before = pipelines();
  expect(before).toBeGreaterThan(10);
  // 1, 2, 3 and 16 make sides of 1 or equal to others: the backend's own programs differ by that
  for (const [windows, batch] of [
    [1, 1],
    [2, 1],
    [3, 3],
    [8, 2],
    [16, 1],
    [64, 4],
    [300, 1],
  ] as const) {
    await runAll(windows, batch);
  }
  expect(pipelines() - before, 'pipelines compiled for other numbers of windows').toBe(0);
});

test('more workgroups than two rows of a dispatch hold', async () => {
  await startBackend('webgpu', loaders);
  await webgpuKernels.install();
  const [windows, heads] = [70_000, 2];
  const attributes = { window: 2, shiftY: 0, shiftX: 0, tokens: windows * 4 };
  const inputs = { qkv: randomValues([windows * 4, 3 * heads], 1), biasTable: randomValues([9, heads], 2) };
  const y = await runForOne(kernelNames.windowAttention, inputs, attributes);
  expectAllclose(y.data, naiveAttention({ ...inputs, ...attributes }), { absolute: 2e-6 });
});
