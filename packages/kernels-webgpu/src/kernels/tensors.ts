/** Sizes of tensors. */

import type { TensorInfo } from '@tensorflow/tfjs-core';

/** Number of values. */
export const sizeOf = (tensor: TensorInfo): number => tensor.shape.reduce((product, side) => product * side, 1);

/** Rows and columns of a matrix. */
export const sidesOf = (tensor: TensorInfo): [rows: number, columns: number] => [
  tensor.shape[0] ?? 0,
  tensor.shape[1] ?? 0,
];
