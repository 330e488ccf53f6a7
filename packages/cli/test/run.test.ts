import { readFileSync, writeFileSync } from 'node:fs';
import {
  randomWeights,
  readSafetensors,
  saveCheckpoint,
  toFloat32,
  toInt32,
  writeSafetensors,
} from '@sparsevit/backbone';
import { swinPreset } from '@sparsevit/config/presets';
import { drawScene, normalizeImage } from '@sparsevit/data';
import { decodeImage, encodePng } from '@sparsevit/data/node';
import { describeGolden, requireGolden } from '@sparsevit/testing';
import { kernelNames, sparsityModes, uniformSparsity } from '@sparsevit/windows';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { run, temporaryFolder } from './fake-io';

const at = temporaryFolder();
const nano = swinPreset('swin-nano');
const scene = ['run', '--scene', '1', '--model', 'swin-nano', '--size', '64x64', '--repeats', '2'];

/** What the tests read of the JSON document. */
interface RunDocument {
  readonly version: number;
  readonly model: { preset: string | null; family: string; seed?: number; weights?: string };
  readonly sparsity: { notation: string; mode: string; prunedRatios: number[][] };
  readonly backend: {
    name: string;
    detail: string;
    chosenBecause: string;
    refused: { reason: string }[];
    threads?: number;
    build?: string;
    whyOneThread?: string | null;
    packs: { name: string; detail: string; kernels: string[] }[];
    refusedPacks: { name: string; reason: string }[];
    selfCheck: { largestDifference: number } | null;
    tensorFlowVersion: string;
  };
  readonly inputs: {
    input: string;
    compileMs: { dense: number; sparse: number } | null;
    batch: number;
    height: number;
    width: number;
    windows: {
      stage: number;
      block: number;
      isShifted: boolean;
      isDense: boolean;
      windowsPerImage: number;
      kept: number[];
    }[];
    gmacs: { dense: Record<'published' | 'fair', number>; sparse: Record<'published' | 'fair', number> | null };
    latencyMs: {
      dense: { median: number; samples: number[] };
      sparse: { median: number; samples: number[] };
      isWarmUp: boolean;
    };
    speedUp: number;
    peakMemoryBytes: number;
    overlay: string | null;
    features: string | null;
  }[];
  readonly failed: { input: string; message: string } | null;
}

async function runJson(argv: readonly string[], options: { tickMs?: number } = {}): Promise<RunDocument> {
  const { code, out, err } = await run([...argv, '--json'], options);
  expect(err).toBe('');
  expect(code).toBe(0);
  return JSON.parse(out) as RunDocument;
}

const readTensors = (path: string): ReturnType<typeof readSafetensors> =>
  readSafetensors(new Uint8Array(readFileSync(path)));

function floats(
  file: ReturnType<typeof readSafetensors>,
  name: string,
): { values: Float32Array; shape: readonly number[] } {
  const tensor = file.tensors.get(name);
  if (tensor === undefined) throw new Error(`expected ${name}, got ${[...file.tensors.keys()].join(', ')}`);
  return { values: toFloat32(tensor), shape: tensor.shape };
}

const largestGap = (a: Float32Array, b: Float32Array): number =>
  a.reduce((gap, value, i) => Math.max(gap, Math.abs(value - (b[i] ?? Number.NaN))), 0);

beforeAll(async () => {
  writeFileSync(at('wide.png'), await encodePng(drawScene({ seed: 3, height: 45, width: 83 }).image));
  writeFileSync(at('high.png'), await encodePng(drawScene({ seed: 4, height: 70, width: 41 }).image));
});

describe('what is printed', () => {
  it('is dense and sparse side by side', async () => {
    const { code, out, err } = await run(scene);
    expect(err).toBe('');
    expect(code).toBe(0);
    expect(out).toMatch(/model +swin-nano, random weights \(seed 0\)/);
    expect(out).toMatch(/sparsity +\.6\|\.6\|\.6\|\.6 pruned, clean mode/);
    expect(out).toMatch(/backend +engine \(.*SIMD, \d+ threads?\)\n/);
    expect(out).toMatch(/machine +Test CPU, 2 cores/);
    expect(out).toMatch(/scene 1, 64x64 \(drawn\)/);
    expect(out).toMatch(/windows kept, stage 0 block 0 +9 +4 \(44 %\)/);
    expect(out).toMatch(/GMACs, fair +0\.\d+ +0\.\d+/);
    expect(out).toMatch(/GMACs, published +0\.\d+ +0\.\d+/);
    expect(out).toMatch(/latency, median of 2 +10\.0 ms +10\.0 ms/);
    expect(out).toMatch(/speed-up +within the spread/); // the test's clock makes all runs equal
    expect(out).toMatch(/Peak memory of the process so far: 123 MB/);
    expect(out).not.toMatch(/NaN|undefined|null/);
  });

  it('marks dense blocks', async () => {
    const { out } = await run([...scene, '--sparsity', '.5|0|0|0']);
    expect(out).toMatch(/stage 0 block 1 +9 +5 \(56 %\)/);
    expect(out).toMatch(/stage 1 block 0 +4 +all/);
  });

  it('has progress only on a terminal', async () => {
    const { err } = await run(scene, { isTerminal: true });
    expect(err).toContain('scene 1: dense, run 2 of 2');
    expect(err.endsWith('\u001b[2K')).toBe(true);
  });
});

describe('--json', () => {
  it('is one document', async () => {
    const document = await runJson(scene);
    expect(document).toMatchObject({
      version: 1,
      model: { preset: 'swin-nano', seed: 0 },
      sparsity: { notation: '.6|.6|.6|.6', mode: 'clean' },
      backend: { name: 'engine', threads: expect.any(Number), build: expect.stringMatching(/SIMD/) },
      failed: null,
    });
    const [input] = document.inputs;
    expect(input).toMatchObject({ input: 'scene 1', batch: 1, height: 64, width: 64, peakMemoryBytes: 123_000_000 });
    expect(input?.windows.map(({ kept }) => kept)).toEqual([[4], [4], [2], [2], [1], [1], [1], [1]]);
    expect(input?.windows.map(({ isShifted }) => isShifted)).toEqual([
      false,
      true,
      false,
      true,
      false,
      true,
      false,
      true,
    ]);
    expect(input?.latencyMs.dense.samples).toEqual([10, 10]);
    expect(input?.gmacs.sparse?.published).toBeLessThan(input?.gmacs.dense.published ?? 0);
  });

  it('official mode: the published rounding, a stage without windows, dense under the same rules', async () => {
    const features = at('official.safetensors');
    const document = await runJson([...scene, '--mode', 'official', '--sparsity', '0.7', '--features', features]);
    expect(document.sparsity.mode).toBe('official');
    expect(document.inputs[0]?.windows.map(({ kept }) => kept[0])).toEqual([2, 2, 1, 1, 0, 0, 0, 0]);
    const { tensors } = readTensors(features);
    expect(tensors.get('kept.2.0')).toMatchObject({ dtype: 'I32', shape: [1, 0] });
    expect(tensors.get('kept.3.1')).toMatchObject({ dtype: 'I32', shape: [1, 0] });
  });

  it('a run that takes too long is its own only sample', async () => {
    const [input] = (await runJson(scene, { tickMs: 20_001 })).inputs;
    expect(input?.latencyMs).toMatchObject({
      isWarmUp: true,
      dense: { samples: [20_001] },
      sparse: { samples: [20_001] },
    });
    const { out } = await run(scene, { tickMs: 20_001 });
    expect(out).toMatch(/took longer than 20 s/);
  });
});

describe('--features', () => {
  it('holds maps as [B, C, h, w], kept windows in score order and how it came about', async () => {
    const path = at('features.safetensors');
    await runJson([...scene, '--sparsity', '.5|0|.2|.3', '--features', path]);
    const file = readTensors(path);
    expect([...file.tensors.keys()].sort()).toEqual(
      ['out0', 'out1', 'out2', 'out3', 'kept.0.0', 'kept.0.1', 'kept.2.0', 'kept.2.1', 'kept.3.0', 'kept.3.1'].sort(),
    );
    expect([0, 1, 2, 3].map((stage) => floats(file, `out${stage}`).shape)).toEqual([
      [1, 32, 16, 16],
      [1, 64, 8, 8],
      [1, 128, 4, 4],
      [1, 256, 2, 2],
    ]);
    expect(file.tensors.get('kept.0.0')).toMatchObject({ dtype: 'I32', shape: [1, 5] });
    expect(file.metadata).toMatchObject({
      model: 'swin-nano',
      sparsity: '.5|0|.2|.3',
      mode: 'clean',
      weights: 'random, seed 0',
    });
    const { values } = floats(file, 'out0'); // normed with weight 1 and bias 0: each token has mean 0 over the channels
    const meanOfToken = Array.from({ length: 32 }, (_, channel) => values[channel * 256 + 100] ?? Number.NaN);
    expect(Math.abs(meanOfToken.reduce((sum, value) => sum + value, 0) / 32)).toBeLessThan(1e-5);
  });

  it('is the same for a photo and for its values as a tensor', async () => {
    const { pixels, height, width } = await decodeImage(at('wide.png'));
    const values = normalizeImage(
      { pixels, height, width },
      { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
    );
    const planes = new Float32Array(values.length);
    for (let i = 0; i < values.length; i++) planes[(i % 3) * height * width + Math.floor(i / 3)] = values[i] ?? 0;
    writeFileSync(
      at('wide.safetensors'),
      writeSafetensors(new Map([['input', { values: planes, shape: [1, 3, height, width] }]])),
    );
    const options = ['--model', 'swin-nano', '--repeats', '1', '--features'];
    await runJson(['run', at('wide.png'), ...options, at('by-photo.safetensors')]);
    await runJson([
      'run',
      at('wide.safetensors'),
      ...options,
      at('by-tensor.safetensors'),
      '--overlay',
      at('by-tensor.png'),
    ]);
    const [byPhoto, byTensor] = [readTensors(at('by-photo.safetensors')), readTensors(at('by-tensor.safetensors'))];
    for (const name of ['out0', 'out3']) expect(floats(byTensor, name)).toEqual(floats(byPhoto, name));
    expect((await decodeImage(at('by-tensor.png'))).width).toBeGreaterThan(2 * width);
  });

  it('a batch: ids per image, GMACs of the batch', async () => {
    const values = Float32Array.from({ length: 2 * 3 * 64 * 64 }, (_, i) => Math.sin(i * i));
    writeFileSync(at('pair.safetensors'), writeSafetensors(new Map([['input', { values, shape: [2, 3, 64, 64] }]])));
    const path = at('pair-features.safetensors');
    const document = await runJson([
      'run',
      at('pair.safetensors'),
      '--model',
      'swin-nano',
      '--repeats',
      '1',
      '--features',
      path,
    ]);
    const single = await runJson([...scene]);
    expect(document.inputs[0]?.batch).toBe(2);
    expect(document.inputs[0]?.windows[0]?.kept).toEqual([4, 4]);
    expect(document.inputs[0]?.gmacs.dense.fair).toBeCloseTo(2 * (single.inputs[0]?.gmacs.dense.fair ?? 0), 9);
    const kept = readTensors(path).tensors.get('kept.0.0');
    if (kept === undefined) throw new Error('expected kept.0.0');
    expect(kept.shape).toEqual([2, 4]);
    expect(Math.max(...toInt32(kept))).toBeLessThan(9);
    const { out } = await run(['run', at('pair.safetensors'), '--model', 'swin-nano', '--repeats', '1']);
    expect(out).toMatch(/batch of 2/);
  });
});

describe('several inputs', () => {
  it('each at its own size, with files of its own', async () => {
    const argv = ['run', at('wide.png'), at('high.png'), '--model', 'swin-nano', '--repeats', '1'];
    const document = await runJson([...argv, '--overlay', at('kept.png'), '--features', at('out.safetensors')]);
    expect(document.inputs.map(({ height, width }) => [height, width])).toEqual([
      [45, 83],
      [70, 41],
    ]);
    expect(document.inputs.map(({ overlay }) => overlay)).toEqual([at('kept.wide.png'), at('kept.high.png')]);
    expect(floats(readTensors(at('out.high.safetensors')), 'out0').shape).toEqual([1, 32, 18, 11]);
    expect((await decodeImage(at('kept.wide.png'))).height).toBeGreaterThan(90);
  });

  it('resized to one size', async () => {
    const argv = ['run', at('wide.png'), at('high.png'), '--model', 'swin-nano', '--repeats', '1', '--size', '40x48'];
    const document = await runJson(argv);
    expect(document.inputs.map(({ height, width }) => [height, width])).toEqual([
      [40, 48],
      [40, 48],
    ]);
  });
});

describe('several inputs, one of which cannot be used', () => {
  const argv = ['run', at('wide.png'), at('damaged.png'), at('high.png'), '--model', 'swin-nano', '--repeats', '1'];
  beforeAll(() => writeFileSync(at('damaged.png'), readFileSync(at('wide.png')).subarray(0, 500)));

  it('--json: what was done before it is in the document, and so is why it ended', async () => {
    const { code, out, err } = await run([...argv, '--json']);
    expect(code).toBe(2);
    expect(err).toMatch(/^sparsevit: .*damaged\.png.*\n$/);
    const document = JSON.parse(out) as RunDocument;
    expect(document.inputs.map(({ input }) => input)).toEqual([at('wide.png')]);
    expect(document.failed?.input).toBe(at('damaged.png'));
    expect(err).toBe(`sparsevit: ${document.failed?.message}\n`);
  });

  it('as text: the same', async () => {
    const { code, out } = await run(argv);
    expect(code).toBe(2);
    expect(out).toMatch(/wide\.png, 45x83/);
    expect(out).not.toMatch(/high\.png/);
  });
});

describe('kernels', () => {
  const small = ['run', '--scene', '1', '--model', 'swin-nano', '--size', '64x64', '--repeats', '1'];

  it('are used, compared and named', async () => {
    const { backend } = await runJson([...small, '--backend', 'wasm']);
    expect(backend.chosenBecause).toBe('asked for by name');
    expect(backend.packs).toHaveLength(1);
    expect(backend.packs[0]).toMatchObject({ name: '@sparsevit/kernels-wasm', detail: expect.stringMatching(/./) });
    expect(backend.packs[0]?.kernels).toContain(kernelNames.linear);
    expect(backend.refusedPacks).toEqual([]);
    expect(backend.selfCheck?.largestDifference).toBeLessThan(1e-4);
  });

  it('--no-kernels runs the plain ops, to the same features', async () => {
    const [withKernels, without] = [at('kernels.safetensors'), at('no-kernels.safetensors')];
    await runJson([...small, '--backend', 'wasm', '--features', withKernels]);
    const { backend } = await runJson([...small, '--no-kernels', '--features', without]);
    expect(backend).toMatchObject({ name: 'wasm', packs: [], refusedPacks: [], selfCheck: null });
    expect((await run([...small, '--no-kernels'])).out).toMatch(
      /backend +wasm \(.*\), kernels: none \(--no-kernels\), T/,
    );
    const [expected, got] = [readTensors(without), readTensors(withKernels)];
    for (const name of ['out0', 'out1', 'out2', 'out3']) {
      expect(largestGap(floats(got, name).values, floats(expected, name).values)).toBeLessThan(1e-4);
    }
    expect(got.tensors.get('kept.0.0')).toEqual(expected.tensors.get('kept.0.0'));
  });

  it('--backend auto takes the first that works, and says why not the others', async () => {
    vi.stubGlobal('navigator', { gpu: { requestAdapter: async () => null } });
    const { backend } = await runJson([...small, '--backend', 'auto']);
    const { out } = await run([...small, '--backend', 'auto']);
    vi.unstubAllGlobals();
    expect(backend).toMatchObject({ name: 'engine', chosenBecause: 'the first of webgpu, engine that works here' });
    expect(backend.refused).toEqual([{ reason: expect.stringMatching(/webgpu: .*adapter, got none/) }]);
    expect(out).toMatch(
      /backend +engine .*\n +not used: webgpu: .*expected a graphics adapter, got none on this machine/,
    );
  });
});

describe('--weights', () => {
  it('takes family, architecture and sparsity from the file; --mode and --sparsity win', async () => {
    const sparsity = { ...uniformSparsity(nano, 0.3), ...sparsityModes.official };
    const checkpoint = { architecture: nano, family: 'mmdet' as const, weights: randomWeights(nano, 5), sparsity };
    writeFileSync(at('adapted.safetensors'), saveCheckpoint(checkpoint));
    const argv = ['run', '--scene', '1', '--size', '64x64', '--repeats', '1', '--weights', at('adapted.safetensors')];
    expect(await runJson(argv)).toMatchObject({
      model: { preset: 'swin-nano', family: 'mmdet', weights: at('adapted.safetensors') },
      sparsity: { notation: '.3|.3|.3|.3', mode: 'official' },
    });
    expect((await runJson([...argv, '--mode', 'clean'])).sparsity).toMatchObject({
      notation: '.3|.3|.3|.3',
      mode: 'clean',
    });
    expect((await runJson([...argv, '--sparsity', '.5'])).sparsity).toMatchObject({
      notation: '.5|.5|.5|.5',
      mode: 'official',
    });
  });

  it('thresholds saved with the weights decide by image', async () => {
    const sparsity = { thresholds: [0.02, null, 0.5, null], ...sparsityModes.clean };
    const checkpoint = { architecture: nano, family: 'mmdet' as const, weights: randomWeights(nano, 5), sparsity };
    writeFileSync(at('threshold.safetensors'), saveCheckpoint(checkpoint));
    const argv = ['run', '--scene', '1', '--size', '64x64', '--repeats', '1', '--weights', at('threshold.safetensors')];
    const document = await runJson([...argv, '--features', at('threshold-features.safetensors')]);
    expect(document.inputs[0]?.gmacs.sparse).toBeNull();
    const [first] = document.inputs[0]?.windows ?? [];
    expect(readTensors(at('threshold-features.safetensors')).tensors.get('kept.0.0')?.shape).toEqual(first?.kept);
    expect((await run(argv)).out).toMatch(/by image/);
  });
});

describeGolden(
  'a golden of the published code',
  ['sparsevit/weights.safetensors', 'sparsevit/layerwise-pad-160x208.safetensors'],
  () => {
    it('comes out of the command', async () => {
      const golden = await requireGolden('sparsevit/layerwise-pad-160x208.safetensors');
      writeFileSync(at('golden-weights.safetensors'), await requireGolden('sparsevit/weights.safetensors'));
      writeFileSync(at('golden.safetensors'), golden);
      const argv = ['run', at('golden.safetensors'), '--weights', at('golden-weights.safetensors'), '--repeats', '1'];
      const path = at('golden-features.safetensors');
      await runJson([...argv, '--mode', 'official', '--sparsity', '.7|.2|.2,.4|.5', '--features', path]);
      const [expected, got] = [readSafetensors(golden), readTensors(path)];
      for (const name of ['out0', 'out1', 'out2', 'out3']) {
        expect(floats(got, name).shape).toEqual(floats(expected, name).shape);
        expect(largestGap(floats(got, name).values, floats(expected, name).values)).toBeLessThan(1e-4);
      }
      const keptNames = [...expected.tensors.keys()].filter((name) => name.startsWith('kept.'));
      expect([...got.tensors.keys()].filter((name) => name.startsWith('kept.')).sort()).toEqual(keptNames.sort());
      for (const name of keptNames) expect(got.tensors.get(name)).toEqual(expected.tensors.get(name));
    });
  },
);

describeGolden('a golden of timm', ['swin-timm/weights.safetensors', 'swin-timm/dense-pad-232x260.safetensors'], () => {
  it('logits come out of the command', async () => {
    const golden = await requireGolden('swin-timm/dense-pad-232x260.safetensors');
    writeFileSync(at('timm-weights.safetensors'), await requireGolden('swin-timm/weights.safetensors'));
    writeFileSync(at('timm.safetensors'), golden);
    const argv = ['run', at('timm.safetensors'), '--weights', at('timm-weights.safetensors'), '--repeats', '1'];
    const path = at('timm-features.safetensors');
    const document = await runJson([...argv, '--sparsity', '0', '--features', path]);
    expect(document.model.family).toBe('timm');
    const [expected, got] = [readSafetensors(golden), readTensors(path)];
    expect(floats(got, 'logits').shape).toEqual([1, 10]);
    expect(largestGap(floats(got, 'logits').values, floats(expected, 'logits').values)).toBeLessThan(1e-4);
    expect([...got.tensors.keys()].some((name) => name.startsWith('kept.'))).toBe(false);
  });
});

it('leaves no tensors behind', async () => {
  const { memory } = await import('@tensorflow/tfjs-core');
  const onWasm = [...scene, '--backend', 'wasm'];
  await run(onWasm);
  const before = memory().numTensors;
  await run([...onWasm, '--features', at('leak.safetensors')]);
  await run([...onWasm, '--sparsity', '.3|0|0|.9', '--mode', 'official']);
  expect(memory().numTensors).toBe(before);
});

describe('the engine', () => {
  const small = ['run', '--scene', '1', '--model', 'swin-nano', '--size', '64x96', '--repeats', '1'];

  it('has the threads that were asked for, and says what its plans took', async () => {
    const { backend, inputs } = await runJson([...small, '--threads', '3']);
    expect(backend).toMatchObject({ name: 'engine', threads: 3, whyOneThread: null });
    expect(inputs[0]?.compileMs).toEqual({ dense: expect.any(Number), sparse: expect.any(Number) });
    expect((await run([...small, '--threads', '1'])).out).toMatch(/backend +engine \(.*SIMD, 1 thread\)/);
  });

  it.each([
    ['.6', 'clean'],
    ['.3|0|0|.9', 'official'],
  ])('computes what TensorFlow.js computes: %s, %s', async (sparsity, mode) => {
    const [own, reference] = [at('engine.safetensors'), at('tensorflow.safetensors')];
    const asked = [...small, '--sparsity', sparsity, '--mode', mode];
    await runJson([...asked, '--threads', '2', '--features', own]);
    const { inputs } = await runJson([...asked, '--backend', 'wasm', '--features', reference]);
    expect(inputs[0]?.compileMs).toBeNull();
    const [got, expected] = [readTensors(own), readTensors(reference)];
    expect([...got.tensors.keys()]).toEqual([...expected.tensors.keys()]);
    for (const name of expected.tensors.keys()) {
      if (name.startsWith('kept')) expect(got.tensors.get(name), name).toEqual(expected.tensors.get(name));
      else expect(largestGap(floats(got, name).values, floats(expected, name).values)).toBeLessThan(1e-4);
    }
  });

  it('runs without TensorFlow.js: nothing that it imports at once leads there', async () => {
    const { outputFiles: _, metafile } = await build({
      entryPoints: [new URL('../src/index.ts', import.meta.url).pathname],
      bundle: true,
      write: false,
      metafile: true,
      splitting: true,
      outdir: 'out',
      format: 'esm',
      platform: 'node',
      conditions: ['@sparsevit/source'],
      packages: 'bundle',
      external: ['@tensorflow/*', 'sharp'],
    });
    const seen = new Set<string>();
    const visit = (file: string): string[] => {
      if (seen.has(file)) return [];
      seen.add(file);
      const imports = metafile.outputs[file]?.imports ?? [];
      return imports
        .filter(({ kind }) => kind === 'import-statement')
        .flatMap(({ path, external }) => (external ? [path] : visit(path)));
    };
    const entry = Object.entries(metafile.outputs).find(([, output]) => output.entryPoint?.endsWith('src/index.ts'));
    expect(visit(entry?.[0] ?? '').filter((path) => path.startsWith('@tensorflow'))).toEqual([]);
    const runner = Object.entries(metafile.outputs).find(([file]) => file.includes('engine-runner'));
    expect(runner).toBeDefined();
    expect(visit(runner?.[0] ?? '').filter((path) => path.startsWith('@tensorflow'))).toEqual([]);
    // and the other runner does
    const other = Object.keys(metafile.outputs).find((file) => file.includes('tensor-runner')) ?? '';
    expect(visit(other).some((path) => path.startsWith('@tensorflow'))).toBe(true);
  });
});

it('runs on the cpu backend', async () => {
  const small = ['run', '--scene', '1', '--model', 'swin-nano', '--size', '32x32', '--repeats', '1'];
  expect((await runJson([...small, '--backend', 'cpu'])).backend).toMatchObject({ name: 'cpu', packs: [] });
  expect((await run([...small, '--backend', 'cpu'])).out).toMatch(/cpu \(plain JavaScript\), kernels: none, T/);
});
