import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { randomWeights, saveCheckpoint, writeSafetensors } from '@sparsevit/backbone';
import { swinPreset } from '@sparsevit/config/presets';
import { drawScene } from '@sparsevit/data';
import { encodePng } from '@sparsevit/data/node';
import sharp from 'sharp';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { run, temporaryFolder } from './fake-io';

const at = temporaryFolder();
const malicious = fileURLToPath(new URL('../../backbone/test/fixtures/malicious.pth', import.meta.url));
const scene = ['run', '--scene', '1', '--size', '32x32', '--model', 'swin-nano'];

/** A safetensors file from a header as it is, with so many bytes of data. */
function rawSafetensors(header: string, options: { dataBytes: number; saysBytes?: number }): Uint8Array {
  const text = new TextEncoder().encode(header);
  const file = new Uint8Array(8 + text.length + options.dataBytes);
  new DataView(file.buffer).setUint32(0, options.saysBytes ?? text.length, true);
  file.set(text, 8);
  return file;
}

const tensorOf = (shape: number[], value = 0.5): { values: Float32Array; shape: number[] } => ({
  values: new Float32Array(shape.reduce((product, side) => product * side, 1)).fill(value),
  shape,
});

beforeAll(async () => {
  const photo = drawScene({ seed: 2, height: 48, width: 64 }).image;
  const png = await encodePng(photo);
  const jpeg = await sharp(png).jpeg().toBuffer();
  writeFileSync(at('photo.png'), png);
  writeFileSync(at('cut.jpg'), jpeg.subarray(0, Math.floor(jpeg.length / 2)));
  writeFileSync(at('text.jpg'), 'This is not a picture.\n');
  writeFileSync(at('empty.png'), '');
  writeFileSync(at('tiny.png'), await encodePng({ pixels: new Uint8Array(3 * 3 * 9), height: 3, width: 9 }));
  mkdirSync(at('folder'));

  const save = (
    name: string,
    tensors: Record<string, Parameters<typeof writeSafetensors>[0] extends ReadonlyMap<string, infer T> ? T : never>,
  ): void => writeFileSync(at(name), writeSafetensors(new Map(Object.entries(tensors))));
  save('no-input.safetensors', { image: tensorOf([1, 3, 32, 32]) });
  save('no-tensor.safetensors', {});
  save('rank-3.safetensors', { input: tensorOf([3, 32, 32]) });
  save('four-channels.safetensors', { input: tensorOf([1, 4, 32, 32]) });
  save('no-image.safetensors', { input: tensorOf([0, 3, 32, 32]) });
  save('half.safetensors', { input: { ...tensorOf([1, 3, 32, 32]), dtype: 'F16' } });
  save('int.safetensors', { input: { values: new Int32Array(3 * 32 * 32), shape: [1, 3, 32, 32] } });
  save('nan.safetensors', { input: tensorOf([1, 3, 32, 32], Number.NaN) });
  save('small.safetensors', { input: tensorOf([1, 3, 3, 32]) });
  save('huge.safetensors', { input: tensorOf([1, 3, 32, 32], 1e38) });
  save('good.safetensors', { input: tensorOf([1, 3, 32, 32]) });

  const architecture = swinPreset('swin-nano');
  const weights = saveCheckpoint({
    architecture,
    family: 'mmdet',
    weights: randomWeights(architecture, 1),
    sparsity: null,
  });
  writeFileSync(at('nano.safetensors'), weights);
  writeFileSync(at('cut.safetensors'), weights.subarray(0, weights.length - 100));
  writeFileSync(at('cut-header.safetensors'), weights.subarray(0, 100));
  const lie = '{"input":{"dtype":"F32","shape":[1,3,32,32],"data_offsets":[0,99999999]}}';
  writeFileSync(at('lying.safetensors'), rawSafetensors(lie, { dataBytes: 64 }));
  writeFileSync(at('long-header.safetensors'), rawSafetensors('{}', { dataBytes: 0, saysBytes: 4_000_000_000 }));
});

async function expectOneLine(argv: readonly string[], pattern: RegExp): Promise<void> {
  const { code, out, err } = await run(argv);
  expect(err).toMatch(pattern);
  expect(err.trimEnd().split('\n')).toHaveLength(1);
  expect(err).toMatch(/^sparsevit: .+\n$/);
  expect(err).not.toMatch(/\n\s+at /);
  expect(out).toBe('');
  expect(code).toBe(2);
}

describe('an input that cannot be used', () => {
  const cases: [string, RegExp][] = [
    ['missing.jpg', /missing\.jpg.*does not exist/],
    ['folder', /folder.*directory/],
    ['cut.jpg', /cut\.jpg.*truncated or damaged/],
    ['text.jpg', /text\.jpg.*text/],
    ['empty.png', /empty\.png.*empty/],
    ['tiny.png', /at least one patch \(4x4 pixels\), got ".*tiny\.png" of 3x9/],
    ['no-input.safetensors', /"input".*got only "image"/],
    ['no-tensor.safetensors', /"input".*got no tensor/],
    ['rank-3.safetensors', /got \[3, 32, 32\]/],
    ['four-channels.safetensors', /got \[1, 4, 32, 32\]/],
    ['no-image.safetensors', /got \[0, 3, 32, 32\]/],
    ['half.safetensors', /float32.*got F16/],
    ['int.safetensors', /float32.*got I32/],
    ['nan.safetensors', /NaN/],
    ['huge.safetensors', /values beyond 1000000/],
    ['nano.safetensors', /got a checkpoint: name it with --weights/],
    ['small.safetensors', /at least one patch.*3x32\. A tensor is used as it is/],
    ['lying.safetensors', /lying\.safetensors".*safetensors/],
    ['long-header.safetensors', /long-header\.safetensors".*header/],
  ];
  it.each(cases)('%s', async (name, pattern) => {
    const { code, out, err } = await run(['run', at(name), '--model', 'swin-nano', '--json']);
    expect(err).toMatch(pattern);
    expect(err.trimEnd().split('\n')).toHaveLength(1);
    expect(out).toBe('');
    expect(code).toBe(2);
  });

  it('is found among several before the first is run', async () => {
    await expectOneLine(['run', at('photo.png'), at('missing.jpg'), '--model', 'swin-nano'], /missing\.jpg/);
  });
});

describe('a checkpoint that cannot be used', () => {
  const cases: [string, readonly string[], RegExp][] = [
    ['missing.pth', [], /missing\.pth.*does not exist/],
    ['folder', [], /directory/],
    ['cut.safetensors', [], /cut\.safetensors".*cut off/],
    ['cut-header.safetensors', [], /cut off/],
    ['lying.safetensors', [], /lying\.safetensors"/],
    ['long-header.safetensors', [], /header/],
    ['text.jpg', [], /text\.jpg"/],
    ['photo.png', [], /photo\.png"/],
    [
      'nano.safetensors',
      ['--model', 'swin-t'],
      /--model: expected the architecture of ".*nano\.safetensors" \(swin-nano\), got swin-t\. Leave out --model\.$/m,
    ],
    ['nano.safetensors', ['--model', 'swin-b-384'], /\(swin-nano\), got swin-b-384\. Leave out --model\.$/m],
    ['nano.safetensors', ['--window', '0'], /--window: expected a whole number from 1/],
    ['nano.safetensors', ['--prefix', 'student.'], /checkpoint: expected/],
    ['nano.safetensors', ['--family', 'torchvision'], /family/],
    ['nano.safetensors', ['--family', 'nobody'], /--family: expected one of microsoft/],
    ['nano.safetensors', ['--seed', '3'], /--seed: expected no --weights/],
    ['nano.safetensors', ['--sparsity', '.3|.3'], /expected 4 stages/],
  ];
  it.each(cases)('%s %s', async (name, more, pattern) => {
    await expectOneLine(['run', at('photo.png'), '--weights', at(name), ...more], pattern);
  });

  it('weights whose features are not finite, before any file is written', async () => {
    const architecture = swinPreset('swin-nano');
    const weights = randomWeights(architecture, 1);
    for (const { values } of [
      weights.stages[1]?.blocks[0]?.expand.weight,
      weights.stages[1]?.blocks[0]?.contract.weight,
    ].flatMap((w) => w ?? [])) {
      values.forEach((value, i) => {
        values[i] = value * 1e30;
      });
    }
    writeFileSync(at('large.safetensors'), saveCheckpoint({ architecture, family: 'mmdet', weights, sparsity: null }));
    const { code, err } = await run([
      ...['run', at('photo.png'), '--weights', at('large.safetensors')],
      ...['--json', '--features', at('never.safetensors')],
    ]);
    expect(err).toMatch(
      /^sparsevit: run: expected finite features, got NaN or infinite values in the output of stage 1\. .+\n$/,
    );
    expect(code).toBe(2);
    expect(existsSync(at('never.safetensors'))).toBe(false);
  });

  it('a pickle with code in it, which is not run', async () => {
    await expectOneLine(['run', at('photo.png'), '--weights', malicious], /malicious\.pth"/);
    await expectOneLine(['inspect', malicious], /malicious\.pth"/);
  });

  it.each(['missing.pth', 'folder', 'cut.safetensors', 'long-header.safetensors', 'good.safetensors'])(
    'inspect %s',
    async (name) => {
      await expectOneLine(['inspect', at(name)], new RegExp(name.replace('.', '\\.')));
    },
  );
});

describe('options that cannot be', () => {
  const cases: [string[], RegExp][] = [
    [[...scene, '--sparsity', '.3|0|.1'], /expected 4 stages.*got 3/],
    [[...scene, '--sparsity', '.3|0|.1,.2|0'], /expected 1 ratio in stage 2/],
    [[...scene, '--sparsity', '.3|0|1.5|0'], /from 0 to 0\.95, got 1\.5/],
    [[...scene, '--sparsity', '0.96'], /from 0 to 0\.95/],
    [[...scene, '--sparsity', '-0.1'], /expected a number/],
    [[...scene, '--sparsity', 'many'], /"many"/],
    [['run', '--scene', '1', '--model', 'swin-t', '--sparsity', '.3|0|.3,.2,.2|0'], /do not decrease/],
    [[...scene, '--mode', 'dirty'], /--mode: expected one of/],
    [['run', '--scene', '1', '--model', 'swin-xxl'], /swin-nano.*"swin-xxl"/],
    [['run', '--scene', '1', '--model', '__proto__'], /"__proto__"/],
    [[...scene, '--backend', 'webgl'], /--backend: expected one of auto, engine, webgpu, wasm, cpu, got "webgl"/],
    [[...scene, '--threads', '0'], /--threads: expected .*1 to 256, got "?0/],
    [[...scene, '--threads', 'many'], /--threads: expected .*, got "many"/],
    [[...scene, '--threads', '2', '--backend', 'wasm'], /--threads: expected --backend engine, got wasm/],
    [
      [...scene, '--no-kernels', '--backend', 'engine'],
      /--no-kernels: expected a backend of TensorFlow.js, got engine/,
    ],
    [[...scene, '--no-kernels=yes'], /expected --no-kernels alone/],
    [[...scene, '--repeats', '0'], /--repeats: expected a whole number from 1/],
    [[...scene, '--repeats', '1e9'], /--repeats/],
    [[...scene, '--size', '672'], /HEIGHTxWIDTH/],
    [[...scene, '--size', '0x672'], /HEIGHTxWIDTH/],
    [[...scene, '--size', '99999x99999'], /at most 100000000 pixels/],
    [[...scene, '--seed', 'x'], /--seed/],
    [['run', '--scene', 'one'], /--scene: expected a whole number/],
    [['run', 'photo.png', '--scene', '1'], /expected inputs or --scene, got both/],
    [['run'], /expected at least one image, got none/],
    [[...scene, '--nonsense'], /got "--nonsense".*run --help/],
    [[...scene, '--toString'], /got "--toString"/],
    [[...scene, '-x'], /got "-x"/],
    [[...scene, '--overlay'], /expected --overlay FILE\.png, got no value/],
    [[...scene, '--repeats', '--json'], /expected --repeats N, got no value/],
    [[...scene, '--repeats='], /got no value/],
    [[...scene, '--json=yes'], /expected --json alone/],
    [[...scene, '--overlay', 'out.jpg'], /ends with \.png/],
    [['inspect'], /expected a checkpoint, got none/],
    [['inspect', 'a.pth', 'b.pth'], /expected one checkpoint, got 2/],
    [['macs', 'photo.png'], /expected options only/],
    [['macs', '--batch', '0'], /--batch/],
    [['macs', '--model', 'resnet'], /"resnet"/],
    [['macs', '--size', '2x2'], /at least one patch/],
    [['macs', '--sparsity', '.3|0'], /expected 4 stages/],
    [['help', 'fly'], /expected a command \(run, .*, inspect, macs\), got "fly"/],
    [['fly'], /expected a command \(run, .*, inspect, macs\), got "fly"/],
    [['ru\nn\u001b[2J'], /got "ru\\u000an\\u001b\[2J"/],
  ];
  it.each(cases)('%j', async (argv, pattern) => {
    await expectOneLine(argv, pattern);
  });

  it('resizing a tensor', async () => {
    await expectOneLine(['run', at('good.safetensors'), '--size', '64x64'], /--size: expected photos/);
  });
});

describe('outputs that cannot be written are refused before anything is run', () => {
  it.each([
    ['--overlay', 'nowhere/out.png', /its folder does not exist/],
    ['--features', 'nowhere/out.safetensors', /its folder does not exist/],
    ['--features', 'folder', /it is a directory/],
    ['--features', 'photo.png/out.safetensors', /its folder is a file/],
    ['--overlay', 'photo.png', /uses it for something else/],
    ['--features', 'nano.safetensors', /uses it for something else/],
  ])('%s %s', async (option, name, pattern) => {
    const argv = ['run', at('photo.png'), '--weights', at('nano.safetensors'), option, at(name)];
    await expectOneLine(argv, pattern);
  });

  it('two outputs in one file', async () => {
    const argv = [...scene, '--overlay', at('same.png'), '--features', at('same.png')];
    await expectOneLine(argv, /--features: .*uses it for something else/);
  });
});

describe('--backend webgpu', () => {
  const navigator = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  afterEach(() => {
    vi.unstubAllGlobals();
    if (navigator === undefined) Reflect.deleteProperty(globalThis, 'navigator');
  });

  it('without the package of WebGPU for Node', async () => {
    vi.stubGlobal('navigator', {});
    await expectOneLine([...scene, '--backend', 'webgpu'], /expected WebGPU, got none.*npm install webgpu/);
  });

  it.each([
    ['says that there is none', async () => null],
    ['fails', () => Promise.reject(new TypeError('no driver'))],
  ])('without an adapter: the request %s', async (_, requestAdapter) => {
    vi.stubGlobal('navigator', { gpu: { requestAdapter } });
    await expectOneLine([...scene, '--backend', 'webgpu'], /expected a graphics adapter.*--backend wasm/);
  });
});

it('clears its progress before the line of an error', async () => {
  vi.stubGlobal('navigator', {});
  const { err } = await run([...scene, '--backend', 'webgpu'], { isTerminal: true });
  vi.unstubAllGlobals();
  expect(err).toContain('starting webgpu\r\u001b[2Ksparsevit: --backend: ');
  expect(err.endsWith('\n')).toBe(true);
});

it('a bug is told apart from bad input: exit code 1, with a stack', async () => {
  vi.stubGlobal('navigator', {
    get gpu() {
      throw new RangeError('surprise');
    },
  });
  const { code, err } = await run([...scene, '--backend', 'webgpu']);
  vi.unstubAllGlobals();
  expect(code).toBe(1);
  expect(err).toMatch(/this is a bug[^\n]*\nRangeError: surprise\n\s+at /);
});
