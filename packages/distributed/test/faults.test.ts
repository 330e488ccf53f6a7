/** Workers, the driver and Redis are killed in the middle of a search: the result is that of one process, nothing is lost or counted twice. */

import type { ChildProcess } from 'node:child_process';
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Evaluation, Evaluator } from '@sparsevit/search';
import { memoryJournal, parseJournal, runSearch } from '@sparsevit/search';
import { build } from 'esbuild';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { DistributedEvaluatorOptions, DriverEvent } from '../src/index';
import { createDistributedEvaluator } from '../src/index';
import { accuracyOf, evaluations, subject, syntheticSearch } from './program/synthetic';
import type { RedisServer } from './redis-server';
import { describeRedis, startRedis } from './redis-server';

const inProcess: Evaluator = (candidate) => ({ values: { accuracy: accuracyOf(candidate) } });

describeRedis('a search over Redis has the history of one process', () => {
  let redis: RedisServer;
  let folder = '';
  let log = '';
  let expected: readonly Evaluation[] = [];
  const workers = new Set<ChildProcess>();
  const programOf = (name: string): string => join(folder, `${name}.mjs`);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sparsevit-distributed-'));
    await build({
      entryPoints: ['driver', 'worker'].map((name) => join(import.meta.dirname, `program/${name}.ts`)),
      outdir: folder,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      format: 'esm',
      platform: 'node',
      conditions: ['@sparsevit/source'],
      mainFields: ['module', 'main'],
      // ioredis asks for Node's own modules at run time
      banner: {
        js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
      },
      logLevel: 'error',
    });
    redis = await startRedis();
    expected = (await runSearch(syntheticSearch(), inProcess)).history;
  });
  beforeEach(async ({ task }) => {
    log = join(folder, `${task.id}.log`);
    const client = new Redis(redis.url);
    await client.flushall();
    client.disconnect();
  });
  afterEach(async () => {
    const ends = [...workers].map((child) => once(child, 'exit'));
    for (const child of workers) child.kill('SIGKILL');
    workers.clear();
    await Promise.all(ends);
  });
  afterAll(async () => {
    await redis?.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Workers in processes of their own; one that ends is replaced if `isKept`. */
  async function startWorkers(
    count: number,
    behaviour = '',
    { lockMs = 1000, isKept = false, device = '' } = {},
  ): Promise<void> {
    const start = async (): Promise<void> => {
      const child = fork(programOf('worker'), [redis.url, log, behaviour, `${lockMs}`, device], { stdio: 'ignore' });
      workers.add(child);
      child.on('exit', () => {
        // one that is replaced while the test ends is killed before it serves
        if (workers.delete(child) && isKept) start().catch(() => {});
      });
      const ended = once(child, 'exit').then(() => Promise.reject(new Error('expected a worker, got one that ended')));
      await Promise.race([once(child, 'message'), ended]);
    };
    await Promise.all(Array.from({ length: count }, start));
  }

  /** Ids in the order in which evaluations of them began. */
  const begun = (): number[] => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').map(Number) : []);

  async function until(isDone: () => boolean): Promise<void> {
    for (let waited = 0; !isDone(); waited++) {
      if (waited > 3000) throw new Error('expected something to happen within thirty seconds');
      await pause(10);
    }
  }

  /** Runs the search with a driver in this process, and checks that each result is in its journal once. */
  async function search(
    onEvent: (event: DriverEvent) => void = () => {},
    options: Partial<DistributedEvaluatorOptions> = {},
  ): Promise<readonly Evaluation[]> {
    const distributed = await createDistributedEvaluator({
      redis: redis.url,
      subject,
      checkIntervalMs: 200,
      onEvent,
      ...options,
    });
    const journal = memoryJournal();
    try {
      const { history } = await runSearch(syntheticSearch(), distributed.evaluate, { concurrency: 8, journal });
      expectOnce(await journal.read());
      return history;
    } finally {
      await distributed.dispose();
    }
  }

  function expectOnce(journal: string): void {
    const records = parseJournal(journal)?.records ?? [];
    const told = records.flatMap((record) => (record.type === 'result' ? [record.id] : []));
    expect(told.sort((a, b) => a - b)).toEqual(Array.from({ length: evaluations }, (_, id) => id));
  }

  it('with four workers', async () => {
    await startWorkers(4);
    expect(await search()).toEqual(expected);
    expect(begun()).toHaveLength(evaluations);
  });

  it('with one of four workers killed in the middle of a job', async () => {
    await startWorkers(4, 'die once');
    const events: string[] = [];
    expect(await search(({ type }) => events.push(type))).toEqual(expected);
    expect(events).toContain('job-stalled');
    expect(begun()).toHaveLength(evaluations + 1);
    expect(workers.size).toBe(3);
  });

  it('with one of two workers of a device killed in the middle of a job', async () => {
    await startWorkers(2, 'die once', { lockMs: 400, device: 'phone' });
    expect(await search(() => {}, { device: 'phone' })).toEqual(expected);
    expect(begun()).toHaveLength(evaluations + 1);
  });

  it('with the driver killed twice, and resumed from its journal', async () => {
    await startWorkers(2);
    const journal = join(folder, 'driver.jsonl');
    const size = (): number => (existsSync(journal) ? readFileSync(journal, 'utf8').split('\n').length : 0);
    for (const lines of [15, 40]) {
      const driver = spawn(process.execPath, [programOf('driver'), redis.url, journal], { stdio: 'ignore' });
      const end = once(driver, 'exit');
      await until(() => size() > lines);
      driver.kill('SIGKILL');
      await end;
    }
    const driver = spawn(process.execPath, [programOf('driver'), redis.url, journal], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const printed: string[] = [];
    driver.stdout.setEncoding('utf8').on('data', (text: string) => printed.push(text));
    await once(driver, 'close');
    expect(JSON.parse(printed.join(''))).toEqual(JSON.parse(JSON.stringify(expected)));
    expectOnce(readFileSync(journal, 'utf8'));
    // what was under way when the driver was killed is not evaluated again
    expect(begun()).toHaveLength(evaluations);
  });

  it('with Redis killed and started again', async () => {
    await startWorkers(2);
    const events: string[] = [];
    const found = search(({ type }) => events.push(type));
    await until(() => begun().length > 20);
    await redis.kill();
    await pause(300);
    await redis.start();
    expect(await found).toEqual(expected);
    expect(events).toContain('connection-lost');
    expect(events).toContain('connection-restored');
  });

  it('with a Redis that loses everything', async () => {
    await startWorkers(2);
    const lost: string[] = [];
    const found = search(({ type }) => type === 'job-lost' && lost.push(type));
    await until(() => begun().length > 4);
    const client = new Redis(redis.url);
    await client.flushall();
    client.disconnect();
    expect(await found).toEqual(expected);
    expect(lost.length).toBeGreaterThan(0);
  });

  it('with a job that two workers finish', async () => {
    await startWorkers(2, 'block once', { lockMs: 400 });
    const answers: number[] = [];
    const history = await search((event) => {
      if (event.type === 'answer-received') answers.push(event.candidate.id);
    });
    expect(history).toEqual(expected);
    expect(answers).toHaveLength(evaluations);
    await until(() => begun().length === evaluations + 1);
  });

  it('but for a candidate that ends every worker', async () => {
    await startWorkers(2, 'poison', { lockMs: 400, isKept: true });
    const reason = 'expected an answer, got workers that ended, or were silent for too long, over it';
    const poisoned: Evaluator = (candidate, surroundings) => {
      if (candidate.id === 13) throw new Error(reason);
      return inProcess(candidate, surroundings);
    };
    expect(await search()).toEqual((await runSearch(syntheticSearch(), poisoned)).history);
    expect(begun().filter((id) => id === 13)).toHaveLength(2);
  });
});
