import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { parseSearchResult } from '@sparsevit/config';
import { createSamplingPlan } from '@sparsevit/latency';
import { createSparsitySpace } from '@sparsevit/windows';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Outcome } from './fake-io';
import { run, temporaryFolder } from './fake-io';
import { simulatedMs, tableOf } from './latency-table';
import { architecture, writeRun } from './train-run';

const at = temporaryFolder();
const weights = at('runs/dense/model.safetensors');
const config = at('run.json');

async function succeed(argv: readonly string[], options: Parameters<typeof run>[1] = {}): Promise<Outcome> {
  const outcome = await run(argv, options);
  if (!options.isTerminal) expect(outcome.err).toBe('');
  expect(outcome.code).toBe(0);
  return outcome;
}

async function refuse(argv: readonly string[], pattern: RegExp): Promise<void> {
  const { code, out, err } = await run(argv);
  expect(err).toMatch(pattern);
  expect(err).toMatch(/^sparsevit: .+\n$/);
  expect(out).toBe('');
  expect(code).toBe(2);
}

beforeAll(async () => {
  await succeed(['train', '--config', writeRun(config)]);
  const { fit } = createSamplingPlan(createSparsitySpace(architecture), { seed: 1, fit: 60, holdOut: 10 });
  writeFileSync(at('table.json'), JSON.stringify(tableOf(fit)));
});

const dense = simulatedMs([[0], [0], [0]]);
const files = ['--weights', weights, '--latency', at('table.json'), '--config', config];
const small = ['--evaluations', '30', '--processes', '1'];
const begin = ['search', ...files, ...small];
const budget = ['--budget-ms', String(0.8 * dense)];

describe('search', () => {
  it('finds sparsities within the budget, and says why it does not measure them', async () => {
    const { out } = await succeed([...begin, ...budget, '--out', at('one.json')]);
    expect(out).toMatch(/^score +AP on 2 images of 64x64$/m);
    expect(out).toMatch(
      /^searched +the best AP within [\d.]+ ms, [\d.]+ % less for what predictions may be wrong by$/m,
    );
    expect(out).toMatch(/^evaluated +30 of 729; \d+ % of the space is feasible$/m);
    expect(out).toMatch(/^not measured +the table is of another device or model/m);
    const result = parseSearchResult(JSON.parse(readFileSync(at('one.json'), 'utf8')));
    expect(result.history).toHaveLength(30);
    expect(result.history.every(({ values }) => (values.latencyMs ?? 99) <= 0.8 * dense)).toBe(true);
    expect(result.settings.subject).toMatch(/^[0-9a-f]{64}$/);
  });

  it('goes on to the same result wherever it was stopped', async () => {
    const whole = JSON.parse(readFileSync(at('one.json'), 'utf8'));
    let stop = (): void => {};
    let looks = 0;
    const stopped = await run([...begin, ...budget, '--out', at('two.json')], {
      onInterrupt(handler) {
        stop = handler;
        return () => {};
      },
      now() {
        if (++looks === 30) stop();
        return looks;
      },
    });
    expect(stopped.code).toBe(130);
    expect(stopped.err).toMatch(
      /^sparsevit: search: stopped after \d+ evaluations, kept in ".*two\.json\.journal\.jsonl"\. The same command goes on from there\.\n$/,
    );
    expect(existsSync(at('two.json'))).toBe(false);
    const lines = readFileSync(at('two.json.journal.jsonl'), 'utf8');
    writeFileSync(at('two.json.journal.jsonl'), lines.slice(0, -7)); // killed while it wrote
    await succeed([...begin, ...budget, '--resume', '--out', at('two.json')]);
    expect(JSON.parse(readFileSync(at('two.json'), 'utf8'))).toEqual(whole);
  });

  it('draws a line while it goes on', async () => {
    const { err } = await succeed([...begin, ...budget, '--out', at('line.json')], { isTerminal: true });
    expect(err).toMatch(/12\/30 \[={6} {10}\] best AP \d\.\d{4} at [\d.]+ ms, \d+ % feasible, \d+:\d\d left/);
  });

  it('searches a front', async () => {
    const { out } = await succeed([...begin, '--front', '--measure', '0', '--out', at('front.json')]);
    expect(out).toMatch(/^searched +the front of AP and latency$/m);
    expect(out).toMatch(/^front +AP +predicted ms$/m);
    const { settings } = parseSearchResult(JSON.parse(readFileSync(at('front.json'), 'utf8')));
    expect(settings.objectives.map(({ name }) => name)).toEqual(['AP', 'latencyMs']);
  });

  it('begins with what it is given, and evaluates on subsets', async () => {
    const more = ['--begin', '.8|.4|0', '--subsets', '.5', '--preset', 'small', '--json'];
    const { out } = await succeed([...begin, ...budget, ...more, '--out', at('more.json')]);
    const result = JSON.parse(out);
    expect(result.settings).toMatchObject({ initial: [[[0.8], [0.4], [0]]], subsets: { items: [1, 2] } });
    expect(result.settings.preset).toMatchObject({ kind: 'evolution', population: 24 });
  });

  it('says in one line what is wrong', async () => {
    const out = ['--out', at('bad.json')];
    await refuse(['search', '--latency', 'x', ...budget, ...out], /expected --weights FILE/);
    await refuse(['search', '--weights', weights, ...budget, ...out], /expected --latency FILE/);
    await refuse([...begin, ...budget], /expected --out FILE/);
    await refuse([...begin, ...out], /expected --budget-ms MS or --front, got neither/);
    await refuse([...begin, '--budget-ms', '0', ...out], /--budget-ms: expected a number above 0, got "0"/);
    await refuse([...begin, '--front', '--margin', '.1', ...out], /--margin: expected --budget-ms beside it/);
    await refuse([...begin, '--budget-ms', '0.001', ...out], /latencyMs/);
    await refuse([...begin, ...budget, '--preset', 'best', ...out], /--preset: expected one of assisted, small/);
    await refuse([...begin, ...budget, '--subsets', '.1', ...out], /--subsets: expected shares that grow/);
    await refuse([...begin, ...budget, '--begin', '.1|.2', ...out], /3/);
    await refuse([...begin, ...budget, '--size', '96x96', ...out], /--latency: expected times of 1 image of 96x96/);
    await refuse([...begin, ...budget, '--resume', ...out], /--resume: expected a journal to go on from, got none/);
    await refuse([...begin, ...budget, '--root', '.', ...out], /--root: expected --redis beside it/);
    await refuse([...begin, ...budget, '--redis', 'redis://x', ...out], /--processes: expected no --redis/);
    await refuse([...begin, ...budget, '--out', weights], /--out: .*uses it for something else/);
    expect(existsSync(at('bad.json'))).toBe(false);
  });

  it('refuses the journal of other weights', async () => {
    const other = at('other.safetensors');
    const bytes = readFileSync(weights);
    await succeed([
      'train',
      '--config',
      writeRun(at('again.json'), { output: 'runs/again', model: { architecture, seed: 2 } }),
    ]);
    writeFileSync(other, readFileSync(at('runs/again/model.safetensors')));
    expect(readFileSync(other).equals(bytes)).toBe(false);
    rmSync(at('one.json'));
    const argv = [...begin, ...budget, '--out', at('one.json')].map((argument) =>
      argument === weights ? other : argument,
    );
    await refuse(argv, /expected to go on with a search whose subject is/);
  });
});

describe('worker', () => {
  it('says in one line what is wrong', async () => {
    await refuse(['worker'], /expected --redis URL/);
    await refuse(['worker', '--redis', 'redis://127.0.0.1:1', '--processes', '0'], /--processes/);
  });
});
