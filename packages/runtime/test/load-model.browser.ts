import { expectAllclose, startBackend } from '@sparsevit/testing';
import { sparsityModes } from '@sparsevit/windows';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LoadedModel } from '../src/index';
import { loadModel } from '../src/index';
import { fileOf, noise } from './cases/checkpoint';

// The adapter of this lane is SwiftShader, which is taken only by name.
const image = { data: noise(60, 84, 4), height: 60, width: 84 };

describe('in a page', () => {
  test('an adapter that the processor plays is no graphics card: the engine', async () => {
    const model = await loadModel(fileOf());
    expect(model.report).toMatchObject({ backend: 'engine', refused: [{ what: 'webgpu' }, { what: 'threads' }] });
    await model.dispose();
  });

  describe('webgpu by name', () => {
    let webgpu: LoadedModel;
    let engine: LoadedModel;
    beforeAll(async () => {
      [webgpu, engine] = [
        await loadModel(new Blob([fileOf()]), { backend: 'webgpu' }),
        await loadModel(fileOf(), { backend: 'engine' }),
      ];
    });
    afterAll(async () => {
      await engine.dispose();
    });

    test('says what it runs on, with its kernels', () => {
      expect(webgpu.report).toMatchObject({ backend: 'webgpu', chosenBecause: 'asked for by name', refused: [] });
      expect(webgpu.report.detail).not.toBe('');
    });

    test.each([null, 0.5, '.2|.6'])('computes what the engine does, at sparsity %s', async (sparsity) => {
      const options = { sparsity, wantsWindows: true };
      const expected = await engine.predict(image, options);
      const actual = await webgpu.predict(image, options);
      expect(actual.windows).toEqual(expected.windows);
      for (const [stage, map] of actual.features.entries()) {
        expect(map?.shape).toEqual(expected.features[stage]?.shape);
        const other = expected.features[stage]?.values ?? [];
        expectAllclose(map?.values ?? [], other, { absolute: 1e-4, relative: 1e-4 }, `stage ${stage}`);
      }
    });

    test('leaves nothing behind, also when it is stopped or refused', async () => {
      const before = tf.memory().numTensors;
      await Promise.all([webgpu.predict(image), webgpu.predict(image, { wantsWindows: true, sparsity: 0.4 })]);
      const reason = new Error('changed my mind');
      await expect(webgpu.predict(image, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      const controller = new AbortController();
      const stopped = webgpu.predict(image, { signal: controller.signal });
      controller.abort(reason);
      await expect(stopped).rejects.toBe(reason);
      await expect(webgpu.predict(image, { outputs: [5] })).rejects.toThrow(/stages from 0 to 1/);
      const sparsity = { thresholds: [0.1, 0.1], ...sparsityModes.clean };
      await expect(webgpu.predict(image, { sparsity })).rejects.toThrow(/threshold/);
      expect(tf.memory().numTensors).toBe(before);
    });

    test('keeps its backend while others are in use, and is gone after dispose()', async () => {
      const before = (await webgpu.predict(image)).features;
      await startBackend('cpu', {
        core: () => import('@tensorflow/tfjs-core'),
        cpu: () => import('@tensorflow/tfjs-backend-cpu'),
      });
      expect((await webgpu.predict(image)).features).toEqual(before);
      expect(tf.getBackend()).toBe('cpu');
      const asked = webgpu.predict(image);
      await webgpu.dispose();
      await expect(asked).resolves.toMatchObject({ logits: null });
      await expect(webgpu.predict(image)).rejects.toThrow(/after dispose/);
    });
  });
});
