/**
 * A program: what threads run. A list of tasks; all threads meet between two. A task is a list of kernel calls for every chunk of a range
 * (windows, rows or columns); threads take chunks until none is left. Numbers that are known only when it runs come from registers, so that
 * a program is plain data: it is sent to a worker once.
 */

import type { WasmKernels } from '@sparsevit/kernels-wasm/binary';

/** What a call may read while it runs; an argument names them by number. */
export const registers = {
  zero: 0,
  /** Address of the arena. */
  arena: 1,
  /** Address of the thread's scratch. */
  scratch: 2,
  /** The chunk's range and its length. */
  begin: 3,
  end: 4,
  count: 5,
  /** Rows of the chunk's windows that are no pads. */
  rows: 6,
} as const;

/** `base + register + register * scale`: an argument of a call, or an address. */
export interface Argument {
  readonly base: number;
  readonly register: number;
  readonly scaledRegister: number;
  readonly scale: number;
}

/** A kernel call. */
export interface Call {
  readonly kernel: keyof WasmKernels;
  /** Four numbers for each argument: base, register, scaled register, scale. */
  readonly arguments: readonly number[];
  /** Its result is the number of rows of the chunk. */
  readonly setsRows: boolean;
}

/** One task. */
export interface Task {
  readonly name: string;
  readonly calls: readonly Call[];
  /** Length of the range; where it is data, `countAt` says where it lies (from the start of the arena) and this is the most. */
  readonly count: number;
  readonly countAt: number | null;
  /** Length = count * countTimes + countPlus. */
  readonly countTimes: number;
  readonly countPlus: number;
  /** Where the number of rows lies (from the start of the arena), for a task that works on windows gathered before. */
  readonly rowsAt: number | null;
  /** Length of a chunk; 0 for equal shares of `parts` chunks, each a multiple of `multiple`. */
  readonly chunk: number;
  readonly parts: number;
  readonly multiple: number;
  /** Length of the chunks of the last quarter, smaller so that threads finish together; 0 for no such quarter. */
  readonly lastChunk: number;
}

/** Everything that threads run. */
export interface Program {
  readonly tasks: readonly Task[];
}

/** Places of a control block, in int32; the counters of tasks follow. */
export const control = {
  /** Arrivals at meeting points since the run began. */
  arrived: 0,
  /** Meeting points passed. */
  phase: 1,
  /** Not 0: leave. */
  stop: 2,
  /** Threads that are done. */
  done: 3,
  /** The next chunk of each task. */
  counters: 4,
} as const;
