/** Driver and worker in one process, over a real Redis: what is taken again, what is refused, what is stopped. */

import { setTimeout as pause } from 'node:timers/promises';
import type { EvaluationAnswer, EvaluationJob, EvaluationSubject } from '@sparsevit/config';
import type { Candidate, Evaluator } from '@sparsevit/search';
import { measureTop } from '@sparsevit/search';
import { subjectKey } from '@sparsevit/search/node';
import { BackendError, ConfigError, SparseViTError } from '@sparsevit/windows';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { jobIdOf, jobOf, queueNameOf } from '../src/identity';
import type {
  DistributedEvaluator,
  DistributedEvaluatorOptions,
  DriverEvent,
  EvaluationWorker,
  EvaluationWorkerOptions,
  WorkerEvent,
} from '../src/index';
import { announcedSubjects, createDistributedEvaluator, createEvaluationWorker, measureWith } from '../src/index';
import { describeRedis, freePort, type RedisServer, startRedis } from './redis-server';

const { signal } = new AbortController();
let seeds = 0;

/** A candidate that no other test has. */
const candidate = (part: Partial<Candidate> = {}): Candidate => ({
  id: 0,
  generation: 0,
  prunedRatios: [[0.1], [0.2]],
  attempt: 1,
  seed: seeds++,
  subsets: [],
  ...part,
});
const bySeed: Evaluator = ({ seed }) => ({ values: { accuracy: seed } });

describeRedis('over Redis', () => {
  let redis: RedisServer;
  let raw: Redis;
  let subjects = 0;
  const open: { dispose(): Promise<void> }[] = [];

  beforeAll(async () => {
    redis = await startRedis();
    raw = new Redis(redis.url);
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.dispose()));
  });
  afterAll(async () => {
    raw?.disconnect();
    await redis?.dispose();
  });

  /** A subject that no other test has. */
  const newSubject = (): EvaluationSubject => ({
    format: 'sparsevit-evaluation-subject',
    version: 1,
    files: {},
    settings: { test: subjects++ },
  });

  async function driverOf(
    subject: EvaluationSubject,
    options: Partial<DistributedEvaluatorOptions> = {},
  ): Promise<DistributedEvaluator> {
    const driver = await createDistributedEvaluator({ redis: redis.url, subject, ...options });
    open.push(driver);
    return driver;
  }

  async function workerOf(
    subject: EvaluationSubject,
    evaluate: Evaluator,
    options: Partial<EvaluationWorkerOptions> = {},
  ): Promise<EvaluationWorker> {
    const worker = await createEvaluationWorker({ redis: redis.url, subject, evaluate, ...options });
    open.push(worker);
    return worker;
  }

  const failureOf = async (evaluation: unknown): Promise<string> => {
    const error = await Promise.resolve(evaluation).then(
      () => null,
      (caught: unknown) => caught,
    );
    expect(SparseViTError.isInstance(error) && error.code).toBe('search');
    return (error as Error).message;
  };

  it('what is evaluated once is evaluated never again, by any driver', async () => {
    const subject = newSubject();
    let evaluated = 0;
    await workerOf(subject, async (one) => {
      evaluated++;
      await pause(20);
      return bySeed(one, { signal });
    });
    const one = candidate();
    const expected = { values: { accuracy: one.seed } };
    const events: DriverEvent[] = [];
    const [first, second] = await Promise.all([driverOf(subject), driverOf(subject)]);
    const twice = [first, second, first].map((driver) => driver.evaluate(one, { signal }));
    expect(await Promise.all(twice)).toEqual([expected, expected, expected]);
    const third = await driverOf(subject, { onEvent: (event) => events.push(event) });
    // its place in a search does not count
    expect(await third.evaluate({ ...one, id: 7, generation: 3 }, { signal })).toEqual(expected);
    expect(evaluated).toBe(1);
    expect(events).toContainEqual({ type: 'answer-reused', candidate: { ...one, id: 7, generation: 3 } });
    for (const part of [{ attempt: 2 }, { seed: -1 }, { prunedRatios: [[0.1], [0.3]] }, { subsets: [{ items: 4 }] }]) {
      await third.evaluate({ ...one, ...part }, { signal });
    }
    expect(evaluated).toBe(5);
  });

  it('a failure is told with its reason, and tried anew by the next run', async () => {
    const subject = newSubject();
    let isMended = false;
    await workerOf(subject, (one, surroundings) => {
      if (!isMended) throw new Error('out of paper');
      return bySeed(one, surroundings);
    });
    const one = candidate();
    const driver = await driverOf(subject);
    expect(await failureOf(driver.evaluate(one, { signal }))).toBe('out of paper');
    isMended = true;
    expect(await driver.evaluate(one, { signal })).toEqual({ values: { accuracy: one.seed } });
  });

  it.each<[string, unknown, string]>([
    ['a value that is no number', { values: { accuracy: Number.NaN } }, 'expected a finite accuracy, got NaN'],
    [
      'infinite',
      { values: {}, partial: [1, Number.POSITIVE_INFINITY] },
      'expected finite values on subsets, got 1, Infinity',
    ],
    ['nothing', undefined, 'Invalid input'],
    ['text', { values: { accuracy: 'high' } }, 'expected a finite accuracy, got high'],
  ])('an evaluation that gives %s has failed', async (_, outcome, reason) => {
    const subject = newSubject();
    await workerOf(subject, () => outcome as never);
    const driver = await driverOf(subject);
    expect(await failureOf(driver.evaluate(candidate(), { signal }))).toContain(reason);
  });

  it('partial results come back', async () => {
    const subject = newSubject();
    await workerOf(subject, ({ subsets }) => ({ partial: subsets.map(({ items }) => items / 7) }));
    const driver = await driverOf(subject);
    const subsets = [{ items: 5, dropBelow: 0.3 }, { items: 10 }];
    expect(await driver.evaluate(candidate({ subsets }), { signal })).toEqual({ partial: [5 / 7, 10 / 7] });
  });

  it('a job that is none is refused, and the worker goes on', async () => {
    const subject = newSubject();
    const key = subjectKey(subject);
    const seen: number[] = [];
    const events: WorkerEvent[] = [];
    await workerOf(
      subject,
      (one, surroundings) => {
        seen.push(one.seed);
        return bySeed(one, surroundings);
      },
      { onEvent: (event) => events.push(event) },
    );
    const queue = new Queue(queueNameOf(key, undefined), { connection: raw, prefix: 'sparsevit' });
    const good = jobOf(key, candidate());
    const own = good.candidate;
    const hostile: Record<string, unknown> = {
      nothing: null,
      text: 'evaluate',
      list: [],
      'other format': { ...good, format: 'other' },
      'newer version': { ...good, version: 2 },
      'more fields': { ...good, run: 'rm -rf /' },
      'other subject': { ...good, subject: 'b'.repeat(64) },
      'subject that is no hash': { ...good, subject: '../../etc/passwd' },
      'no ratios': { ...good, candidate: { ...own, prunedRatios: [] } },
      'ratio above one': { ...good, candidate: { ...own, prunedRatios: [[1.5]] } },
      'ratio that is text': { ...good, candidate: { ...own, prunedRatios: [['0.1']] } },
      'too many stages': { ...good, candidate: { ...own, prunedRatios: Array.from({ length: 101 }, () => [0.1]) } },
      'seed that is a fraction': { ...good, candidate: { ...own, seed: 0.5 } },
      'attempt zero': { ...good, candidate: { ...own, attempt: 0 } },
      'subset of nothing': { ...good, candidate: { ...own, subsets: [{ items: 0 }] } },
      prototype: JSON.parse('{"__proto__":{"format":"sparsevit-evaluation-job","version":1}}'),
      'right job, other id': good,
    };
    for (const [name, data] of Object.entries(hostile)) {
      await queue.add('evaluation', data, { jobId: `hostile-${name}`, attempts: 5 });
    }
    const driver = await driverOf(subject);
    const last = candidate();
    expect(await driver.evaluate(last, { signal })).toEqual({ values: { accuracy: last.seed } });
    expect(seen).toEqual([last.seed]);
    const failed = await queue.getFailed();
    expect(failed.map(({ id }) => id).sort()).toEqual(
      Object.keys(hostile)
        .map((name) => `hostile-${name}`)
        .sort(),
    );
    expect(events.filter(({ type }) => type === 'job-refused')).toHaveLength(failed.length);
    expect(failed.find(({ id }) => id === 'hostile-other subject')?.failedReason).toContain('got one for others');
    await queue.close();
  });

  it.each<[string, (job: EvaluationJob, id: string) => unknown, string]>([
    ['nothing', () => undefined, 'parseEvaluationAnswer: expected an answer'],
    ['text', () => 'good', 'parseEvaluationAnswer: expected an answer'],
    ['a newer version', (_, id) => ({ ...answer(id), version: 2 }), 'parseEvaluationAnswer: expected an answer'],
    [
      'an outcome that is none',
      (_, id) => ({ ...answer(id), outcome: {} }),
      'parseEvaluationAnswer: expected an answer',
    ],
    ['the answer of another job', () => answer('evaluation-0'), 'got that of evaluation-0'],
  ])('an answer that is none is a failure: %s', async (_, reply, reason) => {
    const subject = newSubject();
    const name = queueNameOf(subjectKey(subject), undefined);
    const rogue = new Worker<EvaluationJob>(name, async ({ data, id = '' }) => reply(data, id), {
      connection: { port: redis.port, maxRetriesPerRequest: null },
      prefix: 'sparsevit',
    });
    rogue.on('error', () => {});
    const driver = await driverOf(subject);
    const one = candidate();
    expect(await failureOf(driver.evaluate(one, { signal }))).toContain(reason);
    await rogue.close();
    // and is not taken for an answer by the next run
    await workerOf(subject, bySeed);
    expect(await driver.evaluate(one, { signal })).toEqual({ values: { accuracy: one.seed } });
  });

  it('an abort takes what waits out of the queue', async () => {
    const subject = newSubject();
    const driver = await driverOf(subject);
    const queue = new Queue(queueNameOf(subjectKey(subject), undefined), { connection: raw, prefix: 'sparsevit' });
    const stop = new AbortController();
    const one = candidate();
    const both = [driver.evaluate(one, { signal: stop.signal }), driver.evaluate(one, { signal })];
    const alone = driver.evaluate(candidate(), { signal: stop.signal });
    while ((await queue.getWaitingCount()) < 2) await pause(5);
    stop.abort(new Error('enough'));
    await expect(both[0]).rejects.toThrow('enough');
    await expect(alone).rejects.toThrow('enough');
    await expect(driver.evaluate(one, { signal: stop.signal })).rejects.toThrow('enough');
    while ((await queue.getWaitingCount()) > 1) await pause(5);
    await workerOf(subject, bySeed);
    expect(await both[1]).toEqual({ values: { accuracy: one.seed } });
    await queue.close();
  });

  it('a worker that is stopped gives back what it has begun', async () => {
    const subject = newSubject();
    const driver = await driverOf(subject);
    const one = candidate();
    const stop = new AbortController();
    let hasBegun = (): void => {};
    const begun = new Promise<void>((resolve) => {
      hasBegun = resolve;
    });
    const stopped = await workerOf(
      subject,
      (_, { signal: own }) =>
        new Promise((_resolve, reject) => {
          own.addEventListener('abort', () => reject(own.reason));
          hasBegun();
        }),
      { signal: stop.signal },
    );
    const found = driver.evaluate(one, { signal });
    await begun;
    stop.abort(new Error('machine wanted elsewhere'));
    await stopped.dispose();
    await workerOf(subject, bySeed);
    expect(await found).toEqual({ values: { accuracy: one.seed } });
  });

  it('a worker that is disposed of ends what it has begun', async () => {
    const subject = newSubject();
    const driver = await driverOf(subject);
    let hasBegun = (): void => {};
    const begun = new Promise<void>((resolve) => {
      hasBegun = resolve;
    });
    const worker = await workerOf(subject, async (one, surroundings) => {
      hasBegun();
      await pause(100);
      return bySeed(one, surroundings);
    });
    const one = candidate();
    const found = driver.evaluate(one, { signal });
    await begun;
    await worker.dispose();
    expect(await found).toEqual({ values: { accuracy: one.seed } });
  });

  it('what waits fails when the driver is disposed of', async () => {
    const driver = await driverOf(newSubject());
    const waiting = failureOf(driver.evaluate(candidate(), { signal }));
    await driver.dispose();
    expect(await waiting).toContain('disposed of');
    expect(await failureOf(driver.evaluate(candidate(), { signal }))).toContain('disposed of');
  });

  it('a worker for other files is never asked', async () => {
    const [own, other] = [newSubject(), newSubject()];
    let asked = 0;
    await workerOf(other, (one, surroundings) => {
      asked++;
      return bySeed(one, surroundings);
    });
    await workerOf(own, bySeed);
    const driver = await driverOf(own);
    const all = Array.from({ length: 20 }, () => candidate());
    await Promise.all(all.map((one) => driver.evaluate(one, { signal })));
    expect(asked).toBe(0);
  });

  it('workers are counted', async () => {
    const subject = newSubject();
    const counts: number[] = [];
    await driverOf(subject, {
      checkIntervalMs: 20,
      onEvent: (event) => event.type === 'workers-changed' && counts.push(event.workers),
    });
    const worker = await workerOf(subject, bySeed);
    while (counts.length < 2) await pause(10);
    await worker.dispose();
    while (counts.length < 3) await pause(10);
    expect(counts).toEqual([0, 1, 0]);
  });

  it('a device does one thing at a time, also with two workers', async () => {
    const subject = newSubject();
    let running = 0;
    let most = 0;
    const measure: Evaluator = async ({ prunedRatios }) => {
      most = Math.max(most, ++running);
      await pause(2);
      running--;
      return { values: { latencyMs: 40 - 10 * (prunedRatios[0]?.[0] ?? 0) } };
    };
    const device = 'EPYC, 2 cores, Node 20';
    await Promise.all([workerOf(subject, measure, { device }), workerOf(subject, measure, { device })]);
    await expect(workerOf(subject, measure, { device, concurrency: 2 })).rejects.toThrow('from 1 to 1, got 2');
    const driver = await driverOf(subject, { device });
    await Promise.all(Array.from({ length: 20 }, () => driver.evaluate(candidate(), { signal })));
    expect(most).toBe(1);

    const other = await driverOf(newSubject(), { device });
    expect(await failureOf(other.evaluate(candidate(), { signal }))).toContain(
      'A device is measured for one search at a time.',
    );
  });

  it('every measurement of a sparsity is one of its own', async () => {
    const subject = newSubject();
    let measurements = 0;
    await workerOf(subject, () => ({ values: { latencyMs: ++measurements } }), { device: 'phone' });
    const driver = await driverOf(subject, { device: 'phone' });
    const evaluations = [0.1, 0.2].map((ratio, id) => ({
      id,
      generation: 0,
      prunedRatios: [[ratio]],
      state: 'complete' as const,
      values: { accuracy: 80 - ratio },
      isFeasible: true,
      violation: 0,
      attempts: 1,
    }));
    const run = (seed: number) =>
      measureTop(evaluations, measureWith(driver.evaluate, { quantity: 'latencyMs', seed }), {
        objective: { name: 'accuracy', direction: 'maximize' },
        budget: { name: 'latencyMs', atMost: 100 },
        rounds: 3,
        seed: 0,
      });
    const { measured } = await run(0);
    expect(measured.flatMap(({ samples }) => samples).sort()).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await run(0)).toMatchObject({ measured }); // of a driver that was started again
    expect(measurements).toBe(6);
    await run(1000);
    expect(measurements).toBe(12);
    const wrong = measureWith(driver.evaluate, { quantity: 'energy', seed: 0 });
    await expect(wrong([[0.1]], { signal: undefined })).rejects.toThrow('expected an evaluation with energy, got none');
  });

  it('subjects are announced, and what does not fit is left out', async () => {
    const subject = newSubject();
    await driverOf(subject, { prefix: 'announced' });
    await raw.hset('announced:subjects', {
      [subjectKey(newSubject())]: JSON.stringify({ announcedMs: 1, subject }),
      short: 'not JSON',
      deep: '['.repeat(10_000) + ']'.repeat(10_000),
      nobody: 'null',
    });
    const [one, ...others] = await announcedSubjects(redis.url, { prefix: 'announced' });
    expect(one).toMatchObject({ key: subjectKey(subject), subject });
    expect(Math.abs((one?.announcedMs ?? 0) - Date.now())).toBeLessThan(60_000);
    expect(others).toEqual([]);
    expect(await announcedSubjects(redis.url, { prefix: 'nowhere' })).toEqual([]);
  });

  it('an answer that no event told of is found', async () => {
    const subject = newSubject();
    const key = subjectKey(subject);
    const name = queueNameOf(key, undefined);
    const driver = await driverOf(subject, { checkIntervalMs: 50 });
    // no event tells of this answer: it is found by looking
    const queue = new Queue(name, { connection: raw, prefix: 'sparsevit' });
    const one = candidate();
    const found = driver.evaluate(one, { signal });
    const id = jobIdOf(jobOf(key, one));
    while ((await queue.getJobState(id)) !== 'waiting') await pause(5);
    const fields = { finishedOn: Date.now(), returnvalue: JSON.stringify(answer(id)) };
    await raw.hset(`sparsevit:${name}:${id}`, fields);
    expect(await found).toEqual({ values: { accuracy: 1 } });
    await queue.close();
  });

  it('dispose does not wait for a Redis that is away', async () => {
    const away = await startRedis();
    open.push(away);
    const subject = newSubject();
    const events: string[] = [];
    const onEvent = ({ type }: { readonly type: string }): void => void events.push(type);
    const driver = await driverOf(subject, { redis: away.url, onEvent });
    const worker = await workerOf(subject, bySeed, { redis: away.url });
    await driver.evaluate(candidate(), { signal });
    await away.kill();
    while (!events.includes('connection-lost')) await pause(5);
    const stop = new AbortController();
    const waiting = driver.evaluate(candidate(), { signal: stop.signal });
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await Promise.all([driver.dispose(), worker.dispose()]);
    expect(events.filter((type) => type === 'error')).toEqual([]);
  });

  it.each([
    ['no address', 'queue', ConfigError, 'expected an address such as redis://host:6379'],
    ['another protocol', 'http://127.0.0.1', ConfigError, 'expected an address such as redis://host:6379'],
  ])('%s is refused', async (_, address, kind, message) => {
    const refused = driverOf(newSubject(), { redis: address });
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toBeInstanceOf(kind);
  });

  it('a Redis that is not there, or evicts data, is refused', async () => {
    const port = await freePort();
    const absent = driverOf(newSubject(), { redis: `redis://me:secret@127.0.0.1:${port}`, connectTimeoutMs: 200 });
    await expect(absent).rejects.toThrow(`expected a Redis at 127.0.0.1:${port}, got none within 200 ms`);
    await expect(absent).rejects.not.toThrow('secret');
    await expect(absent).rejects.toBeInstanceOf(BackendError);
    await raw.config('SET', 'maxmemory-policy', 'allkeys-lru');
    try {
      await expect(driverOf(newSubject())).rejects.toThrow(
        'got the policy allkeys-lru. Set maxmemory-policy noeviction.',
      );
    } finally {
      await raw.config('SET', 'maxmemory-policy', 'noeviction');
    }
  });

  it.each<[string, Partial<DistributedEvaluatorOptions & EvaluationWorkerOptions>]>([
    ['concurrency', { concurrency: 0 }],
    ['lockMs', { lockMs: -1 }],
    ['lostWorkers', { lostWorkers: 0.5 }],
    ['device', { device: '' }],
  ])('a worker refuses a wrong %s', async (name, options) => {
    await expect(workerOf(newSubject(), bySeed, options)).rejects.toThrow(name);
  });

  it.each<[string, Partial<DistributedEvaluatorOptions>]>([
    ['keepAnswersMs', { keepAnswersMs: 0 }],
    ['checkIntervalMs', { checkIntervalMs: Number.NaN }],
    ['device', { device: '' }],
    ['parseEvaluationSubject', { subject: { ...newSubject(), version: 2 } as never }],
  ])('a driver refuses a wrong %s', async (name, options) => {
    await expect(driverOf(newSubject(), options)).rejects.toThrow(name);
  });
});

const answer = (job: string): EvaluationAnswer => ({
  format: 'sparsevit-evaluation-answer',
  version: 1,
  job,
  worker: 'rogue',
  durationMs: 1,
  outcome: { values: { accuracy: 1 } },
});
