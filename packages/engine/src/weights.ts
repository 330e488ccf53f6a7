/** The weights of models: packed once, when a plan first needs them, and shared by all plans. */

import type { WasmKernels } from '@sparsevit/kernels-wasm/binary';
import { BackendError, ShapeError } from '@sparsevit/windows';
import type { Heap } from './memory';
import type { EngineValue, Weight } from './value';
import { sizeOf } from './value';

/** Lays weights out in memory. */
export interface WeightStore {
  /** Takes a weight; its values are read when a plan first uses it. */
  take(values: Float32Array, shape: readonly number[], key: string): EngineValue;
  free(weight: EngineValue): void;
  /** Address of the values as they are. */
  plain(weight: EngineValue): number;
  /** Address of a right operand [depth, columns] in panels. */
  packed(weight: EngineValue): number;
  /** Address of a bias table, prepared for attention. */
  positionBias(table: EngineValue, window: number): number;
}

export function createWeightStore(
  heap: Heap,
  kernels: WasmKernels,
  options: {
    /** Gives a block back once nothing runs that may read it. */
    release(address: number): void;
  },
): WeightStore {
  /** Lays a weight out once; from then on its host values may go. */
  const layOut = (
    value: EngineValue,
    layout: string,
    bytes: number,
    write: (from: number, to: number) => void,
  ): number => {
    const weight = weightOf(value);
    if (weight.layout === layout) return weight.address;
    if (weight.values === null) {
      throw new BackendError(
        `engine: expected ${weight.key} to be used as ${weight.layout ?? 'before'} only, got a use as ${layout}. Take the weight in once for each use.`,
      );
    }
    const address = heap.allocate(bytes);
    if (layout === 'values') {
      heap.float32(address, weight.values.length).set(weight.values);
    } else {
      const from = heap.allocate(weight.values.length * 4);
      heap.float32(from, weight.values.length).set(weight.values);
      write(from, address);
      heap.free(from);
    }
    weight.values = null;
    weight.layout = layout;
    weight.address = address;
    return address;
  };
  return {
    take(values, shape, key) {
      if (values.length !== sizeOf(shape)) {
        throw new ShapeError(
          `fromWeights: expected ${sizeOf(shape)} values for ${key} [${shape.join(', ')}], got ${values.length}.`,
        );
      }
      const weight: Weight = { kind: 'weight', key, shape, values, layout: null, address: 0, isFreed: false };
      return { place: weight, shape, type: 'float32' };
    },
    free(value) {
      const weight = weightOf(value);
      if (weight.layout !== null) options.release(weight.address);
      weight.values = null;
      weight.layout = null;
      weight.isFreed = true;
    },
    plain: (value) => layOut(value, 'values', sizeOf(value.shape) * 4, () => {}),
    packed(value) {
      // a convolution's weight [side, side, in, out] is the right operand [side * side * in, out]
      const columns = value.shape[value.shape.length - 1] ?? 0;
      const depth = sizeOf(value.shape) / columns;
      return layOut(value, 'a right operand', kernels.packedBytes(depth, columns), (from, to) =>
        kernels.packWeight(from, to, depth, columns, columns, 1),
      );
    },
    positionBias(value, window) {
      const heads = value.shape[1] ?? 0;
      return layOut(value, `a bias table of window ${window}`, kernels.attentionBiasBytes(window, heads), (from, to) =>
        kernels.prepareAttentionBias(from, to, window, heads),
      );
    },
  };
}

function weightOf({ place }: EngineValue): Weight {
  if (place.kind !== 'weight') {
    throw new BackendError(
      `engine: expected a weight taken in with fromWeights, got a value that a plan computes. Products of two computed matrices are not traced.`,
    );
  }
  if (place.isFreed) {
    throw new BackendError(
      `engine: expected ${place.key} to be in use, got a weight that was freed. Make the model again.`,
    );
  }
  return place;
}
