/** Attention inside each window, with relative position bias and the shift mask of the window's class. */

import type { WindowBatch, WindowGrid } from '@sparsevit/windows';
import { checkWindowAttentionShape, relativePositionIndex, shiftMasks } from '@sparsevit/windows';
import { hasKernel, kernelNames, runKernel } from './kernels';
import { permuteRows } from './rows';
import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from './tensor';
import {
  add,
  customGrad,
  gatherND,
  matMul,
  mul,
  oneHot,
  reshape,
  softmax,
  tensor1d,
  tensor2d,
  tidy,
  transpose,
  unstack,
} from './tensor';
import type { TensorWindows } from './window-batch';

/**
 * softmax(q kᵀ / sqrt(d) + bias + mask) v in each window and head: qkv [n * M * M, 3C] (q | k | v, in each head after head), bias table
 * [(2M - 1)², heads] -> the rows that are written back [tokens, C].
 *
 * @throws ShapeError when qkv is not whole windows, or the table is of another window
 */
export function windowAttention(batch: WindowBatch<Tensor>, qkv: Tensor, biasTable: Tensor): Tensor {
  const windows = batch as TensorWindows;
  const { grid } = windows;
  const { rows, channels, heads } = checkWindowAttentionShape(qkv.shape, biasTable.shape, grid);
  if (hasKernel(kernelNames.windowAttention)) {
    const attended = runKernel(kernelNames.windowAttention, { qkv, biasTable, ids: windows.ids }, { grid });
    return windows.keepTokens(attended as Tensor2D);
  }
  return tidy(() => {
    const tokens = grid.tokensPerWindow;
    const count = rows / tokens;
    const width = channels / heads;
    const [q, k, v] = splitHeads(qkv, count, tokens, heads, width);
    const logits = matMul(mul(q, width ** -0.5), k, false, true); // [n * heads, tokens, tokens]
    const perHead = reshape(logits, [count, heads, tokens, tokens]);
    const biased = add(perHead, reshape(positionBias(biasTable as Tensor2D, grid.window), [1, heads, tokens, tokens]));
    const masked = windows.classes === null ? biased : add(biased, masksOf(grid, windows.classes));
    const weights = reshape(softmax(masked), [count * heads, tokens, tokens]);
    return windows.keepTokens(joinHeads(matMul(weights, v) as Tensor3D, count, tokens, heads, width));
  });
}

/** The mask of each window [n, 1, tokens, tokens] by its class [n]. */
function masksOf(grid: WindowGrid, classes: Tensor1D): Tensor {
  const tokens = grid.tokensPerWindow;
  const masks = tensor2d(shiftMasks(grid), [4, tokens * tokens]);
  const indices = reshape(classes, [classes.size, 1]) as Tensor2D;
  return reshape(gatherND(masks, indices), [classes.size, 1, tokens, tokens]);
}

/** Bias table [(2M - 1)², heads] -> [heads, tokens, tokens]. Adjoint: a product with the constant one-hot matrix, so that sums have a fixed order on WebGPU. */
function positionBias(table: Tensor2D, window: number): Tensor3D {
  const index = relativePositionIndex(window);
  const [positions, heads] = table.shape;
  const tokens = window * window;
  const looked = customGrad((table) => ({
    value: gatherND(table as Tensor, tensor2d(index, [index.length, 1], 'int32')),
    gradFunc: (dy: Tensor) => matMul(oneHot(tensor1d(index, 'int32'), positions) as Tensor2D, dy as Tensor2D, true),
  }))(table);
  return reshape(transpose(looked as Tensor2D), [heads, tokens, tokens]) as Tensor3D;
}

// Heads are split and joined by moving rows of `width` values: on wasm that is a copy per row, where a 5-D transpose goes value by value.

/** qkv [n * tokens, 3 * heads * width] -> three of [n * heads, tokens, width]. */
function splitHeads(
  qkv: Tensor,
  count: number,
  tokens: number,
  heads: number,
  width: number,
): [Tensor3D, Tensor3D, Tensor3D] {
  const order = new Int32Array(count * tokens * 3 * heads);
  let at = 0;
  for (let part = 0; part < 3; part++) {
    for (let window = 0; window < count; window++) {
      for (let head = 0; head < heads; head++) {
        for (let token = 0; token < tokens; token++) {
          order[at++] = ((window * tokens + token) * 3 + part) * heads + head;
        }
      }
    }
  }
  const moved = permuteRows(reshape(qkv, [order.length, width]) as Tensor2D, order);
  const [q, k, v] = unstack(reshape(moved, [3, count * heads, tokens, width]), 0);
  return [q, k, v] as [Tensor3D, Tensor3D, Tensor3D];
}

/** [n * heads, tokens, width] -> [n * tokens, heads * width]. */
function joinHeads(x: Tensor3D, count: number, tokens: number, heads: number, width: number): Tensor2D {
  const order = new Int32Array(count * tokens * heads);
  let at = 0;
  for (let window = 0; window < count; window++) {
    for (let token = 0; token < tokens; token++) {
      for (let head = 0; head < heads; head++) order[at++] = (window * heads + head) * tokens + token;
    }
  }
  const moved = permuteRows(reshape(x, [order.length, width]) as Tensor2D, order);
  return reshape(moved, [count * tokens, heads * width]) as Tensor2D;
}
