import { initBackend } from '@sparsevit/ops';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, inject, it } from 'vitest';
import { linearPack } from './fake-packs';

const load = {
  webgpu: () => import('@tensorflow/tfjs-backend-webgpu'),
  wasm: async () => {
    const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
    setWasmPaths(inject('wasmPath'));
  },
};

// The adapter of this lane is SwiftShader.
describe('in a browser', () => {
  it('a software adapter is refused in a list, and wasm is taken', async () => {
    const report = await initBackend({ load, prefer: ['webgpu', 'wasm'] });
    expect(report).toMatchObject({ backend: 'wasm', detail: expect.stringMatching(/^SIMD, \d/) });
    expect(report.refused).toEqual([
      {
        backend: 'webgpu',
        reason: expect.stringMatching(/got one that the processor plays \(.*swiftshader, software\)/i),
      },
    ]);
  });

  it('it runs when it is asked for by name, and kernels are compared without a synchronous read', async () => {
    const [right, wrong] = [
      linearPack('right', { backend: 'webgpu' }),
      linearPack('wrong', { backend: 'webgpu', spoil: (y) => tf.add(y, 1e-3) }),
    ];
    const started = await initBackend({ load, prefer: 'webgpu' });
    expect(started).toMatchObject({ backend: 'webgpu', detail: expect.stringMatching(/swiftshader, software$/i) });
    const before = tf.memory().numTensors;
    const report = await initBackend({ prefer: 'webgpu', packs: [right] });
    expect(report.packs.map(({ name }) => name)).toEqual(['right']);
    expect(report.selfCheck?.largestDifference).toBeLessThan(1e-4);
    const { refusedPacks } = await initBackend({ prefer: 'webgpu', packs: [wrong] });
    expect(refusedPacks).toEqual([{ name: 'wrong', reason: expect.stringMatching(/got a difference of 0\.00/) }]);
    expect([right.isInstalled(), wrong.isInstalled()]).toEqual([false, false]);
    expect(tf.memory().numTensors).toBe(before);
  });
});
