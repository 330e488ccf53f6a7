/**
 * Resizing of maps as two products with constant matrices, one along each side: its gradient is two products with their transposes, on every
 * backend. The products are operations of their own with a gradient because TensorFlow.js's for a product is slow on wasm (it multiplies by a
 * transposed matrix).
 */

import type { Tensor, Tensor2D } from './tensor';
import { customGrad, matMul, reshape, tensor2d, tidy, transpose } from './tensor';

/** How one side is resized: the matrix [to, from] whose row `i` has the shares of the old values in the new value `i`. */
export type SideMatrix = (from: number, to: number) => Float32Array;

/** Resizes both sides, each by its matrix: [B, h, w, C] -> [B, H, W, C]. */
export function resizeByProducts(
  x: Tensor,
  [batch, height, width, channels]: readonly [number, number, number, number],
  matrixOf: SideMatrix,
): Tensor {
  const [, fromHeight = 1, fromWidth = 1] = x.shape;
  const ofHeight = transpose(x, [0, 2, 3, 1]); // [B, w, C, h]
  const tall = alongLastAxis(ofHeight, matrixOf(fromHeight, height), height, fromHeight); // [B, w, C, H]
  const ofWidth = transpose(tall, [0, 3, 2, 1]); // [B, H, C, w]
  const wide = alongLastAxis(ofWidth, matrixOf(fromWidth, width), width, fromWidth); // [B, H, C, W]
  return reshape(transpose(wide, [0, 1, 3, 2]), [batch, height, width, channels]);
}

/** Bilinear, half-pixel centres, `align_corners=False`: row `i` has the shares of the two values around `(i + 0.5) * from / to - 0.5`. */
export const upsampling: SideMatrix = (from, to) => {
  const matrix = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    const at = Math.max(0, ((i + 0.5) * from) / to - 0.5);
    const low = Math.min(from - 1, Math.floor(at));
    const high = Math.min(from - 1, low + 1);
    const share = at - low;
    matrix[i * from + low] = (matrix[i * from + low] ?? 0) + 1 - share;
    matrix[i * from + high] = (matrix[i * from + high] ?? 0) + share;
  }
  return matrix;
};

/** Adaptive average pooling: row `i` has equal shares of the values from `floor(i * from / to)` to `ceil((i + 1) * from / to)`. */
export const pooling: SideMatrix = (from, to) => {
  const matrix = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    const first = Math.floor((i * from) / to);
    const last = Math.ceil(((i + 1) * from) / to);
    matrix.fill(1 / (last - first), i * from + first, i * from + last);
  }
  return matrix;
};

function alongLastAxis(x: Tensor, matrix: Float32Array, to: number, from: number): Tensor {
  const outer = x.shape.slice(0, -1);
  const product = (rows: Tensor, transposed: boolean): Tensor => {
    const [inputs, outputs] = transposed ? [to, from] : [from, to];
    const values = transposed ? matrix : transposedOf(matrix, to, from);
    return tidy(() => matMul(rows as Tensor2D, tensor2d(values, [inputs, outputs])));
  };
  const resized = customGrad((rows) => ({
    value: product(rows as Tensor, false),
    gradFunc: (dy: Tensor) => product(dy, true),
  }))(reshape(x, [x.size / from, from]));
  return reshape(resized, [...outer, to]);
}

function transposedOf(matrix: Float32Array, rows: number, columns: number): Float32Array {
  return Float32Array.from({ length: matrix.length }, (_, i) => {
    const [row, column] = [i % rows, Math.floor(i / rows)];
    return matrix[row * columns + column] ?? 0;
  });
}
