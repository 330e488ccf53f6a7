import { writeFileSync } from 'node:fs';
import { randomWeights, saveCheckpoint } from '@sparsevit/backbone';
import { swinPreset } from '@sparsevit/config/presets';
import { describeGolden, requireGolden } from '@sparsevit/testing';
import { sparsityModes } from '@sparsevit/windows';
import { describe, expect, it } from 'vitest';
import { run, temporaryFolder } from './fake-io';

const at = temporaryFolder();

async function json(argv: readonly string[]): Promise<unknown> {
  const { code, out, err } = await run([...argv, '--json']);
  expect(err).toBe('');
  expect(code).toBe(0);
  return JSON.parse(out);
}

describe('help and version', () => {
  it.each([[[]], [['--help']], [['-h']], [['help']], [['help', 'help']], [['help', '--json']]])(
    '%j lists the commands',
    async (argv) => {
      const { code, out, err } = await run(argv);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      for (const name of ['run', 'profile', 'predict-latency', 'calibrate', 'inspect', 'macs'])
        expect(out).toMatch(new RegExp(`^  ${name} `, 'm'));
    },
  );

  it.each([
    [
      'run',
      [
        'weights',
        'family',
        'model',
        'size',
        'sparsity',
        'mode',
        'backend',
        'no-kernels',
        'repeats',
        'overlay',
        'features',
        'json',
        'help',
      ],
    ],
    ['inspect', ['family', 'json', 'help']],
    ['macs', ['model', 'size', 'sparsity', 'mode', 'batch', 'json', 'help']],
    ['profile', ['weights', 'size', 'threads', 'rounds', 'configs', 'hold-out', 'out', 'json', 'help']],
    ['predict-latency', ['table', 'sparsity', 'hold-out', 'save', 'json', 'help']],
    ['calibrate', ['predictor', 'table', 'rows', 'configs', 'weights', 'size', 'threads', 'out', 'json', 'help']],
  ])('%s --help lists its options', async (name, options) => {
    const { code, out, err } = await run([name, '--model', '--help']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    for (const option of options) expect(out).toMatch(new RegExp(`^  --${option}[ \n]`, 'm'));
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  it.each(['run', 'inspect', 'macs', 'predict-latency', 'calibrate'])(
    'every way to ask for the help of %s',
    async (name) => {
      const { out } = await run([name, '--help']);
      expect(out).toMatch(new RegExp(`^sparsevit ${name}: `));
      for (const argv of [
        ['help', name],
        ['--help', name],
        ['-h', name],
        [name, 'x.png', '-h'],
      ]) {
        expect(await run(argv)).toEqual({ code: 0, out, err: '' });
      }
    },
  );

  it('--version', async () => {
    const { code, out } = await run(['--version']);
    expect({ code, out }).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+.*\n$/) });
  });
});

describe('macs', () => {
  // The table of section 4.7 of the published numbers: Swin-T, a batch of 4 images of 672x672.
  it.each([
    ['0', 161.79],
    ['.3|0|.1,.2,.2|0', 139.46],
  ])('swin-t at %s is as published', async (sparsity, published) => {
    const document = await json(['macs', '--size', '672x672', '--batch', '4', '--sparsity', sparsity]);
    expect(document).toMatchObject({ version: 1, model: 'swin-t', mode: 'official', batch: 4 });
    const { gmacs, stages } = document as {
      gmacs: Record<string, number>;
      stages: Record<'published', Record<string, number>>[];
    };
    expect(Math.abs((gmacs.published ?? 0) / published - 1)).toBeLessThan(1e-3);
    expect(gmacs.fair).toBeLessThan(gmacs.published ?? 0);
    expect(stages.reduce((sum, stage) => sum + (stage.published.total ?? 0), 0)).toBeCloseTo(gmacs.published ?? 0, 9);
  });

  it('prints a table for each accounting', async () => {
    const { out } = await run(['macs', '--model', 'swin-nano', '--size', '224x224']);
    expect(out).toMatch(/swin-nano, 1 image of 224x224, 0\|0\|0\|0 pruned, official mode/);
    expect(out).toMatch(/GMACs, published +patchEmbed +qkv +attention +projection +mlp +merging +norm +total/);
    expect(out).toMatch(/GMACs, fair/);
    expect(out.match(/^stage \d/gm)).toHaveLength(8);
    expect(out.match(/^all +0\.\d+/gm)).toHaveLength(2);
  });

  it('the last of a repeated option counts', async () => {
    expect(await json(['macs', '--model', 'swin-t', '--model', 'swin-nano'])).toMatchObject({ model: 'swin-nano' });
  });

  it('clean mode rounds to the nearest window and keeps at least one', async () => {
    const count = async (mode: string): Promise<number> =>
      ((await json(['macs', '--size', '224x224', '--sparsity', '.9', '--mode', mode])) as { gmacs: { fair: number } })
        .gmacs.fair;
    expect(await count('clean')).toBeGreaterThan(await count('official'));
  });
});

describe('inspect', () => {
  const nano = swinPreset('swin-nano');
  const sparsity = { prunedRatios: [[0.5], [0], [0.2], [0.1]], ...sparsityModes.official };

  it('says what a file holds', async () => {
    const path = at('nano.safetensors');
    writeFileSync(
      path,
      saveCheckpoint({ architecture: nano, family: 'mmdet', weights: randomWeights(nano, 1), sparsity }),
    );
    const { code, out } = await run(['inspect', path]);
    expect(code).toBe(0);
    expect(out).toMatch(/family +mmdet/);
    expect(out).toMatch(/architecture +swin-nano \(embed 32, depths 2,2,2,2/);
    expect(out).toMatch(/parameters +\d+\.\d+ million/);
    expect(out).toMatch(/output norms +stages 0, 1, 2, 3/);
    expect(out).toMatch(/final norm +none/);
    expect(out).toMatch(/classifier +none/);
    expect(out).toMatch(/sparsity +\.5\|0\|\.2\|\.1 pruned, official mode/);
    expect(await json(['inspect', path])).toMatchObject({
      version: 1,
      family: 'mmdet',
      preset: 'swin-nano',
      architecture: { ...nano },
      parts: { outputNorms: [true, true, true, true], hasFinalNorm: false, classes: 0 },
      sparsity: { notation: '.5|0|.2|.1', mode: 'official' },
    });
  });

  it('counts the parameters', async () => {
    const architecture = { embedDim: 4, depths: [1], heads: [2], window: 2, mlpRatio: 2, patchSize: 2 };
    const path = at('one-block.safetensors');
    const weights = randomWeights(architecture, 1);
    writeFileSync(path, saveCheckpoint({ architecture, family: 'mmdet', weights, sparsity: null }));
    const patchEmbed = 12 * 4 + 4 + 8;
    const block = 8 + (4 * 12 + 12) + 9 * 2 + (16 + 4) + 8 + (4 * 8 + 8) + (8 * 4 + 4);
    expect(await json(['inspect', path])).toMatchObject({
      preset: null,
      parameters: patchEmbed + block + 8,
      sparsity: null,
    });
  });

  it('follows a forced family and says so', async () => {
    const path = at('microsoft.safetensors');
    const weights = { ...randomWeights(nano, 1), outputNorms: nano.depths.map(() => null) };
    writeFileSync(path, saveCheckpoint({ architecture: nano, family: 'microsoft', weights, sparsity: null }));
    const { out } = await run(['inspect', path, '--family', 'timm']);
    expect(out).toMatch(/family +timm/);
    expect(out).toMatch(/notes +.*timm as asked/);
  });
});

describeGolden('inspect a file of timm', ['swin-timm/weights.safetensors'], () => {
  it('finds the classifier', async () => {
    writeFileSync(at('timm.safetensors'), await requireGolden('swin-timm/weights.safetensors'));
    expect(await json(['inspect', at('timm.safetensors')])).toMatchObject({
      family: 'timm',
      preset: null,
      parts: { hasFinalNorm: true, classes: 10 },
    });
  });
});
