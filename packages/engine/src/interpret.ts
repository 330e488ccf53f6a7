/**
 * Runs a program on one thread. The function stands alone, without imports that exist at run time: its source is also what a worker is
 * started with.
 */

import type { WasmKernels } from '@sparsevit/kernels-wasm/binary';
import type { Program } from './program';

/** What a thread is given for a run. */
export interface ThreadInput {
  readonly kernels: WasmKernels;
  readonly program: Program;
  /** Shared by the threads of a run (see `control` in program.ts). */
  readonly control: Int32Array;
  readonly threads: number;
  /** Addresses of the arena and of this thread's scratch. */
  readonly arena: number;
  readonly scratch: number;
  /** Adds up the milliseconds of each call, task after task; null when nobody asks. */
  readonly times: Float64Array | null;
}

/**
 * Runs the program and yields after every call, so that a thread with other duties can see to them. Returns false when it was stopped.
 */
export function* interpret(input: ThreadInput): Generator<undefined, boolean> {
  const { kernels, program, control, threads, arena, scratch, times } = input;
  // places of the control block and registers, as in program.ts
  const [arrived, phase, stop, counters] = [0, 1, 2, 4];
  const values = [0, arena, scratch, 0, 0, 0, 0];
  const functions = kernels as unknown as Record<string, (...given: number[]) => number | undefined>;
  const isStopped = (): boolean => Atomics.load(control, stop) !== 0;
  let meetings = 0;
  let firstCall = 0;
  for (let t = 0; t < program.tasks.length; t++) {
    const task = program.tasks[t];
    if (task === undefined) break;
    const units = task.countAt === null ? task.count : kernels.loadInteger(arena + task.countAt);
    const count = units * task.countTimes + task.countPlus;
    if (task.rowsAt !== null) values[6] = kernels.loadInteger(arena + task.rowsAt);
    const share = Math.ceil(Math.ceil(count / task.parts) / task.multiple) * task.multiple;
    const chunk = Math.max(1, task.chunk > 0 ? task.chunk : share);
    const whole = task.lastChunk > 0 ? Math.floor((count * 3) / 4 / chunk) : Number.POSITIVE_INFINITY;
    for (;;) {
      const turn = Atomics.add(control, counters + t, 1);
      const isLate = turn >= whole;
      const begin = isLate ? whole * chunk + (turn - whole) * task.lastChunk : turn * chunk;
      if (begin >= count) break;
      const end = Math.min(count, begin + (isLate ? task.lastChunk : chunk));
      values[3] = begin;
      values[4] = end;
      values[5] = end - begin;
      for (let c = 0; c < task.calls.length; c++) {
        if (isStopped()) return false;
        const call = task.calls[c];
        if (call === undefined) break;
        const coded = call.arguments;
        const given: number[] = [];
        for (let i = 0; i < coded.length; i += 4) {
          const added = values[coded[i + 1] ?? 0] ?? 0;
          const scaled = (values[coded[i + 2] ?? 0] ?? 0) * (coded[i + 3] ?? 0);
          given.push((coded[i] ?? 0) + added + scaled);
        }
        const start = times === null ? 0 : performance.now();
        const run = functions[call.kernel];
        if (run === undefined) throw new Error(`no kernel ${call.kernel}`);
        const result = run(...given);
        if (times !== null) times[firstCall + c] = (times[firstCall + c] ?? 0) + performance.now() - start;
        if (call.setsRows) values[6] = result ?? 0;
        yield;
      }
    }
    firstCall += task.calls.length;
    if (threads === 1 || t + 1 === program.tasks.length) continue;
    // all threads meet: the last to come lets the others go
    meetings++;
    if (Atomics.add(control, arrived, 1) + 1 === meetings * threads) {
      Atomics.store(control, phase, meetings);
      Atomics.notify(control, phase);
      continue;
    }
    for (let spins = 0; Atomics.load(control, phase) < meetings; spins++) {
      if (isStopped()) return false;
      // The others are a chunk away at most: a short look is cheaper than to sleep. The time limit is for a stop that comes in between.
      if (spins > 5_000) Atomics.wait(control, phase, meetings - 1, 10);
    }
  }
  return !isStopped();
}
