/**
 * The driver's side: an evaluator that puts candidates into a queue and waits for their answers. The queue only carries them. What counts is
 * what the search writes down, and a job is done when its answer is there, however often it was delivered, sent or heard of.
 */

import { setMaxListeners } from 'node:events';
import type { EvaluationJob, EvaluationSubject } from '@sparsevit/config';
import type { Candidate, EvaluationOutcome, Evaluator } from '@sparsevit/search';
import { subjectKey } from '@sparsevit/search/node';
import { ConfigError, SparseViTError } from '@sparsevit/windows';
import { Job, Queue, QueueEvents } from 'bullmq';
import { jobIdOf, jobOf, queueNameOf } from './identity';
import type { JobEnding } from './job-ending';
import { endingOfAnswer, endingOfFailure, endingOfJob } from './job-ending';
import type { Connection, ConnectionEvent, RedisAddress } from './redis';
import { connectRedis } from './redis';
import { announceSubject } from './subjects';

/** What a driver tells. */
export type DriverEvent =
  | ConnectionEvent
  /** The answer was there already: of an earlier run, or of another driver. */
  | { readonly type: 'answer-reused'; readonly candidate: Candidate }
  | {
      readonly type: 'answer-received';
      readonly candidate: Candidate;
      readonly worker: string;
      /** Milliseconds that the worker took. */
      readonly durationMs: number;
    }
  /** A worker went away, or was silent for too long; the job is given to another one. */
  | { readonly type: 'job-stalled'; readonly candidate: Candidate }
  /** Redis had lost the job, which was queued again. */
  | { readonly type: 'job-lost'; readonly candidate: Candidate }
  /** The number of workers that listen is another one. While there are none, everything waits. */
  | { readonly type: 'workers-changed'; readonly workers: number };

/** What `createDistributedEvaluator` takes. */
export interface DistributedEvaluatorOptions {
  readonly redis: RedisAddress;
  /** What is evaluated. */
  readonly subject: EvaluationSubject;
  /** The fingerprint of a device, when candidates are to be measured on it, one at a time; default any worker. */
  readonly device?: string;
  /** What all keys in Redis begin with; default `sparsevit`. */
  readonly prefix?: string;
  /** Milliseconds that answers stay in Redis; default thirty days. */
  readonly keepAnswersMs?: number;
  /** Milliseconds between looks for answers that no event told of; default 5000. */
  readonly checkIntervalMs?: number;
  /** Milliseconds to wait for Redis at first; default 10,000. */
  readonly connectTimeoutMs?: number;
  readonly onEvent?: (event: DriverEvent) => void;
}

/** An evaluator whose work is done by workers, on this or other machines. */
export interface DistributedEvaluator {
  /** Several candidates may wait at a time: give `runSearch` a concurrency of all workers' evaluations together, or a little more. */
  readonly evaluate: Evaluator;
  /** Ends the connection. What still waits fails here; its jobs stay in the queue. */
  dispose(): Promise<void>;
}

interface Waiter {
  resolve(outcome: EvaluationOutcome): void;
  reject(reason: unknown): void;
}

interface OpenJob {
  readonly id: string;
  readonly job: EvaluationJob;
  readonly candidate: Candidate;
  readonly waiters: Set<Waiter>;
  /** True once it is known to be in the queue. */
  isQueued: boolean;
}

const defaultKeepAnswersMs = 30 * 24 * 3600 * 1000;
const defaultCheckIntervalMs = 5000;
const longestTimerMs = 2 ** 31 - 1;
const eventsKept = 100_000;
const mostChecked = 1000;

/**
 * An evaluator over a queue in Redis.
 *
 * Its answers are those of the workers' evaluators, to the last bit, and a search over it is the same as over any other evaluator. An answer
 * that Redis has of an earlier run is taken; an evaluation that failed there is tried anew.
 *
 * @throws BackendError when there is no Redis that can be used
 * @throws ConfigError for options that are not valid
 * @example
 * const distributed = await createDistributedEvaluator({ redis: 'redis://queue:6379', subject });
 * const result = await runSearch(search, distributed.evaluate, { concurrency: 32, journal: fileJournal('search.jsonl') });
 * await distributed.dispose();
 */
export async function createDistributedEvaluator(options: DistributedEvaluatorOptions): Promise<DistributedEvaluator> {
  const { keepAnswersMs = defaultKeepAnswersMs, checkIntervalMs = defaultCheckIntervalMs } = options;
  for (const [name, value, most] of [
    ['keepAnswersMs', keepAnswersMs, Number.MAX_SAFE_INTEGER],
    ['checkIntervalMs', checkIntervalMs, longestTimerMs],
  ] as const) {
    if (!Number.isInteger(value) || value < 1 || value > most) {
      throw new ConfigError(`createDistributedEvaluator: expected ${name} in whole milliseconds, got ${value}.`);
    }
  }
  const key = subjectKey(options.subject);
  const name = queueNameOf(key, options.device);
  const connection = await connectRedis(options.redis, options);
  try {
    return await drive(connection, { ...options, keepAnswersMs, checkIntervalMs, key, name });
  } catch (error) {
    await connection.end(Promise.resolve());
    throw error;
  }
}

interface DriveOptions extends DistributedEvaluatorOptions {
  readonly keepAnswersMs: number;
  readonly checkIntervalMs: number;
  readonly key: string;
  readonly name: string;
}

async function drive(connection: Connection, options: DriveOptions): Promise<DistributedEvaluator> {
  const {
    subject,
    device,
    prefix = 'sparsevit',
    keepAnswersMs,
    checkIntervalMs,
    key,
    name,
    onEvent = () => {},
  } = options;
  const { client, report } = connection;
  await announceSubject(client, prefix, subject);
  const open = new Map<string, OpenJob>();
  let isDisposed = false;
  const [seconds = 0, microseconds = 0] = (await client.time()).map(Number);

  const queue = new Queue(name, { connection: client, prefix, streams: { events: { maxLen: eventsKept } } });
  queue.on('error', report);
  /** Whatever the number of workers, a device does one thing at a time. */
  const limit = async (): Promise<void> => void (device !== undefined && (await queue.setGlobalConcurrency(1)));
  await limit();
  let workers = -1;
  const countWorkers = async (): Promise<void> => {
    const count = await queue.getWorkersCount();
    if (count !== workers && !isDisposed) onEvent({ type: 'workers-changed', workers: count });
    workers = count;
  };
  await countWorkers();

  const events = new QueueEvents(name, {
    connection: client,
    prefix,
    // from just now, so that nothing is missed until it listens
    lastEventId: `${seconds * 1000 + Math.floor(microseconds / 1000) - 1}-0`,
  });
  events.on('error', report);

  const settle = (id: string, ending: JobEnding, isReused = false): void => {
    const found = open.get(id);
    if (found === undefined) return;
    open.delete(id);
    const { candidate, waiters } = found;
    if ('reason' in ending) {
      for (const waiter of waiters) waiter.reject(failure(ending.reason));
      return;
    }
    const { outcome, worker, durationMs } = ending;
    if (isReused) onEvent({ type: 'answer-reused', candidate });
    else onEvent({ type: 'answer-received', candidate, worker, durationMs });
    for (const waiter of waiters) waiter.resolve(outcome);
  };

  events.on('completed', ({ jobId, returnvalue }) => settle(jobId, endingOfAnswer(jobId, returnvalue)));
  events.on('failed', ({ jobId, failedReason }) => settle(jobId, endingOfFailure(failedReason)));
  events.on('stalled', ({ jobId }) => {
    const candidate = open.get(jobId)?.candidate;
    if (candidate !== undefined) onEvent({ type: 'job-stalled', candidate });
  });

  const add = async ({ id, job }: OpenJob): Promise<void> => {
    const age = Math.ceil(keepAnswersMs / 1000);
    await queue.add('evaluation', job, {
      jobId: id,
      attempts: 1, // how often is the search's to say
      removeOnComplete: { age },
      removeOnFail: { age },
      stackTraceLimit: 1,
    });
  };

  /** Puts a job into the queue, unless it is there. */
  const enqueue = async (asked: OpenJob): Promise<void> => {
    const found = await Job.fromId(queue, asked.id);
    const ending = found === undefined ? null : endingOfJob(found);
    if (ending !== null && 'outcome' in ending) return settle(asked.id, ending, true);
    // of an earlier run: whatever was wrong may have been mended
    if (ending !== null) await queue.remove(asked.id);
    if (open.get(asked.id) !== asked) return; // stopped meanwhile
    if (found === undefined || ending !== null) await add(asked);
    asked.isQueued = true;
  };

  /** Looks for answers that no event told of, and for jobs that are gone. */
  const check = async (): Promise<void> => {
    const asked = [...open.values()].filter(({ isQueued }) => isQueued).slice(0, mostChecked);
    for (const one of asked) {
      // the next look begins with others
      open.delete(one.id);
      open.set(one.id, one);
    }
    const found = await Promise.all(asked.map(({ id }) => Job.fromId(queue, id)));
    for (const [i, one] of asked.entries()) {
      if (open.get(one.id) !== one) continue;
      const job = found[i];
      const ending = job === undefined ? null : endingOfJob(job);
      if (ending !== null) settle(one.id, ending);
      else if (job === undefined) {
        onEvent({ type: 'job-lost', candidate: one.candidate });
        await limit();
        await add(one);
      }
    }
  };

  let isChecking = false;
  const checkAll = async (): Promise<void> => {
    if (isChecking || isDisposed || client.status !== 'ready') return;
    isChecking = true;
    try {
      await check();
      await countWorkers();
    } catch (error) {
      report(error);
    }
    isChecking = false;
  };
  const timer = setInterval(checkAll, checkIntervalMs);
  timer.unref();
  client.on('ready', checkAll);

  /** Takes a job that nobody waits for out of the queue, unless a worker has begun with it. */
  const withdrawals = new Set<Promise<unknown>>();
  const withdraw = (id: string): void => {
    const withdrawal = queue
      .getJobState(id)
      .then((state) => (state === 'waiting' ? queue.remove(id) : 0))
      .catch(report)
      .finally(() => withdrawals.delete(withdrawal));
    withdrawals.add(withdrawal);
  };

  return {
    async evaluate(candidate, { signal }) {
      if (isDisposed) throw disposed();
      signal.throwIfAborted();
      const job = jobOf(key, candidate);
      const id = jobIdOf(job);
      let asked = open.get(id);
      const isNew = asked === undefined;
      asked ??= { id, job, candidate, waiters: new Set(), isQueued: false };
      open.set(id, asked);

      const { waiters } = asked;
      let stop = (): void => {};
      const outcome = new Promise<EvaluationOutcome>((resolve, reject) => {
        const waiter: Waiter = { resolve, reject };
        waiters.add(waiter);
        stop = () => {
          reject(signal.reason);
          waiters.delete(waiter);
          if (waiters.size > 0 || open.get(id)?.waiters !== waiters) return;
          open.delete(id);
          withdraw(id);
        };
      });
      setMaxListeners(0, signal); // as many as there are candidates: no leak
      signal.addEventListener('abort', stop, { once: true });
      if (isNew)
        enqueue(asked).catch((error: unknown) => settle(id, { reason: `the queue refused: ${wordsOf(error)}` }));
      return outcome.finally(() => signal.removeEventListener('abort', stop));
    },
    async dispose() {
      if (isDisposed) return;
      isDisposed = true;
      clearInterval(timer);
      client.off('ready', checkAll);
      for (const { waiters } of open.values()) for (const waiter of waiters) waiter.reject(disposed());
      open.clear();
      await connection.end(Promise.all(withdrawals).then(() => Promise.all([events.close(), queue.close()])));
    },
  };
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const failure = (reason: string): SparseViTError => new SparseViTError('search', reason);
const disposed = (): SparseViTError => failure('expected a distributed evaluator, got one that was disposed of.');
