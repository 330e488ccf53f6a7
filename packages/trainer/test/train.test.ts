import '@sparsevit/ops/gradients';
import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeSafetensors } from '@sparsevit/backbone';
import { startBackend } from '@sparsevit/testing';
import { CheckpointError, ConfigError, SparseViTError, sparsityModes } from '@sparsevit/windows';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CheckpointStore, TrainConfig, TrainingEvent, TrainSurroundings } from '../src/index';
import {
  addDecayedWeights,
  chain,
  clipByGlobalNorm,
  createSampler,
  memoryStore,
  scaleByAdam,
  scaleByLearningRate,
  train,
} from '../src/index';
import { folderStore } from '../src/node';
import { architecture, createLine, createPoints } from './cases/quadratic';
import { loaders } from './loaders';

beforeAll(() => startBackend('cpu', loaders));

const config = (changes: Partial<TrainConfig> = {}): TrainConfig => ({
  steps: 40,
  sparsitiesOf: createSampler(architecture, { seed: 1, rules: sparsityModes.clean }),
  transform: chain(
    clipByGlobalNorm(1),
    scaleByAdam(),
    addDecayedWeights(0.01, () => true),
    scaleByLearningRate(() => 0.1),
  ),
  averageDecay: 0.9,
  seed: 3,
  identity: '{"run":1}',
  saveEvery: 7,
  ...changes,
});

/** Trains from what the store has; gives the parameters' bits and the events. */
async function run(
  store: CheckpointStore,
  changes: Partial<TrainConfig> = {},
  surroundings: Partial<TrainSurroundings> = {},
  data = createPoints(),
): Promise<{ values: number[]; average: number[]; events: TrainingEvent[] }> {
  const line = createLine();
  const events: TrainingEvent[] = [];
  try {
    const { average } = await train(line, data, config(changes), {
      store,
      onEvent: (event) => void events.push(event),
      ...surroundings,
    });
    const valuesOf = (tensors: Iterable<tf.Tensor>): number[] =>
      [...tensors].flatMap((tensor) => [...tensor.dataSync()]);
    const result = {
      values: valuesOf(line.parameters.values()),
      average: valuesOf(average?.values() ?? []),
      events,
    };
    tf.dispose([...(average?.values() ?? [])]);
    return result;
  } finally {
    line.dispose();
  }
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sparsevit-trainer-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('training', () => {
  test('fits, tells what it did, and leaves nothing behind', async () => {
    const before = tf.memory().numTensors;
    const { values, average, events } = await run(memoryStore(), { steps: 200 });
    expect(values[0]).toBeCloseTo(3, 0);
    expect(values[1]).toBeCloseTo(-1, 0);
    expect(Math.abs((average[0] ?? 0) - (values[0] ?? 1))).toBeLessThan(0.2);
    expect(tf.memory().numTensors).toBe(before);
    const steps = events.filter((event) => event.type === 'step-end');
    expect(steps).toHaveLength(200);
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    const [first] = steps;
    expect(first?.items).toEqual(['points 0.0']);
    expect(Object.keys(first?.parts ?? {})).toEqual(['fit', 'size']);
    expect((first?.parts.fit ?? 0) + (first?.parts.size ?? 0)).toBeCloseTo(first?.loss ?? 0, 5);
    expect(first?.imagesPerSecond).toBeGreaterThan(0);
    expect(events.at(-1)).toMatchObject({ type: 'training-end', step: 200 });
  });

  test('every loss is asked for at a sparsity of the step, with drop path', async () => {
    const seen: unknown[] = [];
    const line = createLine((options) => seen.push(options));
    const sandwich = createSampler(architecture, { kind: 'sandwich', seed: 1, rules: sparsityModes.clean });
    const options = { steps: 3, accumulate: 2, sparsitiesOf: sandwich, dropPathRate: 0.5, averageDecay: null };
    const { average } = await train(line, createPoints(), config(options), { store: memoryStore() });
    expect(average).toBeNull();
    expect(seen).toHaveLength(3 * 2 * 3);
    expect(seen[0]).toMatchObject({
      sparsity: { prunedRatios: [[0], [0]] },
      dropPath: [
        [{}, {}],
        [{}, {}],
      ],
    });
    expect(seen[1]).toMatchObject({ sparsity: { prunedRatios: [[0.8], [0.8]] } });
    line.dispose();
  });

  test('gradients of accumulated batches are those of their mean', async () => {
    const single = chain(scaleByLearningRate(() => 0.1));
    const dense = { sparsitiesOf: () => [null], transform: single, averageDecay: null };
    const both = await run(memoryStore(), { ...dense, steps: 1, accumulate: 2 });
    const line = createLine();
    const rows: number[][] = [];
    for await (const { batch } of createPoints().batches({ epoch: 0, position: 0 }, undefined)) {
      const { value, grads } = tf.variableGrads(() => line.loss(batch, { sparsity: null }).total);
      rows.push([...line.parameters.values()].map(({ name }) => (grads[name] as tf.Tensor).dataSync()[0] ?? 0));
      tf.dispose([value, ...Object.values(grads)]);
      if (rows.length === 2) break;
    }
    line.dispose();
    for (const [i, start] of [0.5, 0].entries()) {
      const mean = ((rows[0]?.[i] ?? 0) + (rows[1]?.[i] ?? 0)) / 2;
      expect(both.values[i]).toBeCloseTo(start - 0.1 * mean, 6);
    }
  });
});

describe('resuming', () => {
  test.each(['memory', 'folder'])('stopped and resumed, whenever, ends at the same bits: %s', async (kind) => {
    const make = (name: string): CheckpointStore =>
      kind === 'memory' ? memoryStore() : folderStore(join(folder, name));
    const whole = await run(make('whole'));
    for (const [round, stops] of [[3], [7], [13, 14, 30], [1, 2, 3, 39]].entries()) {
      const store = make(String(round));
      for (const stop of stops) {
        const controller = new AbortController();
        const reason = new Error('stop');
        const stopped = run(
          store,
          {},
          {
            signal: controller.signal,
            onEvent: (event) => {
              if (event.type === 'step-end' && event.step === stop) controller.abort(reason);
            },
          },
        );
        await expect(stopped).rejects.toBe(reason);
      }
      const { values, average, events } = await run(store);
      expect(values).toEqual(whole.values);
      expect(average).toEqual(whole.average);
      expect(events[0]).toMatchObject({ type: 'training-resumed', step: stops.at(-1) });
    }
  });

  test('a process that was killed loses the steps since the last checkpoint, and no more', async () => {
    const store = memoryStore();
    const whole = await run(memoryStore());
    const killed = run(
      store,
      {},
      {
        onEvent: (event) => {
          if (event.type === 'step-end' && event.step === 17) throw new Error('killed');
        },
      },
    );
    await expect(killed).rejects.toThrow('killed');
    const { values, events } = await run(store);
    expect(events[0]).toMatchObject({ type: 'training-resumed', step: 14 });
    expect(values).toEqual(whole.values);
  });

  test('a run that is done does nothing more', async () => {
    const store = memoryStore();
    const { values } = await run(store);
    const again = await run(store);
    expect(again.values).toEqual(values);
    expect(again.events.map(({ type }) => type)).toEqual(['training-resumed', 'training-end']);
  });

  test('the last checkpoints are kept, and the best', async () => {
    const store = folderStore(folder);
    const scores = [1, 5, 2, 5, 3];
    const seen: number[] = [];
    const { events } = await run(
      store,
      { steps: 50, saveEvery: 10, evaluateEvery: 10 },
      {
        evaluate: async (step) => {
          seen.push(step);
          return { score: scores[seen.length - 1] ?? 0, metrics: { step } };
        },
      },
    );
    expect(seen).toEqual([10, 20, 30, 40, 50]);
    expect(readdirSync(folder).sort()).toEqual([
      'best.safetensors',
      'step-00000040.safetensors',
      'step-00000050.safetensors',
    ]);
    expect(events.at(-1)).toMatchObject({ best: { step: 20, value: 5 } });
  });

  test('evaluations see the running mean, training does not', async () => {
    const line = createLine();
    const read = (): number[] => [...line.parameters.values()].map((variable) => variable.dataSync()[0] ?? 0);
    const seen: number[][] = [];
    const { average } = await train(line, createPoints(), config({ evaluateEvery: 20 }), {
      store: memoryStore(),
      evaluate: async () => {
        seen.push(read());
        return { score: 0, metrics: {} };
      },
    });
    const plain = await run(memoryStore());
    expect(read()).toEqual(plain.values);
    expect(seen[1]).toEqual(plain.average);
    tf.dispose([...(average?.values() ?? [])]);
    line.dispose();
  });
});

describe('what goes wrong', () => {
  test('a loss that is not finite stops the run, with step, items and sparsity', async () => {
    const store = memoryStore();
    const data = createPoints({ isBroken: ({ epoch, position }) => epoch === 1 && position === 4 });
    const before = tf.memory().numTensors;
    const running = run(store, {}, {}, data);
    await expect(running).rejects.toThrow(/got NaN .* in step 14, on points 1\.4, at sparsity \{.*prunedRatios/);
    await expect(running).rejects.toMatchObject({ code: 'training' });
    expect(tf.memory().numTensors).toBe(before);
    expect((await store.list()).at(-1)).toBe('step-00000014.safetensors');
    await expect(run(memoryStore(), { largestLoss: 0.01 })).rejects.toThrow(/at most 0.01, got/);
  });

  test('a checkpoint of another run is refused, and nothing of it is used', async () => {
    const store = memoryStore();
    await run(store);
    const before = tf.memory().numTensors;
    await expect(run(store, { identity: '{"run":2}' })).rejects.toThrow(/another configuration/);
    await expect(run(store, { averageDecay: null })).rejects.toThrow(/another running mean/);
    await expect(run(store, { transform: scaleByLearningRate(() => 1) })).rejects.toThrow(CheckpointError);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('a damaged checkpoint is skipped and said, and the one before it taken', async () => {
    const store = folderStore(folder);
    await run(store, { steps: 35 });
    truncateSync(join(folder, 'step-00000035.safetensors'), 300);
    const { events, values } = await run(store, { steps: 35 });
    expect(events[0]).toMatchObject({ type: 'checkpoint-skipped', name: 'step-00000035.safetensors' });
    expect(events[1]).toMatchObject({ type: 'training-resumed', step: 28 });
    expect(values).toEqual((await run(memoryStore(), { steps: 35 })).values);
  });

  test('one of a newer version, or of something else, is said to be so', async () => {
    const file = join(folder, 'step-00000001.safetensors');
    const record = { version: 9, step: 1, data: { epoch: 0, position: 0 }, config: '', best: null };
    writeFileSync(file, writeSafetensors(new Map(), { 'sparsevit-training': JSON.stringify(record) }));
    const skipped = (): Promise<string> =>
      run(folderStore(folder), { steps: 1 }).then(
        () => 'went on',
        (error: Error) => error.message,
      );
    expect(await skipped()).toMatch(/newer @sparsevit\/trainer/);
    writeFileSync(file, writeSafetensors(new Map([['x', { values: new Float32Array(1), shape: [1] }]])));
    expect(await skipped()).toMatch(/got a safetensors file of something else/);
    for (const text of [
      '{',
      '[]',
      '{"version":1}',
      '{"version":1,"step":-1,"data":{"epoch":0,"position":0},"config":""}',
    ]) {
      writeFileSync(file, writeSafetensors(new Map(), { 'sparsevit-training': text }));
      expect(await skipped()).toMatch(/expected/);
    }
  });

  test('a disk that refuses is an error, and what was saved survives', async () => {
    const store = folderStore(folder);
    let writes = 0;
    const full: CheckpointStore = {
      ...store,
      write: async (name, bytes) => {
        if (++writes === 3) throw new CheckpointError('no space left on device');
        await store.write(name, bytes);
      },
    };
    await expect(run(full)).rejects.toThrow(/no space left/);
    expect(readdirSync(folder)).toEqual(['step-00000007.safetensors', 'step-00000014.safetensors']);
    expect((await run(store)).values).toEqual((await run(memoryStore())).values);
  });

  test('a folder that cannot be one is an error', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    await expect(run(folderStore(file), { steps: 1 })).rejects.toThrow(SparseViTError);
    await expect(folderStore(folder).read('none')).rejects.toThrow(CheckpointError);
    await expect(folderStore(folder).read('../secret')).rejects.toThrow(/expected a file name/);
    await expect(folderStore(folder).write('/tmp/x', new Uint8Array(0))).rejects.toThrow(/expected a file name/);
  });

  test('data that ends too early, and counts that are none', async () => {
    await expect(run(memoryStore(), {}, {}, createPoints({ epochs: 1 }))).rejects.toThrow(
      /data for 40 steps, got an end after 10/,
    );
    for (const changes of [
      { steps: -1 },
      { accumulate: 0 },
      { keepLast: 0 },
      { saveEvery: 0.5 },
      { averageDecay: 1 },
    ]) {
      await expect(run(memoryStore(), changes)).rejects.toThrow(ConfigError);
    }
  });
});
