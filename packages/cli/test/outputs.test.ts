import { execFileSync } from 'node:child_process';
import { linkSync, lstatSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { randomWeights, readSafetensors, saveCheckpoint } from '@sparsevit/backbone';
import { swinPreset } from '@sparsevit/config/presets';
import { drawScene } from '@sparsevit/data';
import { encodePng } from '@sparsevit/data/node';
import { beforeEach, describe, expect, it } from 'vitest';
import { run, temporaryFolder } from './fake-io';

const at = temporaryFolder();
const options = ['--backend', 'cpu', '--repeats', '1', '--json'];
const architecture = swinPreset('swin-nano');
const checkpoint = saveCheckpoint({
  architecture,
  family: 'mmdet',
  weights: randomWeights(architecture, 1),
  sparsity: null,
});

beforeEach(async () => {
  for (const name of readdirSync(at(''))) rmSync(at(name), { recursive: true });
  writeFileSync(at('photo.png'), await encodePng(drawScene({ seed: 2, height: 32, width: 32 }).image));
  writeFileSync(at('nano.safetensors'), checkpoint);
});

async function expectRefusal(argv: readonly string[], pattern: RegExp): Promise<void> {
  const before = new Map(
    readdirSync(at('')).map((name) => [name, lstatSync(at(name)).isFIFO() ? '' : readFileSync(at(name), 'latin1')]),
  );
  const { code, err } = await run(argv);
  expect(err).toMatch(pattern);
  expect(code).toBe(2);
  expect(readdirSync(at('')).sort()).toEqual([...before.keys()].sort());
  for (const [name, text] of before) if (text !== '') expect(readFileSync(at(name), 'latin1') === text).toBe(true);
}

describe('a file that the command reads or writes is not overwritten under another name', () => {
  it('a symbolic link to the photo', async () => {
    symlinkSync(at('photo.png'), at('link.png'));
    await expectRefusal(
      ['run', at('photo.png'), '--model', 'swin-nano', ...options, '--overlay', at('link.png')],
      /uses it for something else/,
    );
  });
  it('a hard link to the photo', async () => {
    linkSync(at('photo.png'), at('hard.png'));
    await expectRefusal(
      ['run', at('photo.png'), '--model', 'swin-nano', ...options, '--overlay', at('hard.png')],
      /uses it for something else/,
    );
  });
  it('a link to the weights', async () => {
    symlinkSync(at('nano.safetensors'), at('link.safetensors'));
    await expectRefusal(
      ['run', at('photo.png'), '--weights', at('nano.safetensors'), ...options, '--features', at('link.safetensors')],
      /uses it for something else/,
    );
  });
  it('one file for two outputs', async () => {
    writeFileSync(at('old.png'), 'old');
    symlinkSync(at('old.png'), at('link.png'));
    const outputs = ['--overlay', at('link.png'), '--features', at('old.png')];
    await expectRefusal(
      ['run', at('photo.png'), '--model', 'swin-nano', ...options, ...outputs],
      /uses it for something else/,
    );
  });
});

describe('what is no place for a file', () => {
  it('a named pipe, which would wait for ever', async () => {
    execFileSync('mkfifo', [at('pipe.png')]);
    await expectRefusal(
      ['run', at('photo.png'), '--model', 'swin-nano', ...options, '--overlay', at('pipe.png')],
      /no regular file/,
    );
  });
  it('a folder where nobody can make files, found before the run', async () => {
    const { code, err } = await run([
      'run',
      at('photo.png'),
      '--model',
      'swin-nano',
      ...options,
      '--features',
      '/proc/features',
    ]);
    expect(err).toMatch(/^sparsevit: --features: expected a file that can be written, got "\/proc\/features": .+\n$/);
    expect(code).toBe(2);
  });
});

it('an older file is replaced, a link stays a link, and nothing else is left behind', async () => {
  writeFileSync(at('old.safetensors'), 'old');
  symlinkSync(at('old.safetensors'), at('link.safetensors'));
  const { code, err } = await run([
    'run',
    at('photo.png'),
    '--model',
    'swin-nano',
    ...options,
    '--features',
    at('link.safetensors'),
  ]);
  expect([code, err]).toEqual([0, '']);
  expect(lstatSync(at('link.safetensors')).isSymbolicLink()).toBe(true);
  expect(readSafetensors(readFileSync(at('old.safetensors'))).tensors.has('out0')).toBe(true);
  expect(readdirSync(at('')).sort()).toEqual(['link.safetensors', 'nano.safetensors', 'old.safetensors', 'photo.png']);
});

it('notes of a checkpoint are printed before the results', async () => {
  const { out } = await run([
    'run',
    at('photo.png'),
    '--weights',
    at('nano.safetensors'),
    '--window',
    '5',
    '--backend',
    'cpu',
    '--repeats',
    '1',
  ]);
  expect(out).toMatch(/\nnotes +.*window/);
  expect(out).toMatch(/window 5/);
});
