import type {} from '@sparsevit/testing';
import * as tf from '@tensorflow/tfjs-core';
import { backbone, config, initBackend, ops, warmup } from 'sparsevit';
import { describe, expect, inject, it } from 'vitest';

const load = {
  wasm: async () => (await import('@tensorflow/tfjs-backend-wasm')).setWasmPaths(inject('wasmPath')),
};
const architecture = config.swinPreset('swin-nano');

// The adapter of this lane is SwiftShader, which is taken only by name.
describe.each(['webgpu', 'wasm'] as const)('in a browser, on %s', (prefer) => {
  it('the kernels are installed, and compute what plain ops do', async () => {
    const report = await initBackend({ prefer, load });
    expect(report).toMatchObject({ backend: prefer, refusedPacks: [] });
    expect(report.packs.map(({ name }) => name)).toEqual([`@sparsevit/kernels-${prefer}`]);
    expect(report.selfCheck?.largestDifference).toBeLessThan(1e-4);
  });

  it('warmup runs a model and leaves nothing behind', async () => {
    const weights = backbone.randomWeights(architecture, 1);
    const model = backbone.createSwin(ops.createTensorOps(), { architecture, family: 'mmdet', weights });
    const before = tf.memory().numTensors;
    expect(await warmup(model, { height: 64, width: 64 })).toBeGreaterThan(0);
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
  });
});
