import type { Engine } from '@sparsevit/engine';
import { createEngine } from '@sparsevit/engine';
import { wasmKernels } from '@sparsevit/kernels-wasm';
import { startBackend } from '@sparsevit/testing';
import type { PrunedRatios } from '@sparsevit/windows';
import { BackendError, ConfigError, sparsityModes } from '@sparsevit/windows';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engineLatencyRunner, latencyModelOf, tensorLatencyRunner } from '../src/index';
import { architecture, backbone, configs, detector, input, measureBriefly, taskOf } from './cases/latency';
import { loaders } from './loaders';

const subjects = [
  ['a backbone', backbone],
  ['a detector', detector],
  ['a classifier', taskOf({ kind: 'classification', classes: ['a', 'b'] })],
  ['a segmenter', taskOf({ kind: 'upernet', classes: ['a', 'b'], channels: 8, auxiliaryChannels: 4 })],
] as const;

describe('the engine', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ threads: 1 });
  });
  afterAll(() => engine.dispose());

  /** The engine with an eye on its plans: multiply-accumulates of each, and how many are alive. */
  function watched(): { engine: Engine; macs: number[]; alive: () => number } {
    const macs: number[] = [];
    let alive = 0;
    const compile: Engine['compile'] = (trace, options) => {
      const plan = engine.compile(trace, options);
      alive++;
      macs.push(plan.toJSON().macs);
      const dispose = (): void => {
        alive--;
        plan.dispose();
      };
      return { ...plan, dispose };
    };
    const { ops, threads, build, whyOneThread, usedBytes, memoryBytes, dispose } = engine;
    const watching = { ops, threads, build, whyOneThread, usedBytes, memoryBytes, dispose, compile };
    return { engine: watching, macs, alive: () => alive };
  }

  test.each(subjects)('%s is measured, with one plan alive at a time', async (_, subject) => {
    const watching = watched();
    let mostAlive = 0;
    const first = engineLatencyRunner(engine, subject, { input });
    await first.prepare?.([[0.5], [0.5]]);
    first.dispose();
    const before = engine.usedBytes; // masks are the engine's for good
    const runner = engineLatencyRunner(watching.engine, subject, { input });
    const table = await measureBriefly(runner, subject, {
      backend: 'engine',
      onEvent: () => {
        mostAlive = Math.max(mostAlive, watching.alive());
      },
    });
    expect(table.rows.map(({ prunedRatios }) => prunedRatios)).toEqual(configs);
    expect(table.rows.every(({ ms }) => ms > 0)).toBe(true);
    expect([mostAlive, watching.alive()]).toEqual([1, 0]);
    // sentinel, then the configurations: each plan computes what its sparsity leaves
    const [dense = 0, same, early = 0, late = 0, both = 0] = watching.macs;
    expect(same).toBe(dense);
    for (const fewer of [early, late]) expect(fewer).toBeLessThan(dense);
    expect(both).toBeLessThan(Math.min(early, late));
    runner.dispose();
    expect(engine.usedBytes).toBe(before);
  });

  test('a run before prepare is an error, and so is a sparsity of another model', async () => {
    const runner = engineLatencyRunner(engine, backbone, { input });
    const dense: PrunedRatios = [[0], [0]];
    await expect(Promise.resolve(runner.run(dense))).rejects.toThrow(BackendError);
    expect(() => runner.prepare?.([[0.5]])).toThrow(ConfigError);
    runner.dispose();
  });
});

describe('TensorFlow.js on wasm', () => {
  beforeAll(async () => {
    await startBackend('wasm', loaders);
    await wasmKernels.install();
  });

  test.each(subjects)('%s is measured, and nothing is left behind', async (_, subject) => {
    const before = tf.memory().numTensors;
    const runner = tensorLatencyRunner(subject, { input });
    const holds = tf.memory().numTensors;
    const table = await measureBriefly(runner, subject, { backend: 'wasm' });
    expect(table.rows.map(({ prunedRatios }) => prunedRatios)).toEqual(configs);
    expect(table.rows.every(({ ms }) => ms > 0)).toBe(true);
    // the engine of TensorFlow.js keeps a mask or two of its own between runs
    const kept = tf.memory().numTensors - holds;
    await runner.run([[0.5], [0]]);
    expect(tf.memory().numTensors - holds).toBe(kept);
    runner.dispose();
    expect(tf.memory().numTensors - kept).toBe(before);
  });

  test('a configuration that it cannot run is its own failure', async () => {
    const runner = tensorLatencyRunner(backbone, { input: { ...input, height: 3 } });
    await expect(Promise.resolve(runner.run([[0], [0]]))).rejects.toThrow(/patch/);
    runner.dispose();
  });
});

describe('latencyModelOf', () => {
  const hashOf = (subject: Parameters<typeof latencyModelOf>[0]): string => latencyModelOf(subject).hash;

  test('says what is computed, whatever the weights and the classes are called', () => {
    const other = taskOf({ kind: 'detection', classes: ['c', 'd'], channels: 8 }, 2);
    expect(hashOf(other)).toBe(hashOf(detector));
    expect(latencyModelOf(detector, { name: 'mine', rules: sparsityModes.official })).toEqual({
      name: 'mine',
      hash: hashOf(detector),
      architecture,
      rules: sparsityModes.official,
    });
  });

  test('another head, size of it, family or backbone is another model', () => {
    const hashes = [
      backbone,
      detector,
      { ...backbone, family: 'timm' as const },
      taskOf({ kind: 'detection', classes: ['a'], channels: 8 }),
      taskOf({ kind: 'detection', classes: ['a', 'b'], channels: 16 }),
      taskOf({ kind: 'classification', classes: ['a', 'b'] }),
    ].map(hashOf);
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});
