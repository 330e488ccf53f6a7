import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { saveCheckpoint } from '@sparsevit/backbone';
import { createEngine } from '@sparsevit/engine';
import { expectAllclose, startBackend } from '@sparsevit/testing';
import {
  BackendError,
  CheckpointError,
  ConfigError,
  ImageError,
  ShapeError,
  sparsityModes,
  uniformSparsity,
} from '@sparsevit/windows';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createEngineModel } from '../src/engine-model';
import type { HostMap, LoadedModel, LoadModelOptions, ModelImage, Prediction } from '../src/index';
import { loadModel } from '../src/index';
import { swinSubject } from '../src/swin-model';
import { architecture, checkpoint, fileOf, noise, withoutAlpha } from './cases/checkpoint';
import { referenceFeatures } from './reference';

const mean = [0.485, 0.456, 0.406] as const;
const std = [0.229, 0.224, 0.225] as const;
const [height, width] = [60, 84];
const rgba = noise(height, width, 4);
const pixels = withoutAlpha(rgba);
const image = { pixels, height, width };
const values = Float32Array.from(pixels, (p, i) => (p / 255 - (mean[i % 3] ?? 0)) / (std[i % 3] ?? 1));

async function withModel<Result>(
  run: (model: LoadedModel) => Promise<Result>,
  options: LoadModelOptions = {},
  file = fileOf(),
): Promise<Result> {
  const model = await loadModel(file, { backend: 'engine', threads: 1, ...options });
  try {
    return await run(model);
  } finally {
    await model.dispose();
  }
}

const valuesOf = ({ features, logits }: Prediction): (Float32Array | null)[] =>
  [...features, logits].map((map: HostMap | null) => map?.values ?? null);

describe('predictions', () => {
  beforeAll(() =>
    startBackend('cpu', {
      core: () => import('@tensorflow/tfjs-core'),
      cpu: () => import('@tensorflow/tfjs-backend-cpu'),
    }),
  );

  test.each([
    ['dense', null],
    ['a share', 0.5],
    ['a notation', '.3|.8'],
    ['a sparsity', uniformSparsity(architecture, 0.6, 'official')],
    ['thresholds', { thresholds: [0.5, 0.5], ...sparsityModes.clean }],
  ] as const)('equal to the path of TensorFlow.js on the same windows: %s', async (_, sparsity) => {
    await withModel(async (model) => {
      const { features, logits, windows } = await model.predict(image, { sparsity, wantsWindows: true });
      expect(logits).toBeNull();
      expect(windows.map(({ stage, block }) => [stage, block])).toEqual([
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
      ]);
      expect(windows.some(({ ids }) => ids !== null)).toBe(sparsity !== null);
      const kept = [0, 1].map((stage) =>
        windows
          .filter((of) => of.stage === stage)
          .map(({ ids, perImage }) => (ids === null ? null : (perImage[0] ?? null))),
      );
      const official = typeof sparsity === 'object' && sparsity !== null && sparsity.padding === 'before-norm';
      const expected = await referenceFeatures(values, [1, height, width, 3], {
        sparsity: official ? sparsity : null,
        kept,
      });
      for (const [stage, map] of features.entries()) {
        expectAllclose(map?.values ?? [], expected[stage] ?? [], { absolute: 1e-4, relative: 1e-4 }, `stage ${stage}`);
      }
      expect(features.map((map) => map?.shape)).toEqual([
        [1, 15, 21, 32],
        [1, 8, 11, 64],
      ]);
    });
  });
});

describe('what is given', () => {
  test('a canvas, pixels and normalised values are the same image', () =>
    withModel(async (model) => {
      const given: ModelImage[] = [
        { data: rgba, height, width },
        { values, shape: [1, height, width, 3] },
      ];
      const expected = valuesOf(await model.predict(image));
      for (const same of given) expect(valuesOf(await model.predict(same))).toEqual(expected);
    }));

  test('another normalisation is another image', async () => {
    const plain = { mean: [0, 0, 0], std: [1, 1, 1] } as const;
    const other = await withModel((model) => model.predict(image), { normalization: plain });
    const scaled = Float32Array.from(pixels, (p) => p / 255);
    const same = await withModel((model) => model.predict({ values: scaled, shape: [1, height, width, 3] }));
    expect(valuesOf(other)).toEqual(valuesOf(same));
  });

  test('images of a batch are computed each for itself', () =>
    withModel(async (model) => {
      const second = values.toReversed();
      const batch = new Float32Array(values.length * 2);
      batch.set(values);
      batch.set(second, values.length);
      const options = { sparsity: 0.5, wantsWindows: true };
      const both = await model.predict({ values: batch, shape: [2, height, width, 3] }, options);
      const alone = await model.predict({ values: second, shape: [1, height, width, 3] }, options);
      const map = both.features[1]?.values ?? new Float32Array(0);
      expect(map.slice(map.length / 2)).toEqual(alone.features[1]?.values);
      expect(both.windows.map(({ perImage }) => perImage[1])).toEqual(alone.windows.map(({ perImage }) => perImage[0]));
    }));

  test('only what was asked for is there', () =>
    withModel(async (model) => {
      const { features, windows } = await model.predict(image, { outputs: [1, 1] });
      expect(features[0]).toBeNull();
      expect(features[1]?.values).toHaveLength(8 * 11 * 64);
      expect(windows).toEqual([]);
    }));

  test('the logits of a checkpoint with a classifier, unless nobody wants them', async () => {
    const weights = {
      ...checkpoint.weights,
      outputNorms: [null, null],
      finalNorm: checkpoint.weights.outputNorms[1] ?? null,
      classifier: {
        weight: { values: Float32Array.from({ length: 64 * 7 }, (_, i) => Math.sin(i)), shape: [64, 7] },
        bias: { values: new Float32Array(7), shape: [7] },
      },
    };
    const file = saveCheckpoint({ architecture, family: 'timm', weights, sparsity: null });
    await withModel(
      async (model) => {
        const { logits } = await model.predict(image);
        expect(logits?.shape).toEqual([1, 7]);
        expect((await model.predict(image, { wantsLogits: false })).logits).toBeNull();
      },
      {},
      file,
    );
  });

  test('the sparsity saved with the weights is used, unless another is asked for', async () => {
    const saved = uniformSparsity(architecture, 0.4);
    await withModel(
      async (model) => {
        expect(model.sparsity).toEqual(saved);
        const own = await model.predict(image);
        expect(valuesOf(own)).toEqual(valuesOf(await model.predict(image, { sparsity: 0.4 })));
        expect(valuesOf(own)).not.toEqual(valuesOf(await model.predict(image, { sparsity: null })));
      },
      {},
      fileOf(saved),
    );
  });

  test('warming up says how long it took, and refuses what a prediction refuses', () =>
    withModel(async (model) => {
      expect(await model.warmUp({ height, width }, { sparsity: 0.5 })).toBeGreaterThan(0);
      await expect(model.warmUp({ height: -3, width })).rejects.toThrow(ShapeError);
      await expect(model.warmUp({ height: 1, width: 1 })).rejects.toThrow(/patch/);
    }));
});

describe('where the file is', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sparsevit-runtime-'));
  const path = join(folder, 'swin nano.safetensors');
  let server: Server;
  let origin = '';

  beforeAll(async () => {
    writeFileSync(path, fileOf());
    server = createServer(({ url }, response) => {
      if (url === '/swin.safetensors') response.end(fileOf());
      else if (url === '/page.html') response.end('<!doctype html>');
      else if (url !== '/never') response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });

  test('bytes, a Blob, a path, addresses', async () => {
    const bytes = fileOf();
    const sources = [
      bytes,
      bytes.buffer,
      new Blob([bytes]),
      path,
      pathToFileURL(path),
      pathToFileURL(path).href,
      `${origin}/swin.safetensors`,
      new URL(`${origin}/swin.safetensors`),
      `data:application/octet-stream;base64,${Buffer.from(bytes).toString('base64')}`,
    ];
    for (const source of sources) {
      const model = await loadModel(source, { backend: 'engine', threads: 1 });
      expect(model).toMatchObject({ architecture, family: 'mmdet', sparsity: null });
      await model.dispose();
    }
  });

  test.each([
    ['a missing file', () => join(folder, 'none.pth'), /none\.pth.*ENOENT/],
    ['a folder', () => folder, /EISDIR/],
    ['a missing page', () => `${origin}/none`, /got the answer 404 Not Found/],
    ['no server', () => 'http://127.0.0.1:1/swin.pth', /got fetch failed \(/],
    ['no model', () => `${origin}/page.html`, /checkpoint: expected/],
    ['nothing', () => new Uint8Array(0), /checkpoint: expected/],
    ['a number', () => 7 as never, /expected bytes, a Blob, or the address of a file, got \[object Number\]/],
    ['null', () => null as never, /got null/],
  ])('%s is an error that says so', async (_, source, message) => {
    const loading = loadModel(source(), { backend: 'engine' });
    await expect(loading).rejects.toThrow(CheckpointError);
    await expect(loading).rejects.toThrow(message);
  });

  test('loading can be stopped', async () => {
    const reason = new Error('changed my mind');
    await expect(loadModel(fileOf(), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const loading = loadModel(`${origin}/never`, { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 20);
    await expect(loading).rejects.toBe(reason);
  });
});

describe('what runs it', () => {
  test('without WebGPU the engine, with the reason', async () => {
    vi.stubGlobal('navigator', {});
    const model = await loadModel(fileOf(), { threads: 2 });
    expect(model.report).toMatchObject({
      backend: 'engine',
      detail: expect.stringMatching(/, 2 threads$/),
      chosenBecause: 'the first of webgpu, engine that works here',
      refused: [{ what: 'webgpu', reason: expect.stringMatching(/npm package webgpu/) }],
    });
    await model.dispose();
    vi.unstubAllGlobals();
  });

  test('with WebGPU but no card the engine, and by name an error', async () => {
    vi.stubGlobal('navigator', { gpu: { requestAdapter: async () => null } });
    const model = await loadModel(fileOf(), { threads: 1 });
    expect(model.report).toMatchObject({
      backend: 'engine',
      refused: [{ what: 'webgpu', reason: expect.stringMatching(/adapter, got none/) }],
    });
    await model.dispose();
    await expect(loadModel(fileOf(), { backend: 'webgpu' })).rejects.toThrow(BackendError);
    vi.unstubAllGlobals();
  });

  test('one thread where memory cannot be shared, with the reason', async () => {
    vi.stubGlobal('SharedArrayBuffer', undefined);
    const model = await loadModel(fileOf(), { backend: 'engine', threads: 2 });
    vi.unstubAllGlobals();
    expect(model.report.refused).toEqual([{ what: 'threads', reason: expect.stringMatching(/./) }]);
    expect((await model.predict(image)).features).toHaveLength(2);
    await model.dispose();
  });

  test.each([
    [{ backend: 'webgl' as never }, /expected the backend auto, engine or webgpu, got webgl/],
    [{ maxPlans: 0 }, /maxPlans .* got 0/],
    [{ family: 'swin' as never }, /expected/],
  ])('options %o are refused', async (options, message) => {
    const loading = loadModel(fileOf(), options);
    await expect(loading).rejects.toThrow(ConfigError);
    await expect(loading).rejects.toThrow(message);
  });

  test('a number of threads that is none is refused', () =>
    expect(loadModel(fileOf(), { backend: 'engine', threads: 0 })).rejects.toThrow(/1 to 256 threads, got 0/));
});

describe('plans', () => {
  test('the latest used are kept, and asked-for predictions end before theirs is let go', async () => {
    const engine = await createEngine({ threads: 2 });
    const compile = vi.spyOn(engine, 'compile');
    const why = { chosenBecause: '', refused: [] };
    const subject = swinSubject({ ...checkpoint, sparsity: null, notes: [] }, { mean, std });
    const model = createEngineModel(engine, subject, { maxPlans: 2, why });
    const predict = (ratio: number): Promise<Omit<Prediction, 'output'>> =>
      model.predict(
        { values, shape: [1, height, width, 3] },
        { sparsity: uniformSparsity(architecture, ratio), outputs: [1], wantsLogits: false, wantsWindows: false },
        undefined,
      );
    await predict(0.2);
    const bytes = engine.usedBytes;
    const compiled = async (...ratios: number[]): Promise<number> => {
      compile.mockClear();
      for (const ratio of ratios) await predict(ratio);
      return compile.mock.calls.length;
    };
    expect(await compiled(0.4, 0.2, 0.4)).toBe(1);
    expect(await compiled(0.6, 0.4, 0.6)).toBe(1); // 0.2 is let go
    expect(await compiled(0.2)).toBe(1);
    const alone = new Map<number, Float32Array | undefined>();
    const ratios = [0, 0.2, 0.4, 0.6, 0.8];
    for (const ratio of ratios) alone.set(ratio, (await predict(ratio)).features[1]?.values);
    const order = [...ratios, ...ratios.toReversed(), ...ratios];
    const together = await Promise.all(order.map(predict));
    expect(together.map(({ features }) => features[1]?.values)).toEqual(order.map((ratio) => alone.get(ratio)));
    for (let round = 0; round < 50; round++) await predict((round % 10) / 10);
    expect(engine.usedBytes).toBeLessThanOrEqual(bytes * 1.5); // plans that were let go left nothing
    await model.dispose();
  });
});

describe('ends', () => {
  test('a prediction is stopped at once, and the next one works', () =>
    withModel(async (model) => {
      const reason = new Error('changed my mind');
      const controller = new AbortController();
      const large = { values: new Float32Array(3 * 800 * 800), shape: [1, 800, 800, 3] } as const;
      const stopped = model.predict(large, { signal: controller.signal });
      setTimeout(() => controller.abort(reason), 20);
      await expect(stopped).rejects.toBe(reason);
      await expect(model.predict(image, { signal: controller.signal })).rejects.toBe(reason);
      expect((await model.predict(image)).features).toHaveLength(2);
    }));

  test('predictions that were asked for end before the model is let go', async () => {
    const model = await loadModel(fileOf(), { backend: 'engine', threads: 2 });
    const expected = valuesOf(await model.predict(image));
    const asked = [model.predict(image), model.predict(image)];
    const ended = [model.dispose(), model.dispose()];
    await expect(model.predict(image)).rejects.toThrow(/expected a model in use, got one after dispose/);
    for (const prediction of asked) expect(valuesOf(await prediction)).toEqual(expected);
    await Promise.all(ended);
    await expect(model.warmUp({ height, width })).rejects.toThrow(BackendError);
  });
});

describe('bad input', () => {
  test.each([
    [null, ImageError, /got null/],
    ['photo.jpg', ImageError, /expected an ImageData, .* got string/],
    [{}, ImageError, /height .* got undefined/],
    [{ pixels: new Uint8Array(5), height: 1, width: 2 }, ImageError, /expected 6 bytes/],
    [{ pixels: [1, 2, 3], height: 1, width: 1 }, ImageError, /expected pixels as bytes/],
    [{ data: new Uint8Array(6), height: 1, width: 2 }, ImageError, /expected 8 bytes .* got 6/],
    [{ data: new Uint8Array(0), height: 0, width: 0 }, ImageError, /height .* got 0/],
    [{ data: null, height: 1, width: 1 }, ImageError, /expected data as bytes, got null/],
    [{ values: new Float32Array(48), shape: [1, 4, 4, 1] }, ShapeError, /expected the shape \[B, H, W, 3\]/],
    [{ values: new Float32Array(48), shape: [1, 4, 3] }, ShapeError, /expected the shape/],
    [{ values: new Float32Array(48) }, ShapeError, /expected the shape/],
    [{ values: new Float32Array(47), shape: [1, 4, 4, 3] }, ShapeError, /48 values .* got 47 values/],
    [{ values: new Float64Array(48), shape: [1, 4, 4, 3] }, ShapeError, /Float32Array of 48 values .* Float64Array/],
    [{ values: new Float32Array(48).fill(Number.NaN), shape: [1, 4, 4, 3] }, ShapeError, /expected finite values/],
    [{ values: new Float32Array(3), shape: [1, 1, 1, 3] }, ShapeError, /patch/],
  ])('image %# is refused', async (bad, kind, message) => {
    await withModel(async (model) => {
      const predicting = model.predict(bad as never);
      await expect(predicting).rejects.toThrow(kind);
      await expect(predicting).rejects.toThrow(message);
    });
  });

  test.each([
    [{ sparsity: 2 }, /expected/],
    [{ sparsity: Number.NaN }, /expected/],
    [{ sparsity: '.3|0|.1|.2' }, /expected/],
    [{ sparsity: { ratios: [[0.5]] } as never }, /expected/],
    [{ sparsity: { ...sparsityModes.clean } as never }, /expected thresholds to be a list, got undefined/],
    [{ sparsity: { prunedRatios: [0.5, 0.5], ...sparsityModes.clean } as never }, /stage 0 to be a list, got number/],
    [{ sparsity: true as never }, /expected/],
    [{ outputs: [4] }, /expected outputs to be stages from 0 to 1, got 4/],
    [{ outputs: [-1] }, /got -1/],
  ])('the options %o are refused', (options, message) =>
    withModel((model) => expect(model.predict(image, options)).rejects.toThrow(message)),
  );

  test('weights that overflow are an error, not NaN', async () => {
    const { weights } = checkpoint;
    const { projection, norm } = weights.patchEmbed;
    const huge = { ...projection.weight, values: projection.weight.values.map((value) => Math.sign(value) * 3e38) };
    const patchEmbed = { projection: { ...projection, weight: huge }, norm };
    const file = saveCheckpoint({ ...checkpoint, weights: { ...weights, patchEmbed }, sparsity: null });
    await withModel(
      (model) => expect(model.predict(image)).rejects.toThrow(/NaN or infinite ones in the output of stage 0/),
      {},
      file,
    );
  });
});
