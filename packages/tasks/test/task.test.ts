import '@sparsevit/ops/gradients';
import type { StoredTensor, WritableTensor } from '@sparsevit/backbone';
import { readSafetensors, writeSafetensors } from '@sparsevit/backbone';
import { createEngine } from '@sparsevit/engine';
import { wasmKernels } from '@sparsevit/kernels-wasm';
import { createTensorOps } from '@sparsevit/ops';
import { expectAllclose, startBackend } from '@sparsevit/testing';
import { chain, memoryStore, scaleByAdam, scaleByLearningRate, train } from '@sparsevit/trainer';
import { CheckpointError, ConfigError, uniformSparsity } from '@sparsevit/windows';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import type { TaskBatch, TaskConfig, TaskOutput, TaskSample } from '../src/index';
import {
  collate,
  createTask,
  decodeClasses,
  decodeDetections,
  isTaskFile,
  loadTask,
  newTask,
  readTask,
  saveTask,
  taskInputOf,
} from '../src/index';
import { taskLoss, trainableTask } from '../src/losses';
import { architecture, configs, draw, randomTask } from './cases/tiny';
import { loaders } from './loaders';

beforeAll(async () => {
  await startBackend('wasm', loaders);
  await wasmKernels.install();
});

const normalization = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
const mapsOf = <T>(output: TaskOutput<T>): T[] =>
  output.kind === 'detection' ? [output.heatmap, output.box] : [output.logits];

/** Two images with one bright square each, and what every task says of it. */
function samples(height = 32, width = 48): TaskSample[] {
  return [0, 1].map((label) => {
    const pixels = new Uint8Array(height * width * 3).fill(90);
    const mask = new Uint8Array(height * width);
    const box = { x: 8 + 24 * label, y: 12, width: 16, height: 12 };
    for (let y = box.y; y < box.y + box.height; y++) {
      for (let x = box.x; x < box.x + box.width; x++) {
        mask[y * width + x] = label + 1;
        pixels.set(label === 0 ? [250, 40, 40] : [40, 40, 250], (y * width + x) * 3);
      }
    }
    return { id: `square ${label}`, image: { pixels, height, width }, label, mask, boxes: [{ ...box, label }] };
  });
}

describe.each(Object.entries(configs))('%s', (_, config) => {
  test('the engine computes what TensorFlow.js does, dense and pruned, at odd sizes', async () => {
    const checkpoint = randomTask(config);
    const task = createTask(createTensorOps(), checkpoint);
    for (const threads of [1, 2]) {
      const engine = await createEngine({ threads });
      const planned = createTask(engine.ops, checkpoint);
      for (const sparsity of [null, uniformSparsity(architecture, 0.5)]) {
        const shape = [2, 45, 70, 3] as const;
        const pixels = draw(2 * 45 * 70 * 3, 4);
        const image = tf.tensor4d(pixels, [...shape]);
        const { output } = task.forward(image, { sparsity });
        const plan = engine.compile((x) => planned.forward(x, { sparsity }).output, { shape });
        const result = await plan.run(pixels);
        expect(result.kind).toBe(output.kind);
        const actual = mapsOf(result as never) as unknown as { values: Float32Array; shape: number[] }[];
        for (const [i, map] of mapsOf(output).entries()) {
          expect(actual[i]?.shape).toEqual(map.shape);
          expectAllclose(actual[i]?.values ?? [], await map.data(), { absolute: 1e-4, relative: 1e-4 });
        }
        tf.dispose([image, ...mapsOf(output)]);
        plan.dispose();
      }
      planned.dispose();
      await engine.dispose();
    }
    task.dispose();
  });

  test('goes through a file to the bit, and a Swin can be read from the same file', async () => {
    const checkpoint = randomTask(config);
    const bytes = saveTask(checkpoint);
    expect(isTaskFile(bytes)).toBe(true);
    const again = loadTask(bytes);
    expect(again.config).toEqual(config);
    expect(again.head).toEqual(checkpoint.head);
    expect(again.backbone.weights).toEqual(checkpoint.backbone.weights);
    expect(again.backbone).toMatchObject({ architecture, family: 'mmdet', sparsity: null });
    expect(again.input).toBeUndefined();
    expect(taskInputOf(again)).toMatchObject({ size: null, keepRatio: false });
  });

  test('keeps how images are made ready', () => {
    const input = {
      size: { height: 64, width: 96 },
      keepRatio: true,
      normalization: { mean: [0.1, 0.2, 0.3], std: [1, 2, 3] },
    };
    const again = loadTask(saveTask({ ...randomTask(config), input }));
    expect(again.input).toEqual(input);
    expect(taskInputOf(again)).toEqual(input);
  });

  test('a step changes every weight that the output depends on, and nothing is left over', async () => {
    const ops = createTensorOps({ trainable: true });
    const before = tf.memory().numTensors;
    const checkpoint = randomTask(config);
    const task = createTask(ops, checkpoint);
    const batch = collate(config, samples(), normalization);
    const trainable = trainableTask(task, { upsample: ops.upsample });
    const variables = [...trainable.parameters.values()];
    const { value, grads } = tf.variableGrads(() => trainable.loss(batch, { sparsity: null }).total, variables);
    // a bias before a norm over its own channel has no effect
    const still = [...trainable.parameters].filter(([, { name }]) => grads[name] === undefined).map(([key]) => key);
    expect(still).toEqual([]);
    const flat = await Promise.all(
      Object.values(grads).map(async (gradient) => (await gradient.data()).some((v) => v !== 0)),
    );
    expect(flat.filter((isMoving) => !isMoving).length).toBeLessThanOrEqual(1);
    expect(Number.isFinite((await value.data())[0])).toBe(true);
    tf.dispose([value, ...Object.values(grads)]);
    task.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('learns two images by heart', async () => {
    const ops = createTensorOps({ trainable: true });
    const checkpoint = randomTask(config);
    const task = createTask(ops, checkpoint);
    const batch = collate(config, samples(), normalization);
    const losses: number[] = [];
    await train(
      trainableTask(task, { upsample: ops.upsample }),
      {
        async *batches() {
          for (;;) yield { batch, size: 2, items: [...batch.ids], next: { epoch: 0, position: 0 } };
        },
      },
      {
        steps: 250,
        sparsitiesOf: (step) => [step % 2 === 0 ? null : uniformSparsity(architecture, 0.3)],
        transform: chain(
          scaleByAdam(),
          scaleByLearningRate(() => 5e-3),
        ),
        seed: 0,
        identity: '',
      },
      { store: memoryStore(), onEvent: (event) => void (event.type === 'step-end' && losses.push(event.loss)) },
    );
    expect(losses.at(-1)).toBeLessThan(0.5 * (losses[0] ?? 0));
    if (config.kind === 'upernet') return void task.dispose(); // learns the places, colours take it longer
    const image = tf.tensor4d(batch.pixels, [...batch.shape]);
    const { output } = task.forward(image);
    const read = async (map: tf.Tensor) => ({ values: (await map.data()) as Float32Array, shape: map.shape });
    if (output.kind === 'classification') {
      const { values } = await read(output.logits);
      for (const label of [0, 1]) {
        const row = values.subarray(label * 3, label * 3 + 3);
        expect(row.indexOf(Math.max(...row))).toBe(label);
      }
    } else if (output.kind === 'semantic') {
      const masks = decodeClasses(await read(output.logits), { height: 32, width: 48 });
      for (const [i, mask] of masks.entries()) {
        const truth = samples()[i]?.mask ?? new Uint8Array(0);
        expect(mask.filter((label, at) => label === truth[at]).length / mask.length).toBeGreaterThan(0.97);
      }
    } else {
      const found = decodeDetections({ heatmap: await read(output.heatmap), box: await read(output.box) });
      for (const [i, detections] of found.entries()) {
        const truth = samples()[i]?.boxes?.[0];
        expect(detections[0]).toMatchObject({ label: i });
        for (const side of ['x', 'y', 'width', 'height'] as const) {
          expect(Math.abs((detections[0]?.[side] ?? 0) - (truth?.[side] ?? 0))).toBeLessThan(4);
        }
      }
    }
    const now = await readTask(task, checkpoint);
    expect(loadTask(saveTask(now)).head).toEqual(now.head);
    tf.dispose([image, ...mapsOf(output)]);
    task.dispose();
  });
});

test('distillation adds the difference to a frozen teacher, which is 0 for itself', async () => {
  const ops = createTensorOps({ trainable: true });
  const config = configs.detection as TaskConfig;
  const [task, same, other] = [randomTask(config), randomTask(config), randomTask(config, 2)].map((checkpoint) =>
    createTask(ops, checkpoint),
  );
  if (task === undefined || same === undefined || other === undefined) throw new Error('expected tasks');
  const batch = collate(config, samples(), normalization);
  const partOf = async (teacher: typeof task): Promise<number> => {
    const { parts } = tf.tidy(
      () =>
        trainableTask(task, { upsample: ops.upsample, teacher: { task: teacher, weight: 0.5 } }).loss(batch, {
          sparsity: null,
        }) as unknown as { parts: Record<string, tf.Tensor> } & tf.TensorContainerObject,
    );
    return (await (parts.distillation as tf.Tensor).data())[0] ?? Number.NaN;
  };
  expect(await partOf(same)).toBe(0);
  expect(await partOf(other)).toBeGreaterThan(0);
});

test('guidance teaches the norms where objects are: no window with an object ranks below one without', async () => {
  const ops = createTensorOps({ trainable: true });
  const config = configs.detection as TaskConfig;
  const task = createTask(ops, randomTask(config));
  const batch = collate(config, samples(), normalization);
  const model = trainableTask(task, { upsample: ops.upsample, guidance: { weight: 1 } });
  const guidance: number[] = [];
  await train(
    model,
    {
      async *batches() {
        for (;;) yield { batch, size: 2, items: [...batch.ids], next: { epoch: 0, position: 0 } };
      },
    },
    {
      steps: 100,
      sparsitiesOf: (step) => [step % 2 === 0 ? null : uniformSparsity(architecture, 0.5)],
      transform: chain(
        scaleByAdam(),
        scaleByLearningRate(() => 5e-3),
      ),
      seed: 0,
      identity: '',
    },
    {
      store: memoryStore(),
      onEvent: (event) => {
        if (event.type === 'step-end') guidance.push(event.parts.guidance ?? Number.NaN);
      },
    },
  );
  expect(guidance[0]).toBeGreaterThan(0.03);
  expect(guidance.at(-1)).toBeLessThan(0.01);
  const image = tf.tensor4d(batch.pixels, [...batch.shape]);
  const { windows, output, importance } = task.forward(image, {
    sparsity: uniformSparsity(architecture, 0.5),
    wantsWindows: true,
  });
  expect(importance).toEqual([]);
  // 16 pixels to a window of the first stage: 2 rows of 3; the squares lie in the left two columns, and in the right two
  const firstScores = windows[0]?.scores as tf.Tensor2D;
  const [scores] = (await firstScores.array()) as number[][];
  const [topLeft = 0, , topRight = 0, bottomLeft = 0, , bottomRight = 0] = scores ?? [];
  expect(Math.min(topLeft, bottomLeft)).toBeGreaterThan(Math.max(topRight, bottomRight));
  tf.dispose([image, ...mapsOf(output)]);
  task.dispose();
});

describe('what does not go together', () => {
  const ops = createTensorOps();
  const detection = configs.detection as TaskConfig;

  test('configs', () => {
    const backbone = randomTask(detection).backbone;
    for (const [config, message] of [
      [{ kind: 'pose', classes: ['a'] }, /expected a kind of classification, semantic, upernet, detection, got pose/],
      [{ kind: 'detection', classes: [] }, /at least one class/],
      [{ kind: 'detection', classes: ['a', 'a'] }, /each class once, got a twice/],
      [{ kind: 'detection', classes: ['a'], channels: 0 }, /channels/],
      [{ kind: 'detection', classes: ['a'], prior: 1 }, /prior/],
      [{ kind: 'semantic', classes: ['a'], channels: 9, groups: 2 }, /groups divide, got 9/],
      [null, /expected a kind/],
    ] as const) {
      expect(() => newTask(config as never, backbone, { seed: 0 })).toThrow(ConfigError);
      expect(() => newTask(config as never, backbone, { seed: 0 })).toThrow(message);
    }
  });

  test('weights of another head, variables that are none, batches of another task', () => {
    const before = tf.memory().numTensors;
    const checkpoint = randomTask(detection);
    expect(() => createTask(ops, { ...checkpoint, head: new Map() })).toThrow(
      /expected pyramid.lateral0.weight .* got none/,
    );
    expect(() => createTask(ops, { ...checkpoint, config: configs.classification as TaskConfig })).toThrow(
      /classifier of 3 classes, got none/,
    );
    const task = createTask(ops, checkpoint);
    expect(() => trainableTask(task, { upsample: ops.upsample })).toThrow(/expected variables, got a tensor/);
    const trainableOps = createTensorOps({ trainable: true });
    const semantic = createTask(trainableOps, randomTask(configs.semantic as TaskConfig));
    expect(() => trainableTask(semantic, { upsample: ops.upsample, guidance: { weight: 1 } })).toThrow(
      /expected a task that learns from boxes for guidance, got semantic/,
    );
    semantic.dispose();
    const batch = collate(configs.semantic as TaskConfig, samples(), normalization);
    tf.tidy(() => {
      const { output } = task.forward(tf.tensor4d(batch.pixels, [...batch.shape]));
      expect(() => taskLoss(detection, output, batch, ops.upsample)).toThrow(
        /batch with boxes for detection, got one with masks/,
      );
    });
    task.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('samples', () => {
    const [a, b] = samples() as [TaskSample, TaskSample];
    const collated = (...given: TaskSample[]): TaskBatch => collate(detection, given, normalization);
    expect(() => collated()).toThrow(/at least one sample/);
    expect(() => collated(a, { ...samples(40, 48)[0], id: 'small' } as TaskSample)).toThrow(
      /images of 32x48, got 40x48 in small/,
    );
    expect(() => collated({ ...b, boxes: undefined })).toThrow(/expected boxes for detection, got none in square 1/);
    expect(() => collate(configs.semantic as TaskConfig, [{ ...a, mask: new Uint8Array(3) }], normalization)).toThrow(
      /a mask of 1536 pixels/,
    );
    expect(() => collate(configs.classification as TaskConfig, [{ ...a, label: undefined }], normalization)).toThrow(
      /a label/,
    );
  });

  test('files', () => {
    const bytes = saveTask(randomTask(detection));
    const { tensors, metadata } = readSafetensors(bytes);
    const changed = (fields: Record<string, unknown>): Uint8Array => {
      const document = JSON.parse(metadata['sparsevit-task'] ?? '') as Record<string, unknown>;
      return writeSafetensors(tensors, { ...metadata, 'sparsevit-task': JSON.stringify({ ...document, ...fields }) });
    };
    const more = new Map<string, StoredTensor | WritableTensor>(tensors);
    more.set('task.more', { values: new Float32Array(1), shape: [1] });
    const without = new Map([...tensors].filter(([key]) => key !== 'task.box.weight'));
    const { 'sparsevit-task': _, ...bare } = metadata;
    for (const [file, message] of [
      [writeSafetensors(tensors, bare), /a file without one/],
      [writeSafetensors(without, metadata), /expected box.weight of \[1, 1, 8, 4\], got none/],
      [writeSafetensors(more, metadata), /expected 16 weights .* got 17/],
      [changed({ version: 9 }), /newer @sparsevit\/tasks/],
      [changed({ config: null }), /expected a kind/],
      [changed({ input: null }), /task input: expected size, keepRatio and normalization, got null/],
      [changed({ input: {} }), /task input: expected size to be null, or height and width/],
      [changed({ input: { size: { height: 0, width: 4 } } }), /task input: expected size .* got .*"height":0/],
      [changed({ input: { size: null, keepRatio: 1 } }), /keepRatio to be true or false, got 1/],
      [changed({ input: { size: null, keepRatio: true } }), /three numbers as normalization.mean/],
      [
        changed({ input: { size: null, keepRatio: true, normalization: { mean: [0, 0, 0], std: [1, 1, 0] } } }),
        /above 0/,
      ],
      [writeSafetensors(tensors, { ...metadata, 'sparsevit-task': '{' }), /expected JSON/],
      [bytes.slice(0, 2000), /expected/],
    ] as const) {
      expect(() => loadTask(file)).toThrow(CheckpointError);
      expect(() => loadTask(file)).toThrow(message);
    }
    expect(isTaskFile(writeSafetensors(tensors, bare))).toBe(false);
    expect(isTaskFile(new Uint8Array(9))).toBe(false);
  });
});
