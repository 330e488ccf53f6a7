/**
 * A pool of threads on one shared memory. All threads run the whole program of a plan together and meet between its tasks; the pool only
 * starts them and hears that they are done. A thread that ends is replaced before the next run.
 */

import { BackendError } from '@sparsevit/windows';
import type { Program } from './program';
import { control as places } from './program';
import type { Thread } from './threads';
import { startThread } from './threads';
import type { WorkerReply } from './worker-main';

/** A program that the pool's threads know. */
export interface PooledProgram {
  readonly plan: number;
  readonly program: Program;
  readonly control: Int32Array;
  readonly calls: number;
}

/** One run of a program. */
export interface PoolRun {
  readonly plan: number;
  readonly arena: number;
  readonly scratch: number;
  readonly scratchBytes: number;
  readonly isProfiled: boolean;
}

/** Threads that run programs together, one run at a time. */
export interface Pool {
  readonly threads: number;
  define(program: PooledProgram): void;
  forget(plan: number): void;
  /** Starts threads that are missing. */
  start(): Promise<void>;
  /** Runs on all threads; the calls' milliseconds when they were asked for. Call `start` first. */
  run(run: PoolRun, signal: AbortSignal | undefined): Promise<Float64Array | null>;
  /** The same, and waits; only where a thread may wait. */
  runSync(run: PoolRun): Float64Array | null;
  /** Ends all threads. */
  dispose(): void;
}

interface Slot {
  thread: Thread | null;
  /** Resolves when its kernels are bound to the memory. */
  ready: Promise<void>;
}

interface OpenRun {
  readonly id: number;
  waiting: number;
  isWhole: boolean;
  failure: string | null;
  times: Float64Array | null;
  readonly answered: Set<Slot>;
  finish(): void;
}

/** Without a sign of progress for so long, a run that is waited for has lost a thread. */
const stallMs = 60_000;

/** Makes a pool; its threads are started by the first run. */
export function createPool(options: {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  threads: number;
  workerUrl: string | URL | undefined;
}): Pool {
  const { module, memory, threads, workerUrl } = options;
  const programs = new Map<number, PooledProgram>();
  const slots: Slot[] = [];
  let open: OpenRun | null = null;
  let runs = 0;

  const ended = (slot: Slot, reason: string): void => {
    if (slot.thread === null) return;
    slot.thread = null;
    slots.splice(slots.indexOf(slot), 1);
    if (open === null || open.answered.has(slot)) return;
    open.failure ??= `a thread ended while it ran: ${reason}`;
    for (const { control } of programs.values()) stop(control);
    answer(open, slot, null);
  };

  const answer = (run: OpenRun, slot: Slot, reply: (WorkerReply & { kind: 'done' }) | null): void => {
    run.answered.add(slot);
    run.waiting--;
    run.isWhole &&= reply?.isWhole ?? false;
    if (reply?.error) run.failure ??= `a thread failed: ${reply.error}`;
    const { times } = run;
    for (const [i, ms] of (times && reply?.times)?.entries() ?? []) if (times) times[i] = (times[i] ?? 0) + ms;
    if (run.waiting === 0) run.finish();
  };

  const addSlot = (): void => {
    let isReady: () => void = () => {};
    let isLost: (error: Error) => void = () => {};
    const slot: Slot = {
      thread: null,
      ready: new Promise((resolve, reject) => {
        isReady = resolve;
        isLost = reject;
      }),
    };
    slot.ready.catch(() => {}); // whoever waits for it hears of it
    slot.thread = startThread(
      {
        reply(reply) {
          if (reply.kind === 'ready') isReady();
          else if (open !== null && open.id === reply.run && !open.answered.has(slot)) answer(open, slot, reply);
        },
        ended(reason) {
          isLost(new BackendError(`createEngine: expected a thread to start, got an end: ${reason}.`));
          ended(slot, reason);
        },
      },
      workerUrl,
    );
    slot.thread.post({ kind: 'start', module, memory, threads });
    for (const program of programs.values()) slot.thread.post({ kind: 'define', ...program });
    slots.push(slot);
  };

  /** Posts a run to every thread. */
  const post = (run: PoolRun, id: number): void => {
    const program = programs.get(run.plan);
    if (program === undefined)
      throw new BackendError(`engine: expected a plan in use, got one after dispose(). Compile it again.`);
    program.control.fill(0);
    for (const [i, { thread }] of slots.entries()) {
      const { plan, arena, isProfiled } = run;
      thread?.post({ kind: 'run', plan, run: id, arena, scratch: run.scratch + i * run.scratchBytes, isProfiled });
    }
  };

  const failed = (failure: string): BackendError =>
    new BackendError(
      `engine: expected all threads to finish, got none of it: ${failure}. Run again: lost threads are replaced.`,
    );

  return {
    threads,
    define(program) {
      programs.set(program.plan, program);
      for (const { thread } of slots) thread?.post({ kind: 'define', ...program });
    },
    forget(plan) {
      programs.delete(plan);
      for (const { thread } of slots) thread?.post({ kind: 'forget', plan });
    },
    async start() {
      while (slots.length < threads) addSlot();
      for (const { thread } of slots) thread?.keepAlive(true);
      try {
        await Promise.all(slots.map(({ ready }) => ready));
      } finally {
        for (const { thread } of slots) thread?.keepAlive(false);
      }
    },
    run(run, signal) {
      return new Promise((resolve, reject) => {
        const { control, calls } = programs.get(run.plan) ?? { control: null, calls: 0 };
        const abort = (): void => {
          if (control !== null) stop(control);
        };
        const current: OpenRun = {
          id: ++runs,
          waiting: threads,
          isWhole: true,
          failure: null,
          times: run.isProfiled ? new Float64Array(calls) : null,
          answered: new Set(),
          finish() {
            open = null;
            signal?.removeEventListener('abort', abort);
            for (const { thread } of slots) thread?.keepAlive(false);
            if (current.failure !== null) reject(failed(current.failure));
            else if (!current.isWhole) reject(signal?.reason ?? failed('it was stopped'));
            else resolve(current.times);
          },
        };
        if (slots.length < threads) {
          reject(failed('a thread ended before it'));
          return;
        }
        open = current;
        for (const { thread } of slots) thread?.keepAlive(true);
        try {
          post(run, current.id);
        } catch (error) {
          open = null;
          for (const { thread } of slots) thread?.keepAlive(false);
          reject(error);
          return;
        }
        signal?.addEventListener('abort', abort);
        if (signal?.aborted) abort();
      });
    },
    runSync(run) {
      while (slots.length < threads) addSlot();
      const program = programs.get(run.plan);
      post(run, ++runs);
      if (program === undefined) return null;
      const { control } = program;
      for (let progress = -1, since = Date.now(); Atomics.load(control, places.done) < threads; ) {
        Atomics.wait(control, places.done, Atomics.load(control, places.done), 100);
        const now = control.reduce((sum, count) => sum + count, 0);
        if (now !== progress) [progress, since] = [now, Date.now()];
        else if (Date.now() - since > stallMs) {
          stop(control);
          for (const { thread } of slots.splice(0)) thread?.terminate();
          throw failed(`nothing happened for ${stallMs / 1000} s`);
        }
      }
      if (Atomics.load(control, places.stop) !== 0) throw failed('a thread failed');
      return null;
    },
    dispose() {
      for (const slot of slots.splice(0)) {
        const { thread } = slot;
        slot.thread = null;
        thread?.terminate();
      }
    },
  };
}

/** Lets all threads of a run leave. */
function stop(control: Int32Array): void {
  Atomics.store(control, places.stop, 1);
  Atomics.notify(control, places.phase);
}
