/** Evaluation in real processes: the same history as in one, whatever happens to them. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publishedChoices, SparseViTError } from '@sparsevit/windows';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Candidate, Evaluator } from '../src/index';
import { createSearch, runSearch } from '../src/index';
import type { ProcessPool, ProcessPoolEvent, ProcessPoolOptions } from '../src/node';
import { createProcessPool, serveEvaluations } from '../src/node';
import { readRequest } from '../src/node/process-messages';
import { syntheticAccuracy } from './program/synthetic';

let folder = '';
let program = '';
let markers = 0;
const pools: ProcessPool[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sparsevit-pool-'));
  program = join(folder, 'evaluate.mjs');
  await build({
    entryPoints: [join(import.meta.dirname, 'program/evaluate.ts')],
    outfile: program,
    bundle: true,
    format: 'esm',
    platform: 'node',
    conditions: ['@sparsevit/source'],
    logLevel: 'error',
  });
});
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.dispose()));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function poolOf(behaviour: string, options: Partial<ProcessPoolOptions> = {}): Promise<ProcessPool> {
  const marker = join(folder, `marker-${markers++}`);
  const pool = await createProcessPool({ program, processes: 1, programArguments: [behaviour, marker], ...options });
  pools.push(pool);
  return pool;
}

const candidate = (id: number, part: Partial<Candidate> = {}): Candidate => ({
  id,
  generation: 0,
  prunedRatios: [[0.1], [0.2]],
  attempt: 1,
  seed: id,
  subsets: [],
  ...part,
});
const { signal } = new AbortController();

/** The whole history of a small search. */
async function historyOf(evaluate: Evaluator, concurrency: number): Promise<unknown> {
  const search = createSearch({
    space: { pairsPerStage: [1, 1, 3, 1], choices: publishedChoices },
    objectives: [{ name: 'accuracy', direction: 'maximize' }],
    preset: 'small',
    seed: 3,
    maxEvaluations: 60,
  });
  const { history } = await runSearch(search, evaluate, { concurrency });
  return history;
}

describe('a search', () => {
  const inProcess: Evaluator = (one) => ({ values: { accuracy: syntheticAccuracy(one) } });

  it.each([1, 4])('has the history of one process with %i', async (processes) => {
    const pool = await poolOf('evaluate', { processes });
    expect(await historyOf(pool.evaluate, pool.processes)).toEqual(await historyOf(inProcess, 1));
  });

  it('has the same history when a process is killed meanwhile', async () => {
    const events: ProcessPoolEvent[] = [];
    const pool = await poolOf('die once', { processes: 3, onEvent: (event) => events.push(event) });
    expect(await historyOf(pool.evaluate, 3)).toEqual(await historyOf(inProcess, 1));
    expect(events.filter(({ type }) => type === 'process-end')).toMatchObject([{ reason: 'signal SIGKILL' }]);
  });

  it('goes on behind a candidate that ends every process', async () => {
    const pool = await poolOf('poison', { processes: 2, lostProcesses: 2 });
    const reason = 'expected an answer, got 2 processes that ended over it (the last: exit code 7)';
    const history = (await historyOf(pool.evaluate, 2)) as { id: number; state: string; reason?: string }[];
    expect(history).toHaveLength(60);
    expect(history.filter(({ state }) => state !== 'complete')).toMatchObject([
      { id: 5, state: 'failed', reason, attempts: 2 },
    ]);
  });
});

describe('an answer', () => {
  it('comes from as many processes as there are', async () => {
    const pool = await poolOf('evaluate', { processes: 3 });
    const outcomes = await Promise.all(Array.from({ length: 12 }, (_, id) => pool.evaluate(candidate(id), { signal })));
    expect(new Set(outcomes.map(({ values }) => values?.processId)).size).toBe(3);
  });

  it('may be that of a candidate that was given up', async () => {
    const pool = await poolOf('subsets');
    const subsets = [{ items: 5 }, { items: 10 }];
    expect(await pool.evaluate(candidate(0, { subsets }), { signal })).toEqual({ partial: [5, 10] });
  });

  it('keeps a number that is none, for the search to judge', async () => {
    const pool = await poolOf('not a number');
    expect(await pool.evaluate(candidate(0), { signal })).toEqual({ values: { accuracy: Number.NaN } });
  });

  it.each([
    ['throw', 'no metric for 2'],
    ['nothing', 'expected an evaluation to give { values } or { partial } of numbers, got undefined'],
    ['text', 'expected an evaluation to give { values } or { partial } of numbers, got { values }'],
    [
      'damaged',
      'expected an answer, got 1 processes that ended over it (the last: expected an evaluation to give { values } or { partial } of numbers, got good)',
    ],
  ])('fails with its reason: %s', async (behaviour, reason) => {
    const pool = await poolOf(behaviour, { lostProcesses: 1 });
    const error = await Promise.resolve(pool.evaluate(candidate(2), { signal })).catch((caught: unknown) => caught);
    expect(SparseViTError.isInstance(error) && error.code).toBe('search');
    expect(error).toHaveProperty('message', reason);
  });

  it('is not confused by other messages and by output', async () => {
    const printed: string[] = [];
    const onEvent = (event: ProcessPoolEvent): void =>
      void (event.type === 'process-output' && printed.push(event.text));
    const pool = await poolOf('other messages');
    expect(await pool.evaluate(candidate(0), { signal })).toEqual({ values: { accuracy: 1 } });
    const noisy = await poolOf('print', { onEvent });
    expect(await noisy.evaluate(candidate(0), { signal })).toEqual({ values: { accuracy: 1 } });
    await noisy.dispose();
    expect(printed.sort()).toEqual(['err\n', 'out\n']);
  });
});

describe('what takes too long', () => {
  it('is ended by an abort at once, and the next candidate is answered', async () => {
    const pool = await poolOf('block');
    const stop = new AbortController();
    const running = pool.evaluate(candidate(0), { signal: stop.signal });
    const queued = pool.evaluate(candidate(1), { signal: stop.signal });
    const other = pool.evaluate(candidate(2), { signal });
    setTimeout(() => stop.abort(new Error('enough')), 50);
    await expect(running).rejects.toThrow('enough');
    await expect(queued).rejects.toThrow('enough');
    expect(await other).toEqual({ values: { accuracy: 1 } });
    await expect(pool.evaluate(candidate(3), { signal: stop.signal })).rejects.toThrow('enough');
  });

  it('fails after evaluationTimeoutMs, without another try', async () => {
    const pool = await poolOf('block', { evaluationTimeoutMs: 100 });
    await expect(pool.evaluate(candidate(0), { signal })).rejects.toThrow('an evaluation took more than 100 ms');
    expect(await pool.evaluate(candidate(1), { signal })).toEqual({ values: { accuracy: 1 } });
  });

  it('is ended by dispose', async () => {
    const pool = await poolOf('block');
    const running = Promise.resolve(pool.evaluate(candidate(0), { signal })).catch(String);
    const queued = Promise.resolve(pool.evaluate(candidate(1), { signal })).catch(String);
    await pool.dispose();
    await pool.dispose();
    expect(await running).toContain('disposed of');
    expect(await queued).toContain('disposed of');
    await expect(pool.evaluate(candidate(2), { signal })).rejects.toThrow('disposed of');
  });
});

describe('a program that does not serve', () => {
  it.each([
    ['exit', /createProcessPool: .*exit code 3\.\nno such model/],
    ['old', /its messages have version 0, those of the pool 1/],
    ['silent', /it did not call serveEvaluations within 500 ms/],
  ])('is refused: %s', async (behaviour, message) => {
    await expect(
      poolOf(behaviour, { processes: 2, startTimeoutMs: 500 + (behaviour === 'silent' ? 0 : 60_000) }),
    ).rejects.toThrow(message);
  });

  it('is refused when there is no such file', async () => {
    await expect(poolOf('evaluate', { program: join(folder, 'none.mjs') })).rejects.toThrow(
      /exit code 1\.\n[\s\S]*none\.mjs/,
    );
  });

  it('fails what waits, after a few replacements', async () => {
    const pool = await poolOf('die in the second start');
    await expect(pool.evaluate(candidate(6), { signal })).rejects.toThrow(
      'expected the program of a pool to call serveEvaluations, got a process that ended before: exit code 4.',
    );
  });
});

describe('wrong use', () => {
  it.each([
    { processes: 0 },
    { processes: 1.5 },
    { lostProcesses: 0 },
    { startTimeoutMs: Number.NaN },
    { evaluationTimeoutMs: -1 },
  ])('is refused: %o', async (options) => {
    await expect(poolOf('evaluate', options)).rejects.toThrow(/createProcessPool: expected \w+ to be a whole number/);
  });

  it('is refused outside a pool', () => {
    const { send } = process;
    Reflect.set(process, 'send', undefined);
    try {
      expect(() => serveEvaluations(() => ({ values: {} }))).toThrow('expected a process that a pool started');
    } finally {
      Reflect.set(process, 'send', send);
    }
  });

  it.each([
    null,
    'evaluate',
    { kind: 'evaluate' },
    { kind: 'evaluate', call: 1, candidate: [] },
    { kind: 'evaluate', call: 1, candidate: { prunedRatios: [] } },
  ])('is no request: %o', (value) => expect(readRequest(value)).toBeNull());
});
