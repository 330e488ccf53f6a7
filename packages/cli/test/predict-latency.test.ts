import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createSamplingPlan, predictorFromJSON } from '@sparsevit/latency';
import type { PrunedRatios } from '@sparsevit/windows';
import { createRandom, createSparsitySpace } from '@sparsevit/windows';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Outcome } from './fake-io';
import { run, temporaryFolder } from './fake-io';
import { simulatedMs, tableOf } from './latency-table';
import { architecture } from './train-run';

const at = temporaryFolder();
const plan = createSamplingPlan(createSparsitySpace(architecture), { seed: 1, fit: 60, holdOut: 30 });

/** Writes a table of a device. */
function write(name: string, sparsities: readonly PrunedRatios[], options: Parameters<typeof tableOf>[1] = {}): string {
  writeFileSync(at(name), JSON.stringify(tableOf(sparsities, options)));
  return at(name);
}

async function succeed(argv: readonly string[]): Promise<Outcome> {
  const outcome = await run(['predict-latency', ...argv]);
  expect(outcome.err).toBe('');
  expect(outcome.code).toBe(0);
  return outcome;
}

async function refuse(argv: readonly string[], pattern: RegExp): Promise<void> {
  const { code, out, err } = await run(['predict-latency', ...argv]);
  expect(err).toMatch(pattern);
  expect(err).toMatch(/^sparsevit: .+\n$/);
  expect(out).toBe('');
  expect(code).toBe(2);
}

beforeAll(() => {
  write('table.json', plan.fit);
  write('held.json', plan.holdOut, { seed: 9 });
});

describe('predict-latency', () => {
  it('predicts several sparsities with intervals, beside the scores of all kinds and the noise', async () => {
    const { out } = await succeed(['--table', at('table.json'), '--sparsity', '.5', '--sparsity', '.3|0|.8']);
    expect(out).toMatch(/^predictor +\w+, from 60 rows of .*table\.json$/m);
    expect(out).toMatch(/^device +Simulated, engine, 1 thread$/m);
    expect(out).toMatch(/^noise +\d\.\d % of a visit, \d\.\d % of a row: no predictor/m);
    for (const kind of ['macs', 'physical', 'table', 'boosted'])
      expect(out).toMatch(new RegExp(`^${kind}\\b.* %`, 'm'));
    expect(out.match(/, chosen/g)).toHaveLength(1);
    expect(out).toMatch(/^\.5\|\.5\|\.5( +\d+\.?\d*){3}$/m);
    expect(out).toMatch(/^\.3\|0\|\.8( +\d+\.?\d*){3}$/m);
  });

  it('as JSON: what the saved predictor predicts as well, to the last bit', async () => {
    const argv = ['--sparsity', '.35', '--sparsity', '.1|.2|.3', '--json'];
    const first = await succeed(['--table', at('table.json'), ...argv, '--save', at('predictor.json')]);
    const report = JSON.parse(first.out);
    expect(report).toMatchObject({ version: 1, command: 'predict-latency', rows: 60, saved: at('predictor.json') });
    expect(report.origin).toMatch(/^[0-9a-f]{16}$/);
    expect(report.scores).toHaveLength(4);
    expect(report.noiseFloor.rowPercent).toBeGreaterThan(0);
    for (const { ms, lo, hi } of report.predictions) expect(lo < ms && ms < hi).toBe(true);
    expect(report.predictions[1].sparsity).toBe('.1|.2|.3');
    expect(Math.abs(report.predictions[1].ms / simulatedMs([[0.1], [0.2], [0.3]]) - 1)).toBeLessThan(0.05);
    const saved = predictorFromJSON(JSON.parse(readFileSync(at('predictor.json'), 'utf8')));
    expect(saved.origin).toBe(report.origin);
    const again = JSON.parse((await succeed(['--table', at('predictor.json'), ...argv])).out);
    expect(again.predictions).toEqual(report.predictions);
    expect(again).toMatchObject({ kind: report.kind, rows: null, scores: [], noiseFloor: null, saved: null });
  });

  it('says when it extrapolates', async () => {
    const ratios = (most: number): PrunedRatios[] =>
      plan.fit.filter((one) => one.flat().every((ratio) => ratio <= most));
    const table = write('mild.json', ratios(0.6));
    const { out } = await succeed(['--table', table, '--sparsity', '.3', '--sparsity', '.8']);
    expect(out).toMatch(/^\.3\|\.3\|\.3[ \d.]+$/m);
    expect(out).toMatch(/^\.8\|\.8\|\.8[ \d.]+beyond what was measured/m);
  });

  it('judges by a hold-out, next to the noise floor', async () => {
    const argv = ['--table', at('table.json'), '--hold-out', at('held.json')];
    const { out } = await succeed(argv);
    expect(out).toMatch(/^30 rows +\d\.\d % /m);
    expect(out).toMatch(/^at the speed of --table +\d/m);
    expect(out).toMatch(/^machine +the dense model took [01]\.\d{3} times as long/m);
    expect(out).toMatch(/^noise of it +\d\.\d % of a visit, \d\.\d % of a row/m);
    expect(out).toMatch(/^error +\d\.\d times the noise of a row; .* ms$/m);
    expect(out).toMatch(/^in interval +\d+\.\d %$/m);
    const { holdOut } = JSON.parse((await succeed([...argv, '--json'])).out);
    expect(holdOut).toMatchObject({ table: at('held.json'), rows: 30, extrapolating: 0 });
    expect(holdOut.rmspePercent).toBeLessThan(4);
    const slow = write('slow.json', plan.holdOut, { seed: 9, speed: 0.8 });
    const slower = JSON.parse((await succeed([...argv.slice(0, 3), slow, '--json'])).out).holdOut;
    expect(slower.rmspePercent).toBeGreaterThan(15);
    expect(slower.slowdown / holdOut.slowdown).toBeCloseTo(1.25, 10);
    expect(slower.atSpeed.rmspePercent).toBeCloseTo(holdOut.atSpeed.rmspePercent, 10);
    expect(holdOut.spearman).toBeGreaterThan(0.97);
  });

  it('refuses a hold-out of another device, model or input, naming what differs', async () => {
    await succeed(['--table', at('table.json'), '--save', at('fitted.json')]);
    const two = write('two.json', plan.holdOut, { threads: 2, size: 96 });
    await refuse(
      ['--table', at('table.json'), '--hold-out', two],
      /--hold-out: expected a table of the same device, .* of another: threads 2, not 1; input 96x96, not 64x64\. /,
    );
    await refuse(['--table', at('fitted.json'), '--hold-out', two], /of another: input 96x96, not 64x64\. Measure/);
    const threads = write('threads.json', plan.holdOut, { threads: 2 });
    await refuse(
      ['--table', at('fitted.json'), '--hold-out', threads],
      /of another: key of device, model and input [0-9a-f]{16}, not "[0-9a-f]{16}"\. /,
    );
    await refuse(
      ['--table', at('table.json'), '--hold-out', at('table.json')],
      /expected rows that the predictor has not seen, got .* with 60 of 60 that are in/,
    );
  });

  it('refuses what is no table, no predictor, or too little of one', async () => {
    writeFileSync(at('text.json'), 'no JSON');
    writeFileSync(at('other.json'), '{"format":"something"}');
    writeFileSync(at('null.json'), 'null');
    const predictor = { format: 'sparsevit-latency-predictor', version: 1, kind: 'table', origin: '' };
    writeFileSync(at('hollow.json'), JSON.stringify(predictor));
    const huge = tableOf(plan.fit);
    writeFileSync(at('huge.json'), JSON.stringify({ ...huge, input: { batch: 1, height: 1e9, width: 1e9 } }));
    await refuse([], /predict-latency: expected --table FILE with a table or a predictor, got none/);
    await refuse(['photo.png'], /predict-latency: expected options only, got "photo\.png"/);
    await refuse(['--table', at('missing.json')], /--table: expected a file, got ".*missing\.json"/);
    await refuse(['--table', at('text.json')], /--table: expected JSON in ".*text\.json", got text that is none/);
    await refuse(['--table', at('other.json')], /--table ".*other\.json": parseLatencyTable: expected a table/);
    await refuse(['--table', at('null.json')], /--table ".*null\.json": parseLatencyTable/);
    await refuse(
      ['--table', at('hollow.json')],
      /--table ".*hollow\.json": predictor: expected a field subject, got none/,
    );
    await refuse(['--table', at('huge.json')], /--table: expected at most 100000000 pixels and 256 blocks/);
    await refuse(
      ['--table', write('few.json', plan.fit.slice(0, 4))],
      /--table ".*few\.json": .*at least 5 rows, got 4/,
    );
    const table = ['--table', at('table.json')];
    await refuse([...table, '--sparsity', '.3|0'], /3 stages|stage/);
    await refuse([...table, '--sparsity', 'half'], /expected a number from 0 to/);
    await refuse([...table, '--hold-out', at('text.json')], /--hold-out: expected JSON/);
    await refuse([...table, '--hold-out', at('hollow.json')], /--hold-out ".*hollow\.json": parseLatencyTable/);
    await refuse([...table, '--save', at('table.json')], /--save: .*uses it for something else/);
    await refuse([...table, '--save', at('nowhere/predictor.json')], /--save: .*its folder does not exist/);
    expect(existsSync(at('nowhere'))).toBe(false);
  });

  it('survives bytes changed at random in a table: an error or a prediction, never a stack', async () => {
    const text = JSON.stringify(tableOf(plan.fit.slice(0, 8)));
    const random = createRandom(5);
    for (let trial = 0; trial < 60; trial++) {
      const bytes = Buffer.from(text);
      for (let i = 0; i < 3; i++) {
        const at = random.integer(0, bytes.length);
        // a digit for a digit is still JSON, and gets further in
        const isDigit = trial % 2 === 0 && /\d/.test(text[at] ?? '');
        bytes[at] = isDigit
          ? 48 + random.integer(0, 10)
          : trial % 2 === 0
            ? (bytes[at] ?? 0)
            : 32 + random.integer(0, 95);
      }
      writeFileSync(at('fuzz.json'), bytes);
      const { code, err, out } = await run([
        'predict-latency',
        '--table',
        at('fuzz.json'),
        '--sparsity',
        '.5',
        '--json',
      ]);
      expect([0, 2], err).toContain(code);
      if (code === 0) for (const { ms } of JSON.parse(out).predictions) expect(ms).toBeGreaterThan(0);
    }
  });
});
