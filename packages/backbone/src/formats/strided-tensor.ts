/** A tensor as a view of a storage: an offset, and a stride per axis, all in elements. */

import { refuse, showShape } from './refuse';
import type { TensorDtype } from './tensor';
import { dtypeBytes, elementCount, highestRank } from './tensor';

/** A run of elements that tensors are views of. */
export interface TensorStorage {
  readonly dtype: TensorDtype;
  /** Elements that belong to it. */
  readonly count: number;
  readonly bytes: Uint8Array;
}

/** A view of a storage. */
export interface StridedTensor extends TensorStorage {
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

const here = 'pytorch file';

/**
 * Returns the view if all of it lies in the storage.
 *
 * @throws CheckpointError for a stride per axis missing, an element outside the storage, or more elements than the storage has (a view
 * expanded by stride 0)
 */
export function createStridedTensor(
  storage: TensorStorage,
  view: { readonly offset: number; readonly shape: readonly number[]; readonly strides: readonly number[] },
): StridedTensor {
  const { offset, shape, strides } = view;
  if (shape.length !== strides.length || shape.length > highestRank) {
    refuse(
      here,
      `a stride for each of at most ${highestRank} axes`,
      `${shape.length} axes and ${strides.length} strides`,
    );
  }
  const isEmpty = shape.includes(0);
  const last = shape.reduce((at, side, axis) => at + (side - 1) * (strides[axis] ?? 0), offset);
  if (!isEmpty && !(last < storage.count && elementCount(shape) <= storage.count)) {
    refuse(
      here,
      `a tensor within its storage of ${storage.count} elements`,
      `${showShape(shape)} with strides ${showShape(strides)} at ${offset}`,
    );
  }
  const { dtype, count, bytes } = storage;
  return { dtype, count, bytes, offset, shape, strides };
}

/**
 * The elements row by row: a part of the storage where they lie so, else a copy.
 *
 * @param mostBytes the most that they may be
 * @throws CheckpointError when they are more
 */
export function denseBytes(tensor: StridedTensor, mostBytes: number, name: string): Uint8Array {
  const { shape, strides, offset, bytes: source } = tensor;
  if (shape.includes(0)) return new Uint8Array(0);
  const size = dtypeBytes[tensor.dtype];
  const count = elementCount(shape);
  if (count * size > mostBytes) {
    refuse(
      here,
      'tensors that are together not much larger than the file',
      `one more, ${name}, when ${mostBytes} bytes are left`,
      'They share their storages.',
    );
  }
  if (isRowMajor(shape, strides)) return source.subarray(offset * size, (offset + count) * size);

  const bytes = new Uint8Array(count * size);
  const position = shape.map(() => 0);
  let from = offset;
  for (let element = 0; element < count; element++) {
    for (let i = 0; i < size; i++) bytes[element * size + i] = source[from * size + i] ?? 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const stride = strides[axis] ?? 0;
      const next = (position[axis] ?? 0) + 1;
      if (next < (shape[axis] ?? 0)) {
        position[axis] = next;
        from += stride;
        break;
      }
      position[axis] = 0;
      from -= stride * (next - 1);
    }
  }
  return bytes;
}

/** The stride of an axis of length 1 says nothing. */
function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const side = shape[axis] ?? 0;
    if (side !== 1 && strides[axis] !== expected) return false;
    expected *= side;
  }
  return true;
}
