import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { randomWeights, saveCheckpoint } from '@sparsevit/backbone';
import { swinPreset } from '@sparsevit/config/presets';
import { createSamplingPlan, predictorFromJSON } from '@sparsevit/latency';
import { createSparsitySpace } from '@sparsevit/windows';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Outcome } from './fake-io';
import { run, steadyClock, temporaryFolder } from './fake-io';
import { simulatedMs, tableOf } from './latency-table';
import { architecture } from './train-run';

const at = temporaryFolder();
const plan = createSamplingPlan(createSparsitySpace(architecture), { seed: 1, fit: 60, holdOut: 60 });

async function succeed(argv: readonly string[]): Promise<Outcome> {
  const outcome = await run(['calibrate', ...argv], { now: steadyClock() });
  expect(outcome.err).toBe('');
  expect(outcome.code).toBe(0);
  return outcome;
}

async function refuse(argv: readonly string[], pattern: RegExp): Promise<void> {
  const { code, out, err } = await run(['calibrate', ...argv], { now: steadyClock() });
  expect(err).toMatch(pattern);
  expect(err).toMatch(/^sparsevit: .+\n$/);
  expect(out).not.toMatch(/written/);
  expect(code).toBe(2);
}

const readPredictor = (name: string) => predictorFromJSON(JSON.parse(readFileSync(at(name), 'utf8')));
const write = (name: string, ...of: Parameters<typeof tableOf>): void =>
  writeFileSync(at(name), JSON.stringify(tableOf(...of)));

beforeAll(async () => {
  write('table.json', plan.fit);
  write('fast.json', plan.holdOut, { threads: 2, speed: 2.5, seed: 4 });
  for (const [name, count] of [
    ['seven.json', 7],
    ['ten.json', 10],
    ['two.json', 2],
  ] as const) {
    write(name, plan.holdOut.slice(0, count), { threads: 2, speed: 2.5, seed: 4 });
  }
  const { code } = await run(['predict-latency', '--table', at('table.json'), '--save', at('predictor.json')]);
  expect(code).toBe(0);
  const weights = randomWeights(architecture, 1);
  const backbone = { architecture, family: 'mmdet' as const, weights, sparsity: null };
  writeFileSync(at('backbone.safetensors'), saveCheckpoint(backbone));
});

describe('calibrate --rows', () => {
  it('moves a predictor by a table: scale, offset, what differs, and errors by the number of rows', async () => {
    const out = ['--out', at('moved.json')];
    const text = (await succeed(['--table', at('table.json'), '--rows', at('fast.json'), ...out])).out;
    expect(text).toMatch(/^moved to +Simulated, engine, 2 threads, 1 image of 64x64, by 60 rows$/m);
    expect(text).toMatch(/^differs +threads 2, not 1$/m);
    expect(text).toMatch(/^scale +0\.[34]\d\d$/m);
    expect(text).toMatch(/^interval +-\d\.\d to \+\d\.\d % holds 90 % of new measurements/m);
    expect(text).toMatch(
      /^on \d+ other rows .*Spearman\nnot moved +1\d\d\.\d %.*\n5 rows .*\n10 rows .*\n20 rows .*$/m,
    );
    const json = await succeed(['--predictor', at('predictor.json'), '--rows', at('fast.json'), ...out, '--json']);
    const report = JSON.parse(json.out);
    expect(report).toMatchObject({ version: 1, command: 'calibrate', rows: 60, device: { threads: 2 } });
    expect(report.curve.map(({ points }: { points: number }) => points)).toEqual([0, 5, 10, 20]);
    for (const { rmspePercent, spearman } of report.curve.slice(1)) {
      expect(rmspePercent).toBeLessThan(5);
      expect(spearman).toBeGreaterThan(0.95);
    }
    const moved = readPredictor('moved.json');
    expect(moved.kind).toBe('calibrated');
    expect(moved.origin).toBe(report.origin);
    expect(moved.origin).not.toBe(report.source.origin);
    const unseen = [[0.3], [0.5], [0.1]];
    expect(Math.abs(moved.predictMs(unseen) / (simulatedMs(unseen) / 2.5) - 1)).toBeLessThan(0.05);
  });

  it('the moved predictor predicts, and is judged on the device that it was moved to', async () => {
    await succeed(['--table', at('table.json'), '--rows', at('ten.json'), '--out', at('judged.json')]);
    write('rest.json', plan.holdOut.slice(10), { threads: 2, speed: 2.5, seed: 5 });
    const argv = ['predict-latency', '--table', at('judged.json'), '--sparsity', '.5', '--json', '--hold-out'];
    const judged = JSON.parse((await run([...argv, at('rest.json')])).out);
    expect(judged.kind).toBe('calibrated');
    expect(judged.holdOut.rmspePercent).toBeLessThan(5);
    write('old.json', plan.holdOut);
    expect((await run([...argv, at('old.json')])).err).toMatch(/of another: key of device, model and input/);
  });

  it('says how many rows the errors take, where there are few', async () => {
    const argv = ['--table', at('table.json'), '--out', at('few.json'), '--rows'];
    const seven = (await succeed([...argv, at('seven.json')])).out;
    expect(seven).toMatch(/^Errors by the number of rows take at least 10 rows, got 7\.$/m);
    expect(seven).not.toMatch(/^stages/m);
    expect((await succeed([...argv, at('ten.json')])).out).toMatch(/^not moved .*\n5 rows .*\n$/m);
    const same = tableOf(plan.holdOut);
    writeFileSync(at('same.json'), JSON.stringify(same));
    expect((await succeed([...argv, at('same.json')])).out).toMatch(/^differs +in nothing/m);
  });
});

describe('calibrate', () => {
  const measured = ['--weights', at('backbone.safetensors'), '--threads', '1', '--rounds', '1', '--tolerance', '1'];

  it('measures ten references here, at the size of the predictor, and goes on from its journal', async () => {
    const argv = ['--predictor', at('predictor.json'), ...measured, '--out', at('here.json')];
    const { out } = await succeed(argv);
    expect(out).toMatch(/^input +1 image of 64x64$/m);
    expect(out).toMatch(/^plan +10 configurations, 1 rounds: 10 visits\ncost +about \d+:\d\d$/m);
    expect(out).toMatch(/^moved to +Test CPU, engine, .*, 1 thread, 1 image of 64x64, by 10 rows$/m);
    expect(out).toMatch(/^5 rows +\d/m);
    const bytes = readFileSync(at('here.json'));
    expect(readPredictor('here.json').predict([[0.5], [0.5], [0.5]]).ms).toBeGreaterThan(0);
    const again = await succeed([...argv, '--json']);
    expect(JSON.parse(again.out)).toMatchObject({ rows: 10, estimatedMs: 0, device: { name: 'Test CPU' } });
    expect(readFileSync(at('here.json')).equals(bytes)).toBe(true);
    const larger = await succeed([...argv, '--size', '96x64', '--configs', '3', '--out', at('larger.json')]);
    expect(larger.out).toMatch(/^input +1 image of 96x64$/m);
    await refuse([...argv, '--configs', '3'], /journal of this measurement, got one of another: configurations/);
  });

  it('stops when asked to, and says what is kept', async () => {
    const argv = ['calibrate', '--predictor', at('predictor.json'), ...measured, '--out', at('stopped.json')];
    const { code, err } = await run(argv, {
      onInterrupt: (handler) => {
        handler();
        return () => {};
      },
    });
    expect(err).toMatch(/^sparsevit: calibrate: stopped before anything was measured\.\n$/);
    expect(code).toBe(130);
    expect(existsSync(at('stopped.json'))).toBe(false);
  });

  const out = ['--out', at('none.json')];
  const from = ['--predictor', at('predictor.json')];
  it.each<[string[], RegExp]>([
    [['photo.png'], /calibrate: expected options only, got "photo\.png"/],
    [[...out], /calibrate: expected either --predictor FILE or --table FILE, got neither/],
    [[...from, '--table', at('table.json'), ...out], /expected either .* got both/],
    [[...from], /calibrate: expected --out FILE for the predictor, got none/],
    [
      [...from, '--rows', at('ten.json'), '--threads', '2', ...out],
      /--threads: expected no --rows beside it, got both/,
    ],
    [[...from, '--rows', at('ten.json'), '--configs', '5', ...out], /--configs: expected no --rows beside it/],
    [[...from, '--rows', at('two.json'), ...out], /--rows ".*two\.json": calibratePredictor: expected at least 3 rows/],
    [[...from, '--rows', at('predictor.json'), ...out], /--rows ".*predictor\.json": parseLatencyTable/],
    [[...from, '--rows', at('ten.json'), '--out', at('ten.json')], /--out: .*uses it for something else/],
    [[...from, ...measured, '--out', at('predictor.json')], /--out: .*uses it for something else/],
    [[...from, ...measured, '--configs', '2', ...out], /--configs: expected a whole number from 3 to 100/],
    [[...from, '--model', 'swin-nano', ...out], /expected the model of the predictor \(embed 8, .*\), got swin-nano/],
    [['--predictor', at('missing.json'), ...out], /--predictor: expected a file, got ".*missing\.json"/],
  ])('%j', async (argv, pattern) => {
    await refuse(argv, pattern);
    expect(existsSync(at('none.json'))).toBe(false);
  });

  it('refuses a predictor that was moved before, and rows of another model', async () => {
    await succeed(['--table', at('table.json'), '--rows', at('ten.json'), '--out', at('once.json')]);
    await refuse(
      ['--predictor', at('once.json'), '--rows', at('ten.json'), ...out],
      /expected a predictor fitted to rows, got a calibrated one/,
    );
    const other = tableOf([[[0], [0], [0, 0, 0], [0]].slice(0, 3)].slice(0, 0));
    const nano = swinPreset('swin-nano');
    writeFileSync(
      at('nano.json'),
      JSON.stringify({
        ...other,
        model: { ...other.model, architecture: nano },
        sentinel: { ...other.sentinel, prunedRatios: nano.depths.map((depth) => Array(Math.ceil(depth / 2)).fill(0)) },
      }),
    );
    await refuse([...from, '--rows', at('nano.json'), ...out], /expected the model of the predictor/);
  });
});
