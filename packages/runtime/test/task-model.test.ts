import { saveCheckpoint } from '@sparsevit/backbone';
import type { RgbImage } from '@sparsevit/data';
import { boxToOriginal, letterbox, normalizeImage, resizeImage } from '@sparsevit/data';
import { createEngine } from '@sparsevit/engine';
import { engineRunner } from '@sparsevit/pipeline';
import type { TaskCheckpoint, TaskConfig, TaskInput } from '@sparsevit/tasks';
import { decodeClasses, decodeDetections, saveTask } from '@sparsevit/tasks';
import type { Sparsity } from '@sparsevit/windows';
import {
  CheckpointError,
  ConfigError,
  createRandom,
  ImageError,
  ShapeError,
  uniformSparsity,
} from '@sparsevit/windows';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LoadedModel, LoadModelOptions, PredictOptions } from '../src/index';
import { loadModel } from '../src/index';
import { fileOf, noise } from './cases/checkpoint';
import { configs, deployedFile, deploymentOf, inputs, randomTask, tinySwin } from './cases/deployed';

async function withModel<Result>(
  file: Uint8Array,
  run: (model: LoadedModel) => Promise<Result>,
  options: LoadModelOptions = {},
): Promise<Result> {
  const model = await loadModel(file, { backend: 'engine', threads: 1, ...options });
  try {
    return await run(model);
  } finally {
    await model.dispose();
  }
}

const photoOf = (height: number, width: number, seed = 3): RgbImage => ({
  pixels: Uint8Array.from(noise(height, width, 3, seed)),
  height,
  width,
});

describe('the same as the runner of the pipeline with its decoding', () => {
  let engine: Awaited<ReturnType<typeof createEngine>>;
  beforeAll(async () => {
    engine = await createEngine({ threads: 1 });
  });
  afterAll(() => engine.dispose());

  /** Put together of the parts, none of which is the runtime's. */
  async function expectedOf(
    checkpoint: TaskCheckpoint,
    photo: RgbImage,
    { input, sparsity, minScore }: { input: TaskInput; sparsity: Sparsity | null; minScore: number },
  ): Promise<unknown> {
    const { size, keepRatio } = input;
    const { height, width } = photo;
    let seen = photo;
    let placement = { scaleX: 1, scaleY: 1, offsetX: 0, offsetY: 0 };
    if (size !== null && keepRatio) {
      const fitted = letterbox({ id: '', image: photo }, { ...size, align: 'corner' });
      [seen, placement] = [fitted.sample.image, fitted.placement];
    } else if (size !== null) {
      seen = resizeImage(photo, size);
      placement = { scaleX: size.width / width, scaleY: size.height / height, offsetX: 0, offsetY: 0 };
    }
    const pixels = normalizeImage(seen, input.normalization);
    const runner = engineRunner(engine, checkpoint);
    const output = await runner.run({ pixels, shape: [1, seen.height, seen.width, 3], sparsity });
    await runner.dispose();
    const { classes } = checkpoint.config;
    switch (output.kind) {
      case 'detection': {
        const sizes = [{ height: height * placement.scaleY, width: width * placement.scaleX }];
        const found = decodeDetections(output, { minScore, sizes })[0] ?? [];
        expect(found.length).toBeGreaterThan(0);
        return {
          kind: 'boxes',
          detections: found.map((one) => ({ ...boxToOriginal(one, placement), className: classes[one.label] })),
        };
      }
      case 'semantic': {
        const [mask = new Uint8Array()] = decodeClasses(output.logits, photo, { placement, seen });
        expect(new Set(mask).size).toBeGreaterThan(1);
        return { kind: 'mask', mask };
      }
      default: {
        const powers = Array.from(output.logits.values, Math.exp);
        const sum = powers.reduce((total, power) => total + power, 0);
        const ranked = powers.map((power, label) => ({ label, className: classes[label], probability: power / sum }));
        return { kind: 'label', classes: ranked.sort((a, b) => b.probability - a.probability) };
      }
    }
  }

  const cases = Object.values(configs).flatMap((config) =>
    Object.entries(inputs).map(([name, input]): [TaskConfig['kind'], string, TaskConfig, TaskInput] => [
      config.kind,
      name,
      config,
      input,
    ]),
  );

  test.each(cases)('%s of a photo %s, at any size and sparsity', async (_, __, config, input) => {
    const saved = uniformSparsity(tinySwin, 0.4);
    const checkpoint = randomTask(config, { input, sparsity: saved });
    await withModel(saveTask(checkpoint), async (model) => {
      const random = createRandom(5);
      const asked: PredictOptions[] = [{}, { sparsity: null }, { sparsity: '.2|.5|.7', minScore: 0.5 }];
      for (const options of asked) {
        const photo = photoOf(random.integer(40, 130), random.integer(40, 130), random.integer(0, 100));
        const sparsity = options.sparsity === undefined ? saved : options.sparsity === null ? null : undefined;
        const { output, features, logits, windows } = await model.predict(photo, options);
        const expected = await expectedOf(checkpoint, photo, {
          input,
          sparsity: sparsity === undefined ? { ...saved, prunedRatios: [[0.2], [0.5], [0.7]] } : sparsity,
          minScore: options.minScore ?? 0.3,
        });
        if (output?.kind === 'label') {
          const { classes } = expected as typeof output;
          expect(output.classes.map(({ className }) => className)).toEqual(classes.map(({ className }) => className));
          output.classes.forEach(({ probability }, i) => {
            expect(probability).toBeCloseTo(classes[i]?.probability ?? -1, 6);
          });
        } else expect(output).toEqual(expected);
        expect([features, logits, windows]).toEqual([[null, null, null], null, []]);
      }
    });
  });

  test('a file without a word about its images: each at its own size, with the normalisation of ImageNet or the one asked for', async () => {
    const { input: _, ...checkpoint } = randomTask(configs.semantic);
    const photo = photoOf(50, 70);
    for (const normalization of [undefined, inputs.stretched?.normalization]) {
      const own = normalization ?? { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
      const input = { size: null, keepRatio: false, normalization: own };
      const expected = await expectedOf(checkpoint, photo, { input, sparsity: null, minScore: 0.3 });
      const options = normalization === undefined ? {} : { normalization: normalization as never };
      const output = await withModel(
        saveTask(checkpoint),
        async (model) => (await model.predict(photo)).output,
        options,
      );
      expect(output).toEqual(expected);
    }
  });
});

describe('what a task file says', () => {
  test('its task, its sparsity, and what it can be run at', () =>
    withModel(
      deployedFile(randomTask(configs.detection, { sparsity: uniformSparsity(tinySwin, 0.4) })),
      async (model) => {
        expect(model).toMatchObject({ architecture: tinySwin, family: 'mmdet', task: configs.detection, notes: [] });
        expect(model.sparsity).toEqual(uniformSparsity(tinySwin, 0.4));
        expect(model.deployment).toEqual(deploymentOf());
      },
    ));

  test('without a deployment there is none, and a bare Swin has no task', async () => {
    await withModel(saveTask(randomTask(configs.detection)), async (model) => expect(model.deployment).toBeNull());
    await withModel(fileOf(), async (model) => {
      expect([model.task, model.deployment]).toEqual([null, null]);
      expect((await model.predict(photoOf(30, 30))).output).toBeNull();
    });
  });

  test('the windows that every block kept, where they are asked for', () =>
    withModel(saveTask(randomTask(configs.classification)), async (model) => {
      const { windows } = await model.predict(photoOf(90, 90), { sparsity: 0.5, wantsWindows: true });
      expect(windows).toHaveLength(6);
      // 64 x 96 pixels are 16 x 24 tokens: 24 windows of 4 x 4 in the first block
      expect(windows[0]?.perImage[0]).toHaveLength(12);
      const dense = await model.predict(photoOf(90, 90), { wantsWindows: true });
      expect(dense.windows[0]?.perImage[0]).toHaveLength(24);
    }));

  test('pixels of a canvas are the same photo, and values are taken as the task sees them', () =>
    withModel(saveTask(randomTask(configs.detection)), async (model) => {
      const rgba = noise(64, 96, 4);
      const pixels = Uint8Array.from(rgba.filter((_, i) => i % 4 !== 3));
      const photo = { pixels, height: 64, width: 96 };
      const { output } = await model.predict(photo);
      expect((await model.predict({ data: rgba, height: 64, width: 96 })).output).toEqual(output);
      const normalization = inputs.stretched?.normalization ?? { mean: [], std: [] };
      const values = normalizeImage(photo, normalization);
      expect((await model.predict({ values, shape: [1, 64, 96, 3] })).output).toEqual(output);
    }));

  test('warms up at the size that it brings photos to, or at a given one', async () => {
    const photo = photoOf(64, 96);
    await withModel(saveTask(randomTask(configs.detection)), async (model) => {
      expect(await model.warmUp()).toBeGreaterThan(0);
      expect(await model.warmUp({ height: 20, width: 30 })).toBeGreaterThan(0);
      expect((await model.predict(photo)).output?.kind).toBe('boxes');
      await expect(model.warmUp({ height: -3, width: 4 })).rejects.toThrow(ShapeError);
      await expect(model.warmUp({ height: 8, width: 8, batch: 2 })).rejects.toThrow(
        /expected one image for a task, got 2/,
      );
    });
    const own = saveTask(randomTask(configs.detection, { input: inputs['at its own size'] as TaskInput }));
    await withModel(own, async (model) => {
      await expect(model.warmUp()).rejects.toThrow(/no size that they are brought to/);
      expect(await model.warmUp({ height: 40, width: 40 })).toBeGreaterThan(0);
    });
    await withModel(fileOf(), (model) => expect(model.warmUp()).rejects.toThrow(ConfigError));
  });
});

describe('bad input', () => {
  test.each([
    [{ outputs: [0] }, /expected no outputs of a task/],
    [{ wantsLogits: true }, /expected no wantsLogits of a task/],
    [{ minScore: 2 }, /minScore to be from 0 to 1, got 2/],
    [{ minScore: Number.NaN }, /got NaN/],
    [{ minScore: '0.3' as never }, /got 0.3/],
    [{ sparsity: '.1|.2' }, /expected/],
  ])('the options %o are refused', (options, message) =>
    withModel(saveTask(randomTask(configs.detection)), async (model) => {
      const predicting = model.predict(photoOf(40, 40), options);
      await expect(predicting).rejects.toThrow(ConfigError);
      await expect(predicting).rejects.toThrow(message);
    }),
  );

  test.each([
    [null, ImageError],
    [{ pixels: new Uint8Array(5), height: 1, width: 2 }, ImageError],
    [{ pixels: new Uint8Array(0), height: 0, width: 0 }, ImageError],
    [{ data: new Uint8Array(6), height: 1, width: 2 }, ImageError],
    [{ values: new Float32Array(2 * 64 * 64 * 3), shape: [2, 64, 64, 3] }, ShapeError],
    [{ values: new Float32Array(3), shape: [1, 1, 1, 3] }, ShapeError],
    [{ values: new Float32Array(48).fill(Number.NaN), shape: [1, 4, 4, 3] }, ShapeError],
  ])('image %# is refused', (image, kind) =>
    withModel(saveTask(randomTask(configs.detection)), (model) =>
      expect(model.predict(image as never)).rejects.toThrow(kind),
    ),
  );

  test.each(['family', 'architecture', 'prefix', 'window'] as const)('%s is for bare Swins', async (name) => {
    const given = { family: 'mmdet', architecture: tinySwin, prefix: 'backbone.', window: 7 } as const;
    const loading = loadModel(saveTask(randomTask(configs.detection)), { backend: 'engine', [name]: given[name] });
    await expect(loading).rejects.toThrow(ConfigError);
    await expect(loading).rejects.toThrow(`expected no ${name} for a task file`);
  });

  test('a task file that is cut off, or whose head is damaged', async () => {
    const file = saveTask(randomTask(configs.detection));
    for (const share of [0.1, 0.5, 0.99]) {
      const cut = file.slice(0, Math.floor(file.length * share));
      await expect(loadModel(cut, { backend: 'engine' })).rejects.toThrow(CheckpointError);
    }
    const checkpoint = randomTask(configs.detection);
    const head = new Map([...checkpoint.head].slice(1));
    await expect(loadModel(saveTask({ ...checkpoint, head }), { backend: 'engine' })).rejects.toThrow(CheckpointError);
  });

  test('weights of a head that overflow are an error, not NaN', async () => {
    const checkpoint = randomTask(configs.detection);
    const head = new Map(
      [...checkpoint.head].map(([key, { values, shape }]) => [
        key,
        { values: key.includes('weight') ? values.map((value) => Math.sign(value) * 3e38) : values, shape },
      ]),
    );
    await withModel(saveTask({ ...checkpoint, head }), (model) =>
      expect(model.predict(photoOf(40, 40))).rejects.toThrow(/NaN or infinite ones in the task's (heatmap|box)/),
    );
  });
});

describe('ends', () => {
  test('a prediction is stopped, and the next one works; those asked for end before dispose()', async () => {
    const file = saveTask(randomTask(configs.detection, { input: inputs['at its own size'] as TaskInput }));
    const model = await loadModel(file, { backend: 'engine', threads: 2 });
    const photo = photoOf(60, 80);
    const { output } = await model.predict(photo);
    const controller = new AbortController();
    const reason = new Error('changed my mind');
    const stopped = model.predict(photoOf(1600, 1600), { signal: controller.signal });
    controller.abort(reason);
    await expect(stopped).rejects.toBe(reason);
    const asked = [model.predict(photo), model.predict(photo)];
    await Promise.all([model.dispose(), model.dispose()]);
    for (const one of asked) expect((await one).output).toEqual(output);
    await expect(model.predict(photo)).rejects.toThrow(/after dispose/);
  });

  test('plans of many sizes leave nothing behind', async () => {
    const file = saveTask(randomTask(configs.detection, { input: inputs['at its own size'] as TaskInput }));
    const engine = await createEngine({ threads: 1 });
    const { createEngineModel } = await import('../src/engine-model');
    const { openTask } = await import('../src/task-model');
    const subject = openTask(file, {});
    const model = createEngineModel(engine, subject, { maxPlans: 2, why: { chosenBecause: '', refused: [] } });
    const predict = (side: number): Promise<unknown> => {
      const { input } = subject.see(photoOf(side, side));
      return model.predict(input, { ...subject.request({}), sparsity: null, wantsWindows: false }, undefined);
    };
    await predict(96);
    const bytes = engine.usedBytes;
    for (let i = 0; i < 40; i++) await predict(48 + (i % 8) * 6);
    expect(engine.usedBytes).toBeLessThanOrEqual(bytes * 1.5);
    await model.dispose();
  });
});

test('a bare Swin with a deployment beside it is a bare Swin', async () => {
  const file = saveCheckpoint({ ...randomTask(configs.detection).backbone, sparsity: null });
  await withModel(file, async (model) => expect(model.task).toBeNull());
});
