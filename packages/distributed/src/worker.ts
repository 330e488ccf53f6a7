/** The worker's side: takes jobs out of the queue, evaluates them, and answers. */

import { hostname } from 'node:os';
import type { EvaluationAnswer, EvaluationJob, EvaluationSubject } from '@sparsevit/config';
import { parseEvaluationAnswer, parseEvaluationJob } from '@sparsevit/config';
import type { Candidate, Evaluator } from '@sparsevit/search';
import { subjectKey } from '@sparsevit/search/node';
import { ConfigError } from '@sparsevit/windows';
import type { Job } from 'bullmq';
import { Queue, UnrecoverableError, WaitingError, Worker } from 'bullmq';
import { jobIdOf, queueNameOf } from './identity';
import type { Connection, ConnectionEvent, RedisAddress } from './redis';
import { connectRedis } from './redis';

/** What a worker tells. */
export type WorkerEvent =
  | ConnectionEvent
  | { readonly type: 'evaluation-start'; readonly candidate: Candidate }
  /** `reason` is there when it failed. */
  | {
      readonly type: 'evaluation-end';
      readonly candidate: Candidate;
      readonly durationMs: number;
      readonly reason?: string;
    }
  /** A job that is none, or is for other files than this worker has. */
  | { readonly type: 'job-refused'; readonly reason: string }
  /** This worker found that another one, or itself, was silent for too long. */
  | { readonly type: 'job-stalled' };

/** What `createEvaluationWorker` takes. */
export interface EvaluationWorkerOptions {
  readonly redis: RedisAddress;
  /** What this worker evaluates: of the files that it has, not of those that somebody says it has. */
  readonly subject: EvaluationSubject;
  /** Evaluates a candidate. What it throws is a failed evaluation. */
  readonly evaluate: Evaluator;
  /** Evaluations at a time; default 1. */
  readonly concurrency?: number;
  /** The fingerprint of this device, to take what is to be measured on it, one at a time; default whatever any worker can do. */
  readonly device?: string;
  /** What all keys in Redis begin with; default `sparsevit`. */
  readonly prefix?: string;
  /** How drivers' events name it; default host and process. */
  readonly name?: string;
  /**
   * Milliseconds after which a job whose worker is silent is given to another one; default 120,000. It has to be longer than the longest
   * evaluation that keeps this thread busy all the time. With the evaluator of a process pool this thread is never busy.
   */
  readonly lockMs?: number;
  /** A job that so many workers were lost over has failed; default 4. */
  readonly lostWorkers?: number;
  /** Stops the worker: what it has begun is aborted, and goes back to the queue. */
  readonly signal?: AbortSignal;
  /** Milliseconds to wait for Redis at first; default 10,000. */
  readonly connectTimeoutMs?: number;
  readonly onEvent?: (event: WorkerEvent) => void;
}

/** A worker that runs. */
export interface EvaluationWorker {
  readonly name: string;
  /** Takes nothing more, waits for what it has begun unless Redis is away, and ends the connection. */
  dispose(): Promise<void>;
}

const mostConcurrency = 10_000;
const longestReason = 2000;
const mostStalledIntervalMs = 30_000;

/**
 * Starts a worker: it takes jobs until it is disposed of, or its signal aborts. Redis may go away and come back meanwhile.
 *
 * @throws BackendError when there is no Redis that can be used
 * @throws ConfigError for options that are not valid
 * @example
 * const pool = await createProcessPool({ program: new URL('evaluate.mjs', import.meta.url) });
 * const worker = await createEvaluationWorker({
 *   redis: 'redis://queue:6379', subject, evaluate: pool.evaluate, concurrency: pool.processes,
 * });
 * process.once('SIGTERM', () => worker.dispose().then(pool.dispose));
 */
export async function createEvaluationWorker(options: EvaluationWorkerOptions): Promise<EvaluationWorker> {
  const { device, signal } = options;
  const { concurrency = 1, lockMs = 120_000, lostWorkers = 4, name = `${hostname()}-${process.pid}` } = options;
  for (const [field, value, most] of [
    ['concurrency', concurrency, device === undefined ? mostConcurrency : 1],
    ['lockMs', lockMs, 2 ** 31 - 1],
    ['lostWorkers', lostWorkers, 1000],
  ] as const) {
    if (!Number.isInteger(value) || value < 1 || value > most) {
      throw new ConfigError(
        `createEvaluationWorker: expected ${field} to be a whole number from 1 to ${most}, got ${value}.`,
      );
    }
  }
  signal?.throwIfAborted();
  const key = subjectKey(options.subject);
  const queueName = queueNameOf(key, device);
  const connection = await connectRedis(options.redis, options);
  try {
    return await work(connection, { ...options, key, queueName, concurrency, lockMs, lostWorkers, name });
  } catch (error) {
    await connection.end(Promise.resolve());
    throw error;
  }
}

interface WorkOptions extends EvaluationWorkerOptions {
  readonly key: string;
  readonly queueName: string;
  readonly concurrency: number;
  readonly lockMs: number;
  readonly lostWorkers: number;
  readonly name: string;
}

async function work(connection: Connection, options: WorkOptions): Promise<EvaluationWorker> {
  const { evaluate, device, prefix = 'sparsevit', signal, onEvent = () => {} } = options;
  const { key, queueName, concurrency, lockMs, lostWorkers, name } = options;
  const { client, report } = connection;
  if (device !== undefined) {
    // also two workers of one device take turns
    const queue = new Queue(queueName, { connection: client, prefix, skipMetasUpdate: true });
    queue.on('error', report);
    await queue.setGlobalConcurrency(1);
  }

  const stop = new AbortController();

  /** A job as it is meant for this worker. */
  const read = (job: Job): EvaluationJob => {
    try {
      const read = parseEvaluationJob(job.data);
      if (read.subject !== key) {
        throw new ConfigError(
          `expected a job for the files and settings of this worker (${key.slice(0, 12)}), got one for others (${read.subject.slice(0, 12)}). A device is measured for one search at a time.`,
        );
      }
      // an answer under another id would be taken for that of another job
      if (jobIdOf(read) !== job.id)
        throw new ConfigError('expected a job under the hash of its contents, got another id.');
      return read;
    } catch (error) {
      const reason = reasonOf(error);
      onEvent({ type: 'job-refused', reason });
      throw new UnrecoverableError(reason);
    }
  };

  const processJob = async (job: Job, token?: string): Promise<EvaluationAnswer> => {
    const { candidate } = read(job);
    onEvent({ type: 'evaluation-start', candidate });
    const startMs = performance.now();
    try {
      const outcome = await evaluate(candidate, { signal: stop.signal });
      const durationMs = performance.now() - startMs;
      checkFinite(outcome);
      const answer = parseEvaluationAnswer({
        format: 'sparsevit-evaluation-answer',
        version: 1,
        job: job.id,
        worker: name,
        durationMs,
        outcome,
      });
      onEvent({ type: 'evaluation-end', candidate, durationMs });
      return answer;
    } catch (error) {
      if (!stop.signal.aborted) {
        const reason = reasonOf(error);
        onEvent({ type: 'evaluation-end', candidate, durationMs: performance.now() - startMs, reason });
        throw new UnrecoverableError(reason);
      }
    }
    await job.moveToWait(token);
    throw new WaitingError();
  };

  const worker = new Worker(queueName, processJob, {
    connection: client,
    prefix,
    name,
    concurrency,
    lockDuration: lockMs,
    stalledInterval: Math.min(mostStalledIntervalMs, Math.ceil(lockMs / 2)),
    maxStalledCount: lostWorkers - 1,
    runRetryDelay: 1000,
  });
  worker.on('error', report);
  worker.on('stalled', () => onEvent({ type: 'job-stalled' }));

  let disposal: Promise<void> | null = null;
  const dispose = (): Promise<void> => {
    disposal ??= connection.end(worker.close());
    return disposal;
  };
  signal?.addEventListener(
    'abort',
    () => {
      stop.abort(signal.reason);
      void dispose();
    },
    { once: true },
  );
  return { name, dispose };
}

/** Refuses numbers that JSON cannot carry, in the words of the search. */
function checkFinite(outcome: Awaited<ReturnType<Evaluator>>): void {
  const { values, partial } = outcome ?? {};
  if (partial?.some((metric) => !Number.isFinite(metric)) === true) {
    throw new ConfigError(`expected finite values on subsets, got ${partial.join(', ')}`);
  }
  for (const [name, value] of Object.entries(values ?? {})) {
    if (!Number.isFinite(value)) throw new ConfigError(`expected a finite ${name}, got ${String(value)}`);
  }
}

const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).slice(0, longestReason);
