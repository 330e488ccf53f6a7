/** Tasks while a plan is traced: as in a program, but with buffers instead of addresses. */

import type { WasmKernels } from '@sparsevit/kernels-wasm/binary';
import { assignOffsets } from './arena';
import { alignedBytes } from './memory';
import type { Argument, Task } from './program';
import { registers } from './program';
import type { Buffer, Local } from './value';

/** An argument of a call: a number, or the address of something and what is added to it. */
export type Operand = number | Address | RegisterOperand;

/** `place + plus + register * scale`. */
export interface Address {
  readonly place: Buffer | Local;
  readonly plus?: number;
  readonly register?: number;
  readonly scale?: number;
}

/** `plus + register * times`; or the thread's scratch for kernels. */
export interface RegisterOperand {
  readonly register: number;
  readonly plus?: number;
  readonly times?: number;
}

/** A kernel call while a plan is traced. */
export interface PendingCall {
  readonly kernel: keyof WasmKernels;
  readonly operands: readonly Operand[];
  readonly setsRows?: boolean;
  /** Scratch that the kernel needs. */
  readonly scratchBytes?: number;
  /** Multiply-accumulates of the whole task, at most. */
  readonly macs?: number;
}

/** A task while a plan is traced. */
export interface PendingTask {
  readonly name: string;
  readonly calls: readonly PendingCall[];
  /** Length of the range, at most. */
  readonly count: number;
  /** Where the range's length is data. */
  readonly countFrom?: Buffer | undefined;
  readonly countTimes?: number;
  readonly countPlus?: number;
  /** Where the number of rows lies, for tasks on windows gathered before. */
  readonly rowsFrom?: Buffer | undefined;
  /** Length of a chunk; or equal shares. */
  readonly chunk?: number;
  readonly parts?: number;
  readonly multiple?: number;
  /** Length of the chunks of the last quarter. */
  readonly lastChunk?: number;
  /** Rows and windows that a chunk has at most, for the size of its locals. */
  readonly chunkRows?: number;
  readonly chunkWindows?: number;
  /** Buffers that it touches beside those in its calls. */
  readonly touches?: readonly Buffer[];
}

/** The kernels' scratch of a thread lies at the beginning of its scratch. */
export const kernelScratch: RegisterOperand = { register: registers.scratch };

/** The address of a place. */
export const at = (place: Buffer | Local, more: Omit<Address, 'place'> = {}): Address => ({ place, ...more });

const isAddress = (operand: Operand): operand is Address => typeof operand === 'object' && 'place' in operand;

/** The buffers that a task reads or writes. */
export function buffersOf({ calls, countFrom, rowsFrom, touches = [] }: PendingTask): Buffer[] {
  const places = calls.flatMap(({ operands }) =>
    operands.flatMap((operand) => (isAddress(operand) ? [operand.place] : [])),
  );
  const inCalls = places.filter((place): place is Buffer => place.kind === 'buffer');
  return [...inCalls, ...touches, ...(countFrom ? [countFrom] : []), ...(rowsFrom ? [rowsFrom] : [])];
}

/** The task with addresses, and the scratch that a thread needs for it. Buffers must have their offsets. */
export function linkTask(task: PendingTask): { task: Task; scratchBytes: number } {
  const kernelBytes = alignedBytes(Math.max(0, ...task.calls.map(({ scratchBytes }) => scratchBytes ?? 0)));
  const locals = localOffsets(task, kernelBytes);
  const linked: Task = {
    name: task.name,
    calls: task.calls.map(({ kernel, operands, setsRows }) => ({
      kernel,
      arguments: operands.flatMap((operand) => {
        const { base, register, scaledRegister, scale } = link(operand, locals.offsets);
        return [base, register, scaledRegister, scale];
      }),
      setsRows: setsRows ?? false,
    })),
    count: task.count,
    countAt: task.countFrom === undefined ? null : task.countFrom.offset,
    countTimes: task.countTimes ?? 1,
    countPlus: task.countPlus ?? 0,
    rowsAt: task.rowsFrom === undefined ? null : task.rowsFrom.offset,
    chunk: task.chunk ?? 0,
    parts: task.parts ?? 1,
    multiple: task.multiple ?? 1,
    lastChunk: task.lastChunk ?? 0,
  };
  return { task: linked, scratchBytes: locals.bytes };
}

function link(operand: Operand, locals: ReadonlyMap<Local, number>): Argument {
  if (typeof operand === 'number') return { base: operand, register: 0, scaledRegister: 0, scale: 0 };
  if (!isAddress(operand)) {
    return { base: operand.plus ?? 0, register: 0, scaledRegister: operand.register, scale: operand.times ?? 1 };
  }
  const { place, plus = 0, register = 0, scale = 0 } = operand;
  return place.kind === 'buffer'
    ? { base: place.offset + plus, register: registers.arena, scaledRegister: register, scale }
    : { base: (locals.get(place) ?? 0) + plus, register: registers.scratch, scaledRegister: register, scale };
}

/** Places in the scratch of a thread, behind the kernels' own; two locals share one when no call needs both. */
function localOffsets(task: PendingTask, behind: number): { offsets: Map<Local, number>; bytes: number } {
  const lives = new Map<Local, { bytes: number; first: number; last: number }>();
  for (const [i, { operands }] of task.calls.entries()) {
    for (const operand of operands) {
      if (!isAddress(operand) || operand.place.kind !== 'local') continue;
      const { place } = operand;
      const life = lives.get(place);
      if (life !== undefined) life.last = i;
      else lives.set(place, { bytes: localBytes(place, task), first: i, last: i });
    }
  }
  const { offsets, bytes } = assignOffsets([...lives.values()]);
  const found = new Map([...lives.keys()].map((local, i) => [local, behind + (offsets[i] ?? 0)]));
  return { offsets: found, bytes: behind + bytes };
}

/** A row more than there are tokens: the one that stands for pads. */
function localBytes({ unit, bytesPerUnit }: Local, { chunkRows = 0, chunkWindows = 0 }: PendingTask): number {
  return bytesPerUnit * (unit === 'row' ? chunkRows + 1 : chunkWindows);
}
