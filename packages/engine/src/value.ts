/** What the recorder computes with: descriptions of values that exist when a plan runs. */

/** Where a value lies between tasks: a part of the arena that all runs use. */
export interface Buffer {
  readonly kind: 'buffer';
  readonly name: string;
  readonly bytes: number;
  /** The first and the last task that touches it; the arena is shared by buffers that are never alive together. */
  firstTask: number;
  lastTask: number;
  /** Assigned when the trace is done: bytes from the start of the arena. */
  offset: number;
}

/** Where a value lies while a thread works on one chunk: a part of the thread's scratch. */
export interface Local {
  readonly kind: 'local';
  readonly name: string;
  /** Bytes of a row (or of a window, for what a window has). */
  readonly bytesPerUnit: number;
  readonly unit: 'row' | 'window';
}

/** A weight: host values until something has packed them. */
export interface Weight {
  readonly kind: 'weight';
  readonly key: string;
  readonly shape: readonly number[];
  /** Host values; null once they lie in memory. */
  values: Float32Array | null;
  /** How it lies in memory, and where. */
  layout: string | null;
  address: number;
  isFreed: boolean;
}

/** Values that are known when the plan is made. */
export interface Constant {
  readonly kind: 'constant';
  readonly address: number;
}

/** A value of a trace. */
export interface EngineValue {
  readonly place: Buffer | Local | Weight | Constant;
  readonly shape: readonly number[];
  readonly type: 'float32' | 'int32';
  /** Values from one row to the next, where a value is the beginning of longer rows. */
  readonly rowStride?: number;
  /** The int32 that says how many of the values exist; the shape is the most. */
  readonly count?: Buffer;
  /** Of a local value: it has the row that stands for all pads after the rows of tokens. */
  readonly hasPadRow?: boolean;
}

/** True for a value of a trace. */
export function isEngineValue(value: unknown): value is EngineValue {
  if (typeof value !== 'object' || value === null || !('place' in value) || !('shape' in value)) return false;
  const { place } = value;
  return typeof place === 'object' && place !== null && 'kind' in place;
}

/** Number of elements of a shape. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, side) => product * side, 1);
