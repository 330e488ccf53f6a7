/** A tensor as a file stores it, and its values as numbers. Multi-byte values are little-endian, in files and on every machine that runs JavaScript. */

import { bfloat16ToFloat32, float16ToFloat32 } from './half-precision';
import { refuse, showShape } from './refuse';

/** The element types that a checkpoint may store. */
export type TensorDtype = 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'I16' | 'I8' | 'U8' | 'BOOL';

/** A file may have so many tensors: far more than any model has. */
export const mostTensors = 100_000;

/** A tensor may have so many axes. */
export const highestRank = 32;

/** Bytes per element of each type. */
export const dtypeBytes: Readonly<Record<TensorDtype, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

/** A tensor of a file: its bytes are row-major, `product(shape) * dtypeBytes[dtype]` of them, and may be a view of the file. */
export interface StoredTensor {
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** True for the name of a type that can be read. */
export function isTensorDtype(name: unknown): name is TensorDtype {
  return typeof name === 'string' && Object.hasOwn(dtypeBytes, name);
}

/** The number of elements of a shape; 1 for a scalar `[]`. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}

/**
 * The values of a stored tensor of floats as float32, in memory of their own. F16 and BF16 are exact, F64 is rounded to the nearest.
 *
 * @param name the tensor's name, for the error message
 * @throws CheckpointError for a tensor of integers, or one whose bytes do not fit its shape
 * @example
 * toFloat32({ dtype: 'F16', shape: [1], bytes: Uint8Array.of(0x00, 0x3c) }); // Float32Array [1]
 */
export function toFloat32(tensor: StoredTensor, name = 'tensor'): Float32Array<ArrayBuffer> {
  const buffer = ownBytes(tensor, name);
  switch (tensor.dtype) {
    case 'F32':
      return new Float32Array(buffer);
    case 'F16':
      return float16ToFloat32(new Uint16Array(buffer));
    case 'BF16':
      return bfloat16ToFloat32(new Uint16Array(buffer));
    case 'F64':
      return new Float32Array(new Float64Array(buffer));
    default:
      return refuse(name, 'a tensor of F32, F16, BF16 or F64', tensor.dtype);
  }
}

/**
 * The values of a stored tensor of integers as int32, in memory of their own.
 *
 * @param name the tensor's name, for the error message
 * @throws CheckpointError for a tensor of floats, an I64 beyond 32 bits, or bytes that do not fit the shape
 */
export function toInt32(tensor: StoredTensor, name = 'tensor'): Int32Array<ArrayBuffer> {
  const buffer = ownBytes(tensor, name);
  switch (tensor.dtype) {
    case 'I32':
      return new Int32Array(buffer);
    case 'I16':
      return new Int32Array(new Int16Array(buffer));
    case 'I8':
      return new Int32Array(new Int8Array(buffer));
    case 'U8':
    case 'BOOL':
      return new Int32Array(new Uint8Array(buffer));
    case 'I64':
      return Int32Array.from(new BigInt64Array(buffer), (value) => {
        if (BigInt.asIntN(32, value) !== value) refuse(name, 'integers of 32 bits', String(value));
        return Number(value);
      });
    default:
      return refuse(name, 'a tensor of integers', tensor.dtype);
  }
}

/** A copy of the bytes: aligned, and it does not keep the file in memory. */
function ownBytes({ dtype, shape, bytes }: StoredTensor, name: string): ArrayBuffer {
  const expected = elementCount(shape) * dtypeBytes[dtype];
  if (bytes.length !== expected) {
    refuse(name, `${expected} bytes for ${dtype} ${showShape(shape)}`, `${bytes.length}`);
  }
  const own = new Uint8Array(bytes.length);
  own.set(bytes);
  return own.buffer;
}
