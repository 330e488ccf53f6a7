/**
 * The body of `mapWindows`: recorded once, then made into tasks in one of two ways. Usually one task, in which a thread takes a chunk of
 * windows through all calls in its own scratch. Where there are too few windows for the threads, one task per call, split by rows, columns or
 * heads, with what lies between them in the arena.
 */

import type { WasmKernels } from '@sparsevit/kernels-wasm/binary';
import type { WindowGrid } from '@sparsevit/windows';
import { registers } from './program';
import type { Operand, PendingCall, PendingTask } from './task';
import { at, kernelScratch } from './task';
import type { Buffer, Local } from './value';

/** What a call of a body goes over. */
export type Domain =
  /** Rows of tokens, or also the row of all pads. */
  | 'rows'
  | 'rows and pad'
  /** Heads of windows. */
  | 'heads'
  /** Nothing: it is done once. */
  | 'once';

/** Ends of the call's range, filled in when it becomes part of a task. */
export type BodyOperand = Operand | 'begin' | 'end' | 'rows' | 'columnBegin' | 'columnEnd' | Rows;

/** A place, `bytesPerRow` further for every row of tokens. */
export interface Rows {
  readonly afterRows: Local;
  readonly bytesPerRow: number;
}

/** A call of a body. */
export interface BodyCall {
  readonly kernel: keyof WasmKernels;
  readonly domain: Domain;
  readonly operands: readonly BodyOperand[];
  readonly scratchBytes?: number;
  /** Columns of a product, which may be split instead of its rows; 0 for other calls. */
  readonly columns: number;
  /** Multiply-accumulates of a row (for attention, of a window). */
  readonly macsPerUnit: number;
}

/** The windows that a body is applied to. */
export interface BodyWindows {
  readonly grid: WindowGrid;
  readonly heads: number;
  /** Number of windows, at most; where it is data, `countFrom` has it. */
  readonly windows: number;
  readonly countFrom: Buffer | undefined;
  /** Ids, kept per image and the stride of the ranking, as `windowRows` takes them. */
  readonly ids: Operand;
  readonly kept: number;
  readonly stride: number;
  /** Where the rows of the windows are listed. */
  readonly index: Local;
  readonly slots: Local | null;
  readonly classes: Local | null;
}

/** Multiply-accumulates that a thread does between two looks at whether it should stop: tens of milliseconds. */
const macsPerChunk = 1.5e9;
/** Rows of a chunk: enough that reading all weights once pays, few enough that hidden rows stay in a second-level cache. */
const rowsPerChunk = 400;
/** Rows for each thread below which calls are split one by one. */
const leastRowsPerThread = 1000;
/** Rows for each thread below which the columns of a product are split and not its rows. */
const leastRowsToSplit = 192;
/** Rows that are split off go in multiples of this: whole tiles of either build. */
const tileRows = 12;

/** The tasks that apply a body. */
export function lowerBody(
  name: string,
  windows: BodyWindows,
  calls: readonly BodyCall[],
  threads: number,
  makeBuffer: (name: string, bytes: number) => Buffer,
): PendingTask[] {
  const { tokensPerWindow } = windows.grid;
  const rows = windows.windows * tokensPerWindow;
  const isSplit = threads > 1 && rows < threads * leastRowsPerThread;
  return isSplit ? splitTasks(name, windows, calls, threads, makeBuffer) : [chunkedTask(name, windows, calls, threads)];
}

/** Windows that a thread takes at a time. */
function windowsPerChunk({ grid, windows }: BodyWindows, calls: readonly BodyCall[], threads: number): number {
  const macsPerRow = calls.reduce((sum, { macsPerUnit, domain }) => sum + (domain === 'heads' ? 0 : macsPerUnit), 0);
  const rows = Math.min(rowsPerChunk, macsPerChunk / Math.max(1, macsPerRow));
  const most = Math.max(1, Math.round(rows / grid.tokensPerWindow));
  // some chunks for each thread, so that the last to finish is soon done
  return threads === 1 ? most : Math.min(most, Math.max(1, Math.floor(windows / (threads * 4))));
}

function chunkedTask(name: string, windows: BodyWindows, calls: readonly BodyCall[], threads: number): PendingTask {
  const { grid } = windows;
  const chunk = Math.min(windows.windows, windowsPerChunk(windows, calls, threads));
  const rows = windows.windows * grid.tokensPerWindow;
  const ends: Record<Domain, Operand> = {
    rows: { register: registers.rows },
    'rows and pad': { register: registers.rows, plus: 1 },
    heads: { register: registers.count, times: windows.heads },
    once: 1,
  };
  const fill = (call: BodyCall): PendingCall => ({
    kernel: call.kernel,
    operands: call.operands.map((operand): Operand => {
      if (operand === 'begin' || operand === 'columnBegin') return 0;
      if (operand === 'end') return ends[call.domain];
      if (operand === 'rows') return { register: registers.rows };
      if (operand === 'columnEnd') return call.columns;
      return isRows(operand)
        ? at(operand.afterRows, { register: registers.rows, scale: operand.bytesPerRow })
        : operand;
    }),
    ...(call.scratchBytes === undefined ? {} : { scratchBytes: call.scratchBytes }),
    macs: call.macsPerUnit * (call.domain === 'heads' ? windows.windows : rows),
  });
  const gather = windowRows(windows, registerRange, 0);
  return {
    name,
    calls: [gather, ...calls.map(fill)],
    count: windows.windows,
    countFrom: windows.countFrom,
    chunk,
    ...(threads > 1 && { lastChunk: Math.max(1, Math.floor(chunk / 4)) }),
    chunkRows: chunk * grid.tokensPerWindow,
    chunkWindows: chunk,
  };
}

const registerRange: [Operand, Operand] = [{ register: registers.begin }, { register: registers.end }];

/** The call that lists the rows of a range of windows. */
function windowRows(
  { grid, ids, kept, stride, index, slots, classes }: BodyWindows,
  [begin, end]: [Operand, Operand],
  count: Operand,
): PendingCall {
  return {
    kernel: 'windowRows',
    operands: [
      ids,
      begin,
      end,
      kept,
      stride,
      grid.height,
      grid.width,
      grid.window,
      grid.shiftY,
      grid.shiftX,
      grid.shift === 'roll-then-pad' ? 1 : 0,
      at(index),
      slots === null ? 0 : at(slots),
      classes === null ? 0 : at(classes),
      count,
    ],
    setsRows: true,
  };
}

function splitTasks(
  name: string,
  windows: BodyWindows,
  calls: readonly BodyCall[],
  threads: number,
  makeBuffer: (name: string, bytes: number) => Buffer,
): PendingTask[] {
  const { grid } = windows;
  const rows = windows.windows * grid.tokensPerWindow;
  const buffers = new Map<Local, Buffer>();
  const shared = (local: Local): Buffer => {
    const known = buffers.get(local);
    if (known !== undefined) return known;
    const units = local.unit === 'row' ? rows + 1 : windows.windows;
    const buffer = makeBuffer(`${name} ${local.name}`, local.bytesPerUnit * units);
    buffers.set(local, buffer);
    return buffer;
  };
  const share = (operand: Operand): Operand =>
    typeof operand === 'object' && 'place' in operand && operand.place.kind === 'local'
      ? { ...operand, place: shared(operand.place) }
      : operand;
  const rowsBuffer = makeBuffer(`${name} rows`, 4);
  const gather = windowRows(windows, registerRange, at(rowsBuffer));
  const first: PendingTask = {
    name: `${name} rows`,
    calls: [{ ...gather, operands: gather.operands.map(share) }],
    count: windows.windows,
    countFrom: windows.countFrom,
  };
  const split = (call: BodyCall): PendingTask => {
    const { domain, columns } = call;
    const isRowwise = domain === 'rows' || domain === 'rows and pad';
    const pads = domain === 'rows and pad' ? 1 : 0;
    const byColumns = isRowwise && columns > 0 && rows < threads * leastRowsToSplit;
    const byRows = isRowwise && !byColumns;
    const operand = (given: BodyOperand): Operand => {
      if (given === 'begin') return byRows || domain === 'heads' ? { register: registers.begin } : 0;
      if (given === 'end') {
        if (byRows || domain === 'heads') return { register: registers.end };
        return domain === 'once' ? 1 : { register: registers.rows, plus: pads };
      }
      if (given === 'rows') return { register: registers.rows };
      if (given === 'columnBegin') return byColumns ? { register: registers.begin, times: 8 } : 0;
      if (given === 'columnEnd') return byColumns ? { register: registers.end, times: 8 } : columns;
      if (isRows(given)) return at(shared(given.afterRows), { register: registers.rows, scale: given.bytesPerRow });
      return share(given);
    };
    const pending: PendingCall = {
      kernel: call.kernel,
      operands: call.operands.map(operand),
      ...(call.scratchBytes === undefined ? {} : { scratchBytes: call.scratchBytes }),
      macs: call.macsPerUnit * (domain === 'heads' ? windows.windows : rows),
    };
    const task = { name: `${name} ${call.kernel}`, calls: [pending], rowsFrom: rowsBuffer, parts: threads };
    if (byColumns) return { ...task, count: Math.ceil(columns / 8) };
    if (byRows) {
      return { ...task, count: rows, countFrom: rowsBuffer, countPlus: pads, multiple: columns > 0 ? tileRows : 1 };
    }
    if (domain === 'heads') {
      return { ...task, count: windows.windows, countFrom: windows.countFrom, countTimes: windows.heads };
    }
    return { ...task, count: 1 };
  };
  return [first, ...calls.map(split)];
}

const isRows = (operand: BodyOperand): operand is Rows => typeof operand === 'object' && 'afterRows' in operand;

/** Scratch of a kernel, as an operand. */
export const bodyScratch: Operand = kernelScratch;
