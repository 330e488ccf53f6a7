/** Evaluation in several processes of this machine, each with a model of its own. */

import { setMaxListeners } from 'node:events';
import { availableParallelism } from 'node:os';
import { ConfigError, SparseViTError } from '@sparsevit/windows';
import type { Candidate } from '../candidate';
import type { EvaluationOutcome, Evaluator } from '../run';
import type { EvaluationProcess } from './evaluation-process';
import { startProcess } from './evaluation-process';

/** What a pool tells. */
export type ProcessPoolEvent =
  | { readonly type: 'process-start'; readonly processId: number | undefined }
  | { readonly type: 'process-end'; readonly processId: number | undefined; readonly reason: string }
  /** What a process printed. */
  | { readonly type: 'process-output'; readonly processId: number | undefined; readonly text: string };

/** What `createProcessPool` takes. */
export interface ProcessPoolOptions {
  /** The file that each process runs; it loads its model and calls `serveEvaluations`. */
  readonly program: string | URL;
  /** Default: the cores that this process may use. */
  readonly processes?: number;
  readonly programArguments?: readonly string[];
  /** Arguments of Node; default those of this process. */
  readonly nodeArguments?: readonly string[];
  /** Environment variables; default those of this process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** A candidate that so many processes ended over has failed; default 3. */
  readonly lostProcesses?: number;
  /** Milliseconds that a process may take until it serves; default ten minutes. */
  readonly startTimeoutMs?: number;
  /** Milliseconds that an evaluation may take before its process is ended and the attempt counts as failed; default no limit. */
  readonly evaluationTimeoutMs?: number;
  readonly onEvent?: (event: ProcessPoolEvent) => void;
}

/** Processes that evaluate. */
export interface ProcessPool {
  /** How many there are: the concurrency that keeps all of them busy. */
  readonly processes: number;
  /** Gives a candidate to a process that is free, as soon as one is. Aborting ends the process that works on it. */
  readonly evaluate: Evaluator;
  /** Ends all processes. What was not yet answered fails. */
  dispose(): Promise<void>;
}

interface Call {
  readonly candidate: Candidate;
  /** That works on it. */
  child: EvaluationProcess | null;
  /** Processes that it lost. */
  lost: number;
  isSettled: boolean;
  resolve(outcome: EvaluationOutcome): void;
  reject(reason: unknown): void;
}

const mostProcesses = 1024;
/** Replacements in a row that end before they serve, after which nothing more is expected of the next one. */
const mostFailedStarts = 3;
const defaultStartTimeoutMs = 600_000;
const longestTimeoutMs = 2 ** 31 - 1;

/**
 * Starts processes that evaluate candidates, and waits until all of them have loaded what they need.
 *
 * A process that ends is replaced, and its candidate is given to another one: that is no attempt of the search. A candidate that several
 * processes end with has failed. A process that is idle does not keep this one alive.
 *
 * @throws SparseViTError with code `search` when a process ends before it serves; what it printed is in the message
 * @throws ConfigError for counts that are none
 * @example
 * const pool = await createProcessPool({ program: new URL('evaluate.mjs', import.meta.url), programArguments: ['adapted.safetensors'] });
 * const result = await runSearch(search, pool.evaluate, { concurrency: pool.processes });
 * await pool.dispose();
 */
export async function createProcessPool(options: ProcessPoolOptions): Promise<ProcessPool> {
  const { program, processes = availableParallelism(), programArguments = [], lostProcesses = 3 } = options;
  const { startTimeoutMs = defaultStartTimeoutMs, evaluationTimeoutMs = null, onEvent = () => {} } = options;
  for (const [name, value, most] of [
    ['processes', processes, mostProcesses],
    ['lostProcesses', lostProcesses, mostProcesses],
    ['startTimeoutMs', startTimeoutMs, longestTimeoutMs],
    ['evaluationTimeoutMs', evaluationTimeoutMs ?? 1, longestTimeoutMs],
  ] as const) {
    if (!Number.isInteger(value) || value < 1 || value > most) {
      throw new ConfigError(
        `createProcessPool: expected ${name} to be a whole number from 1 to ${most}, got ${value}.`,
      );
    }
  }

  const all = new Set<EvaluationProcess>();
  const idle: EvaluationProcess[] = [];
  const waiting: Call[] = [];
  let starting = 0;
  let failedStarts = 0;
  let isDisposed = false;

  /** Starts a process; null, or why it ended before it served. */
  const start = async (): Promise<string | null> => {
    starting++;
    const child = startProcess({
      program,
      programArguments,
      nodeArguments: options.nodeArguments,
      environment: options.environment,
      startTimeoutMs,
      onOutput: (processId, text) => onEvent({ type: 'process-output', processId, text }),
    });
    const { processId } = child;
    all.add(child);
    void child.ended.then((reason) => {
      all.delete(child);
      const place = idle.indexOf(child);
      if (place >= 0) idle.splice(place, 1);
      onEvent({ type: 'process-end', processId, reason });
    });
    const refusal = await child.started;
    starting--;
    if (refusal !== null) {
      const printed = child.lastOutput().trim();
      return `expected the program of a pool to call serveEvaluations, got a process that ended before: ${refusal}.${printed === '' ? '' : `\n${printed}`}`;
    }
    onEvent({ type: 'process-start', processId });
    failedStarts = 0;
    release(child);
    return null;
  };

  const release = (child: EvaluationProcess): void => {
    child.keepAlive(false);
    idle.push(child);
  };

  /** Gives what waits to what is idle, and starts what is missing. */
  const dispatch = (): void => {
    while (waiting.length > 0 && idle.length > 0) {
      const [call, child] = [waiting.shift(), idle.shift()];
      if (call !== undefined && child !== undefined) void run(call, child);
    }
    while (!isDisposed && starting < waiting.length && all.size < processes) {
      void start().then((refusal) => {
        if (refusal !== null && ++failedStarts >= mostFailedStarts) {
          failedStarts = 0;
          for (const call of waiting.splice(0)) call.reject(failure(refusal));
        }
        dispatch();
      });
    }
  };

  const run = async (call: Call, child: EvaluationProcess): Promise<void> => {
    call.child = child;
    child.keepAlive(true);
    let isLate = false;
    const expire = (): void => {
      isLate = true;
      child.kill(`an evaluation took more than ${evaluationTimeoutMs} ms`);
    };
    const timer = evaluationTimeoutMs === null ? undefined : setTimeout(expire, evaluationTimeoutMs);
    const answer = await child.evaluate(call.candidate);
    clearTimeout(timer);
    call.child = null;

    if (answer.kind !== 'ended') release(child);
    if (answer.kind === 'outcome') call.resolve(answer.outcome);
    else if (answer.kind === 'failed' || isLate) call.reject(failure(answer.reason));
    else if (isDisposed) call.reject(disposed());
    else if (++call.lost >= lostProcesses) {
      call.reject(
        failure(`expected an answer, got ${call.lost} processes that ended over it (the last: ${answer.reason})`),
      );
    } else if (!call.isSettled) waiting.unshift(call);
    dispatch();
  };

  const dispose = async (): Promise<void> => {
    isDisposed = true;
    for (const call of waiting.splice(0)) call.reject(disposed());
    const ends = [...all].map((child) => child.ended);
    for (const child of all) {
      child.keepAlive(true);
      child.kill('the pool was disposed of');
    }
    await Promise.all(ends);
  };

  const refusals = await Promise.all(Array.from({ length: processes }, start));
  const refusal = refusals.find((one) => one !== null);
  if (refusal !== undefined && refusal !== null) {
    await dispose();
    throw failure(`createProcessPool: ${refusal}`);
  }

  return {
    processes,
    async evaluate(candidate, { signal }) {
      if (isDisposed) throw disposed();
      signal.throwIfAborted();
      const { promise, call } = createCall(candidate);
      const stop = (): void => {
        call.reject(signal.reason);
        call.child?.kill('its evaluation was stopped');
        const place = waiting.indexOf(call);
        if (place >= 0) waiting.splice(place, 1);
      };
      setMaxListeners(0, signal); // as many as there are candidates: no leak
      signal.addEventListener('abort', stop, { once: true });
      waiting.push(call);
      dispatch();
      return promise.finally(() => signal.removeEventListener('abort', stop));
    },
    dispose,
  };
}

function createCall(candidate: Candidate): { readonly promise: Promise<EvaluationOutcome>; readonly call: Call } {
  const call: Call = { candidate, child: null, lost: 0, isSettled: false, resolve() {}, reject() {} };
  const promise = new Promise<EvaluationOutcome>((resolve, reject) => {
    call.resolve = resolve;
    call.reject = (reason) => {
      call.isSettled = true;
      reject(reason);
    };
  });
  return { promise, call };
}

const failure = (reason: string): SparseViTError => new SparseViTError('search', reason);
const disposed = (): SparseViTError => failure('expected a pool, got one that was disposed of.');
