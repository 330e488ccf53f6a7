import type { StoredTensor } from '@sparsevit/backbone';
import { readSafetensors, toFloat32, toInt32 } from '@sparsevit/backbone';
import { requireGolden } from '@sparsevit/testing';
import * as tf from '@tensorflow/tfjs-core';

/** A golden file's tensors by name. */
export interface Golden {
  readonly metadata: Readonly<Record<string, string>>;
  has(name: string): boolean;
  /** True for a tensor that a copy in the repository leaves out to be small; the full file has it. */
  leavesOut(name: string): boolean;
  names(): string[];
  shape(name: string): readonly number[];
  floats(name: string): Float32Array;
  integers(name: string): Int32Array;
  /** A stored NCHW tensor as NHWC. */
  nhwc(name: string): tf.Tensor4D;
}

export async function openGolden(name: string): Promise<Golden> {
  const { tensors, metadata } = readSafetensors(await requireGolden(name));
  const find = (tensor: string): StoredTensor => {
    const found = tensors.get(tensor);
    if (found === undefined) throw new Error(`${name} has no tensor ${tensor}`);
    return found;
  };
  return {
    metadata,
    has: (tensor) => tensors.has(tensor),
    leavesOut: (tensor) => (metadata.left_out ?? '').split(', ').includes(tensor),
    names: () => [...tensors.keys()],
    shape: (tensor) => find(tensor).shape,
    floats: (tensor) => toFloat32(find(tensor)),
    integers: (tensor) => toInt32(find(tensor)),
    nhwc: (tensor) =>
      tf.tidy(() =>
        tf.transpose(
          tf.tensor<tf.Rank.R4>(toFloat32(find(tensor)), find(tensor).shape as [number, number, number, number]),
          [0, 2, 3, 1],
        ),
      ),
  };
}

/** Frees every tensor in any structure of arrays and records, such as a forward's result. */
export function free(...structures: unknown[]): void {
  tf.dispose(structures as tf.TensorContainer);
}

/** An NHWC tensor's values in NCHW order. */
export async function nchwValues(x: tf.Tensor): Promise<Float32Array> {
  const moved = tf.transpose(x, [0, 3, 1, 2]);
  const values = (await moved.data()) as Float32Array;
  moved.dispose();
  return values;
}
