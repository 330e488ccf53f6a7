/** A plan: a forward, traced once for one shape and one sparsity, that runs on images. */

import { ShapeError } from '@sparsevit/windows';
import type { Program } from './program';
import type { PendingTask } from './task';
import type { EngineValue } from './value';

/** Values on the host with their shape. */
export interface HostValues {
  readonly values: Float32Array | Int32Array;
  readonly shape: readonly number[];
}

/** What a trace returned, with values in the place of what stood for them. */
export type Materialized<Result> = Result extends EngineValue
  ? HostValues
  : Result extends readonly (infer Item)[]
    ? readonly Materialized<Item>[]
    : Result extends object
      ? { readonly [Key in keyof Result]: Materialized<Result[Key]> }
      : Result;

/** One kernel call of a plan. */
export interface PlanCall {
  readonly kernel: string;
  /** Multiply-accumulates, at most (with every window that may be kept, pads among them). */
  readonly macs: number;
}

/** One task of a plan: threads meet after it. */
export interface PlanTask {
  readonly name: string;
  readonly calls: readonly PlanCall[];
  /** What is split over the threads, and in which portions. */
  readonly count: number;
  readonly chunk: number;
}

/** A buffer of a plan: alive from its first to its last task, in one place of the arena. */
export interface PlanBuffer {
  readonly name: string;
  readonly bytes: number;
  readonly offset: number;
  readonly firstTask: number;
  readonly lastTask: number;
}

/** A plan as a document, to look at. */
export interface PlanDocument {
  readonly kind: 'sparsevit-plan';
  readonly version: 1;
  readonly shape: readonly number[];
  readonly threads: number;
  readonly build: string;
  readonly arenaBytes: number;
  /** Of each thread. */
  readonly scratchBytes: number;
  readonly macs: number;
  readonly tasks: readonly PlanTask[];
  readonly buffers: readonly PlanBuffer[];
}

/** Time of a kernel call of a plan. */
export interface CallProfile {
  readonly task: string;
  readonly kernel: string;
  /** Milliseconds over all threads. */
  readonly threadMs: number;
  readonly macs: number;
}

/** Where the time of a run went. */
export interface PlanProfile {
  /** Milliseconds from begin to end. */
  readonly totalMs: number;
  readonly calls: readonly CallProfile[];
}

/** How a run is asked for. */
export interface RunOptions {
  /** Stops the run: it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A compiled forward. */
export interface Plan<Result> {
  /** Shape of the images [B, H, W, 3]. */
  readonly shape: readonly [number, number, number, number];
  /** Bytes of the arena that its runs use; plans of an engine share one, as large as the largest needs. */
  readonly arenaBytes: number;
  /**
   * Runs on an image of the plan's shape, row by row, pixel by pixel. Runs of an engine go one after the other.
   *
   * @throws ShapeError when the image has another number of values
   * @throws BackendError when a thread was lost; the next run has a new one
   */
  run(image: Float32Array, options?: RunOptions): Promise<Materialized<Result>>;
  /**
   * The same, and the caller waits: in Node, or on one thread.
   *
   * @throws BackendError in a page with threads, where waiting is not allowed, or while another run is going on
   */
  runSync(image: Float32Array): Materialized<Result>;
  /** Runs once and tells where the time went. */
  profile(image: Float32Array): Promise<PlanProfile>;
  /** Every call, buffer and size. */
  toJSON(): PlanDocument;
  /** Gives its memory back; runs that were asked for end first. */
  dispose(): void;
}

/** Every value that stands in what a trace returned. */
export function valuesIn(result: unknown, isValue: (value: unknown) => value is EngineValue): EngineValue[] {
  if (isValue(result)) return [result];
  if (Array.isArray(result)) return result.flatMap((item: unknown) => valuesIn(item, isValue));
  if (typeof result !== 'object' || result === null || ArrayBuffer.isView(result)) return [];
  return Object.values(result).flatMap((item: unknown) => valuesIn(item, isValue));
}

/** The same structure with every value replaced. */
export function materialize<Result>(
  result: Result,
  isValue: (value: unknown) => value is EngineValue,
  read: (value: EngineValue) => HostValues,
): Materialized<Result> {
  const visit = (item: unknown): unknown => {
    if (isValue(item)) return read(item);
    if (Array.isArray(item)) return item.map(visit);
    if (typeof item !== 'object' || item === null || ArrayBuffer.isView(item)) return item;
    return Object.fromEntries(Object.entries(item).map(([key, inner]) => [key, visit(inner)]));
  };
  return visit(result) as Materialized<Result>;
}

/** Refuses an image that is not the plan's. */
export function checkImage(image: Float32Array, shape: readonly number[]): void {
  const expected = shape.reduce((product, side) => product * side, 1);
  if (!(image instanceof Float32Array) || image.length !== expected) {
    const got = image instanceof Float32Array ? `${image.length} values` : Object.prototype.toString.call(image);
    throw new ShapeError(
      `run: expected a Float32Array of ${expected} values for [${shape.join(', ')}], got ${got}. Compile a plan for each shape.`,
    );
  }
}

/** The calls of a plan with what they compute, in the order of profiles. */
export function describeCalls(tasks: readonly PendingTask[]): { task: string; kernel: string; macs: number }[] {
  return tasks.flatMap(({ name, calls }) => calls.map(({ kernel, macs = 0 }) => ({ task: name, kernel, macs })));
}

/** Length of a chunk of a task. */
export function chunkOf({ chunk, count, parts, multiple }: Program['tasks'][number]): number {
  return chunk > 0 ? chunk : Math.ceil(Math.ceil(count / parts) / multiple) * multiple;
}
