import '@sparsevit/ops/gradients';
import { randomWeights } from '@sparsevit/backbone';
import type { Dataset, Sample } from '@sparsevit/data';
import { compose, createScenes, flipHorizontal, randomCrop } from '@sparsevit/data';
import { createEngine } from '@sparsevit/engine';
import { wasmKernels } from '@sparsevit/kernels-wasm';
import { createTensorOps } from '@sparsevit/ops';
import type { TaskConfig } from '@sparsevit/tasks';
import { createTask, detectionTargets, newTask } from '@sparsevit/tasks';
import { trainableTask } from '@sparsevit/tasks/losses';
import { expectAllclose, startBackend } from '@sparsevit/testing';
import { memoryStore, train, trainConfigOf } from '@sparsevit/trainer';
import { ConfigError, ImageError, uniformSparsity } from '@sparsevit/windows';
import { memory } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import type { EvaluationEvent, TaskRunner } from '../src/index';
import { engineRunner, evaluate, tensorRunner, trainingData } from '../src/index';
import { loaders } from './loaders';

beforeAll(async () => {
  await startBackend('wasm', loaders);
  await wasmKernels.install();
});

const normalization = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
const architecture = { patchSize: 4, embedDim: 16, depths: [2, 2], heads: [1, 2], window: 4, mlpRatio: 2 };
const scenes = createScenes({ count: 5, seed: 2, height: 96, width: 128 });
const detection: TaskConfig = { kind: 'detection', classes: scenes.classes, channels: 8 };
const semantic: TaskConfig = { kind: 'semantic', classes: ['ground', ...scenes.classes], channels: 8 };
const fresh = (config: TaskConfig) =>
  newTask(config, { architecture, family: 'mmdet', weights: randomWeights(architecture, 1) }, { seed: 1 });

/** Answers with the truth, whatever the image is resized to. */
function oracle(config: TaskConfig): TaskRunner {
  let index = 0;
  return {
    async run({ shape: [, height, width] }) {
      const { boxes = [], image } = await scenes.read(index++);
      const scaled = boxes.map((box) => ({
        ...box,
        x: (box.x * width) / image.width,
        y: (box.y * height) / image.height,
        width: (box.width * width) / image.width,
        height: (box.height * height) / image.height,
      }));
      const classes = config.classes.length;
      const size = { height: height / 4, width: width / 4 };
      const { heatmap, box, shape } = detectionTargets([scaled], size, { classes });
      const logits = heatmap.map((y) => Math.log(Math.max(y, 1e-4) / Math.max(1 - y, 1e-4)));
      return {
        kind: 'detection',
        heatmap: { values: logits, shape: [...shape, classes] },
        box: { values: box, shape: [...shape, 4] },
      };
    },
    dispose: async () => {},
  };
}

describe('evaluation', () => {
  test('a detector that finds everything has an AP of 1, at the size of the image and at another', async () => {
    const cases = [{ name: 'dense', sparsity: null }];
    for (const size of [undefined, { height: 192, width: 256 }]) {
      const options = { task: detection, cases, normalization, ...(size ? { size } : {}) };
      const [result] = await evaluate(oracle(detection), scenes, options);
      expect(result).toMatchObject({ name: 'dense', images: 5, score: 1, metrics: { AP: 1, AP50: 1 } });
      expect(Object.keys(result?.metrics.perClassAP ?? {})).toEqual(scenes.classes);
    }
  });

  test('boxes are cut at the border of the image, not at that of its pads', async () => {
    const image = { pixels: new Uint8Array(96 * 128 * 3), height: 96, width: 128 };
    const boxes = [{ x: 32, y: 64, width: 32, height: 32, label: 0 }];
    const bottom: Dataset = {
      length: 1,
      classes: ['car'],
      describe: () => 'bottom',
      read: async () => ({ id: 'a', image, boxes }),
    };
    // seen at 72 x 96 pixels of 96 x 96: the box, from row 48 to 72, is found from row 48 to 96
    const runner: TaskRunner = {
      async run() {
        const cell = 18 * 24 + 9;
        const heatmap = new Float32Array(24 * 24).fill(-9);
        const box = new Float32Array(24 * 24 * 4);
        heatmap[cell] = 5;
        box.set([24 / 4, 48 / 4, 0, 0], cell * 4);
        return {
          kind: 'detection',
          heatmap: { values: heatmap, shape: [1, 24, 24, 1] },
          box: { values: box, shape: [1, 24, 24, 4] },
        };
      },
      dispose: async () => {},
    };
    const options = {
      task: { kind: 'detection', classes: ['car'], channels: 8 },
      cases: [{ name: 'dense', sparsity: null }],
      normalization,
      size: { height: 96, width: 96 },
      keepRatio: true,
    } as const;
    const [result] = await evaluate(runner, bottom, options);
    expect(result?.score).toBe(1);
  });

  test.each([
    ['detection', detection],
    ['semantic', semantic],
  ])('the engine and TensorFlow.js give the same scores: %s', async (_, task) => {
    const checkpoint = fresh(task);
    const model = createTask(createTensorOps(), checkpoint);
    const engine = await createEngine({ threads: 2 });
    const inEngine = engineRunner(engine, checkpoint, { maxPlans: 1 });
    const cases = [
      { name: 'dense', sparsity: null },
      { name: 'half', sparsity: uniformSparsity(architecture, 0.5) },
      {
        name: 'first windows',
        sparsity: null,
        keptOf: () => architecture.depths.map((d) => Array.from({ length: d }, () => Int32Array.of(0, 1))),
      },
    ];
    const events: EvaluationEvent[] = [];
    const options = {
      task,
      cases,
      normalization,
      size: { height: 64, width: 96 },
      limit: 3,
      onEvent: (event: EvaluationEvent) => void events.push(event),
    };
    const expected = await evaluate(tensorRunner(model), scenes, options);
    expect(events.map(({ type }) => type)).toEqual(['image-evaluated', 'image-evaluated', 'image-evaluated']);
    const actual = await evaluate(inEngine, scenes, options);
    expect(actual.map(({ name, images }) => [name, images])).toEqual([
      ['dense', 3],
      ['half', 3],
      ['first windows', 3],
    ]);
    expectAllclose(
      actual.map(({ score }) => score),
      expected.map(({ score }) => score),
      { absolute: 2e-3 },
    );
    await inEngine.dispose();
    await engine.dispose();
    model.dispose();
  });

  test('masks are judged in pixels of the original, resized or in borders', async () => {
    // the left half of 96 x 128 pixels is of class 1
    const mask = Uint8Array.from({ length: 96 * 128 }, (_, i) => (i % 128 < 64 ? 1 : 0));
    const image = { pixels: new Uint8Array(96 * 128 * 3), height: 96, width: 128 };
    const halves: Dataset = {
      length: 1,
      classes: ['right', 'left'],
      describe: () => 'halves',
      read: async () => ({ id: 'a', image, mask }),
    };
    // seen at 64 x 64: resized, or as 48 x 64 with a border below, which is told to be the other way round
    const answering = (isLeft: (row: number, column: number) => boolean): TaskRunner => ({
      async run() {
        const values = new Float32Array(16 * 16 * 2);
        for (let i = 0; i < 256; i++) values[2 * i + (isLeft(Math.floor(i / 16), i % 16) ? 1 : 0)] = 5;
        return { kind: 'semantic', logits: { values, shape: [1, 16, 16, 2] }, auxiliaryLogits: null };
      },
      dispose: async () => {},
    });
    const options = {
      task: { kind: 'semantic', classes: halves.classes, channels: 8 },
      cases: [{ name: 'dense', sparsity: null }],
      normalization,
      size: { height: 64, width: 64 },
    } as const;
    const bordered = answering((row, column) => (row < 12 ? column < 8 : column >= 8));
    const [resized] = await evaluate(
      answering((_, column) => column < 8),
      halves,
      options,
    );
    const [placed] = await evaluate(bordered, halves, { ...options, keepRatio: true });
    const [misplaced] = await evaluate(bordered, halves, options);
    expect(resized?.score).toBe(1);
    expect(placed?.score).toBe(1);
    expect(misplaced?.score).toBeLessThan(0.7);
  });

  test('classification: the first, and the first five', async () => {
    const task: TaskConfig = { kind: 'classification', classes: ['a', 'b', 'c', 'd', 'e', 'f', 'g'] };
    const labelled: Dataset = {
      ...scenes,
      read: async (index): Promise<Sample> => ({ ...(await scenes.read(index)), label: index }),
    };
    const runner: TaskRunner = {
      run: async () => ({
        kind: 'classification',
        logits: { values: Float32Array.of(7, 6, 5, 5, 3, 2, 1), shape: [1, 7] },
      }),
      dispose: async () => {},
    };
    const [result] = await evaluate(runner, labelled, { task, cases: [{ name: 'x', sparsity: null }], normalization });
    expect(result?.metrics).toEqual({ top1: 0.2, top5: 1 });
  });

  test('broken items are reported, and fatal or skipped', async () => {
    const broken: Dataset = {
      ...scenes,
      read: async (index) => {
        if (index === 1) throw new ImageError('cut off');
        return scenes.read(index === 0 ? 0 : index - 1);
      },
    };
    const options = { task: semantic, cases: [{ name: 'dense', sparsity: null }], normalization };
    const model = createTask(createTensorOps(), fresh(semantic));
    const events: EvaluationEvent[] = [];
    const skipping = {
      ...options,
      onBroken: 'skip',
      onEvent: (event: EvaluationEvent) => void events.push(event),
    } as const;
    const [result] = await evaluate(tensorRunner(model), broken, skipping);
    expect(result?.images).toBe(4);
    expect(events.filter(({ type }) => type === 'item-broken')).toEqual([
      expect.objectContaining({ index: 1, item: 'scene 1 of seed 2', reason: 'cut off' }),
    ]);
    await expect(evaluate(tensorRunner(model), broken, options)).rejects.toThrow('cut off');
    await expect(evaluate(tensorRunner(model), scenes, { ...options, cases: [] })).rejects.toThrow(ConfigError);
    const reason = new Error('stop');
    await expect(evaluate(tensorRunner(model), scenes, { ...options, signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
    model.dispose();
  });
});

describe('on TensorFlow.js', () => {
  const request = { pixels: new Float32Array(32 * 32 * 3), shape: [1, 32, 32, 3], sparsity: null } as const;

  test('a run leaves nothing behind, nor does a forward that fails', async () => {
    for (const config of [detection, semantic]) {
      const model = createTask(createTensorOps(), fresh(config));
      await tensorRunner(model).run(request);
      const before = memory().numTensors;
      await tensorRunner(model).run(request);
      expect(memory().numTensors).toBe(before);
      const failing = {
        ...model,
        forward() {
          throw new ConfigError('no such window');
        },
      };
      await expect(tensorRunner(failing).run(request)).rejects.toThrow('no such window');
      expect(memory().numTensors).toBe(before);
      model.dispose();
    }
  });

  test('an output that cannot be read back leaves nothing behind', async () => {
    const model = createTask(createTensorOps(), fresh(detection));
    const before = memory().numTensors;
    const lost = {
      ...model,
      forward: (...given: Parameters<typeof model.forward>) => {
        const result = model.forward(...given);
        if (result.output.kind === 'detection') {
          result.output.heatmap.data = () => Promise.reject(new Error('the device is lost'));
        }
        return result;
      },
    };
    await expect(tensorRunner(lost).run(request)).rejects.toThrow('the device is lost');
    expect(memory().numTensors).toBe(before);
    model.dispose();
  });
});

describe('batches for training', () => {
  test('are the same from any place on, epoch after epoch', async () => {
    const transform = compose([randomCrop({ height: 64, width: 64, aroundBox: 0.5 }), flipHorizontal()]);
    const data = trainingData(scenes, { task: detection, batch: 2, seed: 1, transform, normalization });
    const take = async (from: { epoch: number; position: number }, count: number) => {
      const taken = [];
      for await (const batch of data.batches(from, undefined)) {
        taken.push(batch);
        if (taken.length === count) return taken;
      }
      return taken;
    };
    const all = await take({ epoch: 0, position: 0 }, 5);
    expect(all.map(({ next }) => next.epoch)).toEqual([0, 0, 1, 1, 2]); // two batches of two of five scenes
    const place = all[1]?.next;
    if (place === undefined) throw new Error('expected batches');
    expect(await take(place, 3)).toEqual(all.slice(2));
  });

  test('a step of training on scenes, at a sparsity', async () => {
    const ops = createTensorOps({ trainable: true });
    const task = createTask(ops, fresh(semantic));
    const transform = randomCrop({ height: 64, width: 64 });
    const data = trainingData(scenes, { task: semantic, batch: 2, seed: 1, transform, normalization });
    const losses: number[] = [];
    const config = { mode: 'adapt', steps: 3, seed: 1, optimizer: { learningRate: 1e-3 } } as const;
    await train(trainableTask(task, { upsample: ops.upsample }), data, trainConfigOf(config, architecture, ''), {
      store: memoryStore(),
      onEvent: (event) => void (event.type === 'step-end' && losses.push(event.loss)),
    });
    expect(losses).toHaveLength(3);
    expect(losses.every(Number.isFinite)).toBe(true);
    task.dispose();
  });
});
