import { expectAllclose } from '@sparsevit/testing';
import { uniformSparsity } from '@sparsevit/windows';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LoadedModel } from '../src/index';
import { chooseSparsity, loadModel } from '../src/index';
import { noise } from './cases/checkpoint';
import { configs, deployedFile, inputs, randomTask, tinySwin } from './cases/deployed';

// The adapter of this lane is SwiftShader, which is taken only by name.
const photo = { data: noise(70, 90, 4), height: 70, width: 90 };

describe.each(Object.values(configs))('a task file in a page: $kind', (config) => {
  let webgpu: LoadedModel;
  let engine: LoadedModel;
  beforeAll(async () => {
    const input = inputs['with borders'];
    const file = deployedFile(
      randomTask(config, { sparsity: uniformSparsity(tinySwin, 0.4), ...(input ? { input } : {}) }),
    );
    webgpu = await loadModel(new Blob([file]), { backend: 'webgpu' });
    engine = await loadModel(file, { backend: 'engine' });
  });
  afterAll(async () => {
    await Promise.all([webgpu.dispose(), engine.dispose()]);
  });

  test.each([undefined, null, 0.5])('on a graphics card what the engine says, at sparsity %s', async (sparsity) => {
    const options = { wantsWindows: true, minScore: 0.1, ...(sparsity === undefined ? {} : { sparsity }) };
    const { output: expected, windows } = await engine.predict(photo, options);
    const actual = await webgpu.predict(photo, options);
    expect(actual.windows).toEqual(windows);
    if (expected?.kind === 'mask' && actual.output?.kind === 'mask') {
      const other = expected.mask;
      const differing = actual.output.mask.filter((label, i) => label !== other[i]).length;
      expect(actual.output.mask).toHaveLength(70 * 90);
      expect(differing).toBeLessThanOrEqual(6); // of 6300: where two classes are level to 1e-4
    } else if (expected?.kind === 'label' && actual.output?.kind === 'label') {
      const byLabel = (classes: readonly { label: number; probability: number }[]): number[] =>
        [...classes].sort((a, b) => a.label - b.label).map(({ probability }) => probability);
      expectAllclose(byLabel(actual.output.classes), byLabel(expected.classes), { absolute: 1e-4, relative: 0 });
    } else if (expected?.kind === 'boxes' && actual.output?.kind === 'boxes') {
      expect(expected.detections.length).toBeGreaterThan(0);
      // neighbouring cells of equal scores may change places: the best scores are the same
      const scores = (detections: readonly { score: number }[]): number[] =>
        detections.slice(0, 3).map(({ score }) => score);
      expectAllclose(scores(actual.output.detections), scores(expected.detections), { absolute: 1e-3, relative: 0 });
    } else throw new Error(`expected ${expected?.kind}, got ${actual.output?.kind}`);
  });

  test('leaves nothing behind, also when it is stopped or refused', async () => {
    await webgpu.predict(photo);
    const before = tf.memory().numTensors;
    await Promise.all([webgpu.predict(photo), webgpu.predict(photo, { wantsWindows: true, sparsity: 0.3 })]);
    const reason = new Error('changed my mind');
    const controller = new AbortController();
    const stopped = webgpu.predict(photo, { signal: controller.signal });
    controller.abort(reason);
    await expect(stopped).rejects.toBe(reason);
    await expect(webgpu.predict(photo, { outputs: [0] })).rejects.toThrow(/expected no outputs of a task/);
    expect(tf.memory().numTensors).toBe(before);
  });
});

test('chooses a sparsity in a page, keeps what it measured, and leaves nothing behind', async () => {
  const model = await loadModel(deployedFile(randomTask(configs.detection)), { backend: 'webgpu' });
  await model.predict(photo);
  const before = tf.memory().numTensors;
  const protocol = {
    rounds: 1,
    samplesPerVisit: 1,
    leastWarmUpRuns: 1,
    mostWarmUpRuns: 3,
    largestMove: 1,
    coolDownMs: 0,
  };
  const chosen = await chooseSparsity(model, { budgetMs: 1e5, protocol: { ...protocol, attemptsPerStretch: 20 } });
  expect(chosen.meetsBudget).toBe(true);
  expect(chosen.calibration.device).toMatch(/^webgpu: /);
  const calibration = JSON.parse(JSON.stringify(chosen.calibration));
  expect(await chooseSparsity(model, { budgetMs: 1e5, calibration })).toEqual(chosen);
  const { output } = await model.predict(photo, { sparsity: chosen.sparsity });
  expect(output?.kind).toBe('boxes');
  expect(tf.memory().numTensors).toBe(before);
  await model.dispose();
});
