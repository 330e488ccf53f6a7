import { createEngine } from '@sparsevit/engine';
import { webgpuKernels } from '@sparsevit/kernels-webgpu';
import { startBackend } from '@sparsevit/testing';
import { BackendError } from '@sparsevit/windows';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { engineLatencyRunner, tensorLatencyRunner } from '../src/index';
import { backbone, configs, detector, input, measureBriefly } from './cases/latency';
import { loaders } from './loaders';

describe('a page measures', () => {
  test('the engine, by a clock that pages have made coarse', async () => {
    const engine = await createEngine({ threads: 1 });
    const runner = engineLatencyRunner(engine, detector, { input });
    const table = await measureBriefly(runner, detector, { backend: 'engine' });
    expect(table.rows.map(({ prunedRatios }) => prunedRatios)).toEqual(configs);
    expect(table.rows.every(({ ms }) => ms > 0)).toBe(true);
    expect(table.sessions[0]?.timerResolutionMs).toBeGreaterThan(0.001);
    runner.dispose();
    await engine.dispose();
  });

  test('a graphics card, waiting for it; a card that is lost stops the measurement', async () => {
    await startBackend('webgpu', loaders);
    await webgpuKernels.install();
    const runner = tensorLatencyRunner(backbone, { input: { batch: 1, height: 32, width: 32 } });
    // the processor plays the card here, slowly
    const protocol = { rounds: 1, samplesPerVisit: 1, samplesPerSentinel: 1, leastWarmUpRuns: 1, mostWarmUpRuns: 1 };
    const two = configs.slice(1, 3);
    const brief = { backend: 'webgpu', configs: two, protocol: { ...protocol, agreeingRuns: 1, settlingRuns: 0 } };
    const table = await measureBriefly(runner, backbone, brief);
    expect(table.rows.map(({ prunedRatios }) => prunedRatios)).toEqual(two);
    expect(table.rows.every(({ ms }) => ms > 0)).toBe(true);

    const { device } = tf.backend() as unknown as { device: { destroy(): void } };
    let visits = 0;
    const lost = measureBriefly(runner, backbone, {
      ...brief,
      onEvent: ({ type }) => {
        if (type === 'visit-ended' && ++visits === 5) device.destroy();
      },
    });
    await expect(lost).rejects.toThrow(/expected the sentinel to run, got an error \(.*lost/);
    await expect(lost).rejects.toBeInstanceOf(BackendError);
  });
});
