import * as tf from '@tensorflow/tfjs-core';
import { backbone, config, initBackend, ops, warmup, windows } from 'sparsevit';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

afterEach(() => void vi.unstubAllGlobals());

describe('initBackend', () => {
  it('needs nothing imported, and names what it took', async () => {
    expect(tf.findBackendFactory('wasm')).toBeNull();
    vi.stubGlobal('navigator', { gpu: { requestAdapter: async () => null } });
    const report = await initBackend();
    expect(report).toMatchObject({
      backend: 'wasm',
      refused: [{ backend: 'webgpu', reason: expect.stringMatching(/adapter, got none/) }],
      packs: [{ name: '@sparsevit/kernels-wasm', detail: expect.stringMatching(/./) }],
      refusedPacks: [],
    });
    expect(report.selfCheck?.largestDifference).toBeLessThan(1e-4);
  });

  it('takes options over what it brings', async () => {
    expect(await initBackend({ prefer: 'wasm', packs: [] })).toMatchObject({ packs: [], selfCheck: null });
    const load = { wasm: vi.fn() };
    expect((await initBackend({ prefer: 'cpu', load })).backend).toBe('cpu');
    expect(load.wasm).not.toHaveBeenCalled();
  });

  it('asks for an adapter of the WebGPU that is there', async () => {
    vi.stubGlobal('navigator', { gpu: { requestAdapter: async () => null } });
    await expect(initBackend({ prefer: 'webgpu' })).rejects.toThrow(windows.BackendError);
  });
});

describe('warmup', () => {
  const architecture = config.swinPreset('swin-nano');
  beforeAll(async () => void (await initBackend({ prefer: 'wasm' })));
  afterAll(async () => void (await initBackend({ packs: [] })));

  it('runs a model dense and sparse, and leaves nothing but what the model owns', async () => {
    const weights = backbone.randomWeights(architecture, 1);
    const before = tf.memory().numTensors;
    const model = backbone.createSwin(ops.createTensorOps(), { architecture, family: 'mmdet', weights });
    const ownTensors = tf.memory().numTensors;
    const spy = vi.spyOn(model, 'forward');
    expect(await warmup(model, { height: 64, width: 96 })).toBeGreaterThan(0);
    expect(spy).toHaveBeenCalledTimes(2);
    expect(tf.memory().numTensors).toBe(ownTensors);
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
