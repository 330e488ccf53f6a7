import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { randomWeights, saveCheckpoint } from '@sparsevit/backbone';
import { imagenetNormalization, parseLatencyTable } from '@sparsevit/config';
import { planSamples } from '@sparsevit/pipeline/node';
import { newTask, saveTask } from '@sparsevit/tasks';
import { createSparsitySpace } from '@sparsevit/windows';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Outcome } from './fake-io';
import { run, steadyClock, temporaryFolder } from './fake-io';
import { architecture } from './train-run';

const at = temporaryFolder();

async function succeed(argv: readonly string[], options: Parameters<typeof run>[1] = {}): Promise<Outcome> {
  const outcome = await run(argv, { now: steadyClock(), ...options });
  if (!options.isTerminal) expect(outcome.err).toBe('');
  expect(outcome.code).toBe(0);
  return outcome;
}

async function refuse(argv: readonly string[], pattern: RegExp): Promise<void> {
  const { code, out, err } = await run(argv, { now: steadyClock() });
  expect(err).toMatch(pattern);
  expect(err).toMatch(/^sparsevit: .+\n$/);
  expect(out).toBe('');
  expect(code).toBe(2);
}

const readTable = (name: string) => parseLatencyTable(JSON.parse(readFileSync(at(name), 'utf8')));

beforeAll(() => {
  const weights = randomWeights(architecture, 1);
  const backbone = { architecture, family: 'mmdet' as const, weights };
  writeFileSync(at('backbone.safetensors'), saveCheckpoint({ ...backbone, sparsity: null }));
  const task = newTask({ kind: 'detection', classes: ['car'], channels: 8 }, backbone, { seed: 1 });
  const input = { size: { height: 64, width: 96 }, keepRatio: true, normalization: imagenetNormalization };
  writeFileSync(at('task.safetensors'), saveTask({ ...task, input }));
});

const small = ['--size', '64x64', '--configs', '10', '--rounds', '2', '--threads', '1'];
const begin = ['profile', '--weights', at('backbone.safetensors'), ...small];

describe('profile', () => {
  it('measures a backbone, says before what it costs, and is done when it is done', async () => {
    const argv = [...begin, '--out', at('table.json')];
    const { out } = await succeed(argv);
    expect(out).toMatch(/^model +a Swin, .*backbone\.safetensors$/m);
    expect(out).toMatch(/^input +1 image of 64x64$/m);
    expect(out).toMatch(/^backend +engine, .*, 1 thread$/m);
    expect(out).toMatch(/^plan +10 configurations, 2 rounds: 20 visits\ncost +about \d+:\d\d\n\nmeasured +10 config/m);
    expect(out).toMatch(/^noise +\d+\.\d % of a visit, \d+\.\d % of a row$/m);
    const table = readTable('table.json');
    expect(table.rows).toHaveLength(10);
    for (const { ms } of table.rows) expect(ms).toBeCloseTo(10, 1);
    expect(table.rows[0]?.prunedRatios).toEqual([[0], [0], [0]]);
    expect(table.rows[1]?.prunedRatios).toEqual([[0.8], [0.8], [0.8]]);
    expect(table.device).toMatchObject({ name: 'Test CPU', runtime: 'Node 0', backend: 'engine', threads: 1 });
    expect(table.sessions).toMatchObject([{ startedAt: '2026-01-01T00:00:00.000Z' }]);
    const bytes = readFileSync(at('table.json'));
    const again = await succeed(argv);
    expect(again.out).toMatch(
      /^resumed +20 visits are in .*table\.json\.journal\.jsonl\ncost +nothing is left to do$/m,
    );
    expect(readFileSync(at('table.json')).equals(bytes)).toBe(true);
  });

  it('measures a trained task at the size of its training, and reports as JSON', async () => {
    const argv = ['profile', '--weights', at('task.safetensors'), ...small.slice(2), '--mode', 'official'];
    const { out } = await succeed([...argv, '--batch', '2', '--out', at('task.json'), '--json']);
    const report = JSON.parse(out);
    const table = readTable('task.json');
    expect(report).toMatchObject({
      version: 1,
      command: 'profile',
      input: { batch: 2, height: 64, width: 96 },
      model: { name: 'detection on a Swin' },
      rows: 10,
      excluded: [],
      protocol: { rounds: 2, seed: 0, largestMove: 0.05 },
    });
    expect(report.key).toMatch(/^[0-9a-f]{16}$/);
    expect(report.estimatedMs).toBeGreaterThan(0);
    expect(table.input).toEqual(report.input);
    expect(table.model.rules.minKept).toBe(0);
  });

  it('runs on TensorFlow.js as well', async () => {
    const argv = [
      'profile',
      '--weights',
      at('backbone.safetensors'),
      '--size',
      '32x32',
      '--configs',
      '10',
      '--rounds',
      '1',
    ];
    await succeed([...argv, '--backend', 'wasm', '--out', at('wasm.json')]);
    const { device, rows } = readTable('wasm.json');
    expect(rows).toHaveLength(10);
    expect(device).toMatchObject({ backend: 'wasm', threads: 1, name: 'Test CPU' });
    expect(device.backendVersion).toMatch(/^TensorFlow\.js \d/);
  });

  it('stops when asked to, and goes on to all that is left', async () => {
    const argv = [...begin, '--configs', '24', '--out', at('stopped.json')];
    const journal = at('stopped.json.journal.jsonl');
    const onInterrupt = (handler: () => void): (() => void) => {
      const timer = setInterval(() => {
        if (existsSync(journal) && readFileSync(journal, 'utf8').includes('"type":"stretch"')) handler();
      }, 1);
      return () => clearInterval(timer);
    };
    const stopped = await run(argv, { onInterrupt, now: steadyClock() });
    expect(stopped.err).toMatch(
      /^sparsevit: profile: stopped after \d+ of 48 visits, kept in ".*stopped\.json\.journal\.jsonl" .* goes on from there\.\n$/,
    );
    expect(stopped.code).toBe(130);
    expect(existsSync(at('stopped.json'))).toBe(false);
    const { out, err } = await succeed(argv, { isTerminal: true });
    expect(out).toMatch(/^resumed +\d+ visits are in/m);
    expect(err).toMatch(/visit 48\/48 \[={16}\]/);
    expect(readTable('stopped.json').rows).toHaveLength(24);
    expect(readTable('stopped.json').sessions).toHaveLength(2);
    await refuse(
      [...argv, '--seed', '7'],
      /journal of this measurement, got one of another: seed 0, not 7; configurations/,
    );
    await refuse([...argv, '--threads', '2'], /got one of another: threads 1, not 2\. Name another journal/);
  });

  const out = ['--out', at('none.json')];
  it.each<[string[], RegExp]>([
    [['profile'], /profile: expected --out FILE for the table, got none/],
    [['profile', 'photo.png', ...out], /expected options only, got "photo\.png"/],
    [['profile', '--out', at('nowhere/table.json')], /--out: .*its folder does not exist/],
    [['profile', '--weights', at('missing.pth'), ...out], /missing\.pth.*does not exist/],
    [[...begin, '--out', at('backbone.safetensors')], /uses it for something else/],
    [[...begin, ...out, '--backend', 'auto'], /--backend: expected one of engine, webgpu, wasm, cpu, got "auto"/],
    [[...begin, ...out, '--backend', 'wasm'], /--threads: expected --backend engine, got wasm/],
    [[...begin, ...out, '--configs', '1'], /--configs: expected a whole number from 10 to 10000, got "1"/],
    [[...begin, ...out, '--hold-out', '101'], /--hold-out: expected a whole number from 1 to 100, got "101"/],
    [
      [...begin, ...out, '--configs', '400'],
      / configs: expected at most 364 of the 729 sparsities of this model, got 400/,
    ],
    [
      [...begin, ...out, '--configs', '300', '--hold-out', '65'],
      / hold-out: expected at most 64 of the 729 .* beside 300 to fit, got 65/,
    ],
    [[...begin, ...out, '--rounds', '0'], /--rounds: expected/],
    [[...begin, ...out, '--tolerance', '2'], /--tolerance: expected a number from 0 to 1/],
    [[...begin, ...out, '--size', '3x64'], /--size: expected at least one patch \(4x4 pixels\), got 3x64/],
    [[...begin, ...out, '--batch', '200', '--size', '5000x5000'], /--batch: expected at most 100000000 pixels/],
    [[...begin, ...out, '--mode', 'dirty'], /--mode: expected one of/],
    [
      ['profile', '--weights', at('task.safetensors'), '--family', 'timm', ...out],
      /--family: expected a checkpoint of a bare Swin beside it, got a trained task/,
    ],
  ])('%j', async (argv, pattern) => {
    await refuse(argv, pattern);
    expect(existsSync(at('none.json'))).toBe(false);
  });

  it('a table without a time is not written', async () => {
    const now = steadyClock((jumps) => 10 + jumps / 10); // slower and slower
    const argv = [...begin, '--rounds', '1', '--tolerance', '0', '--out', at('unsteady.json')];
    const { code, err } = await run(argv, { now });
    expect(err).toMatch(
      /^sparsevit: profile: expected a configuration that can be measured, got 10 that cannot \(.*\)\. /,
    );
    expect(code).toBe(2);
    expect(existsSync(at('unsteady.json'))).toBe(false);
  });
});

describe('profile --hold-out', () => {
  const space = createSparsitySpace(architecture);
  const named = (samples: ReturnType<typeof planSamples>): string[] => samples.map((one) => JSON.stringify(one));

  it('measures what the same seed and number of configurations keep apart', async () => {
    const { out } = await succeed([...begin, '--hold-out', '8', '--out', at('held.json')]);
    expect(out).toMatch(/^plan +8 configurations held out, 2 rounds: 16 visits$/m);
    const held = readTable('held.json').rows.map(({ prunedRatios }) => prunedRatios);
    expect(held).toEqual(planSamples(space, { configs: 10, holdOut: 8, seed: 0 }));
    const json = await succeed([...begin, '--hold-out', '8', '--out', at('held.json'), '--json']);
    expect(JSON.parse(json.out)).toMatchObject({ isHoldOut: true, rows: 8 });
  });

  it.each([10, 40, 100, 300])('%i to fit: the hold-out shares none with them, however many are held out', (configs) => {
    const fit = named(planSamples(space, { configs, holdOut: null, seed: 3 }));
    expect(new Set(fit).size).toBe(configs);
    expect(fit.slice(0, 2)).toEqual(['[[0],[0],[0]]', '[[0.8],[0.8],[0.8]]']);
    const few = named(planSamples(space, { configs, holdOut: 20, seed: 3 }));
    const many = named(planSamples(space, { configs, holdOut: 60, seed: 3 }));
    expect(many.slice(0, 20)).toEqual(few);
    expect(new Set([...fit, ...many]).size).toBe(configs + 60);
    expect(named(planSamples(space, { configs, holdOut: 20, seed: 4 }))).not.toEqual(few);
  });
});
