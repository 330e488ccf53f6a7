/** Attention inside each window, with relative position bias and the shift mask of the window's class. */

import type { WindowBatch, WindowGrid } from '@sparsevit/windows';
import { checkWindowAttentionShape, kernelNames, relativePositionIndex, shiftMasks } from '@sparsevit/windows';
import { hasKernels, isRecording, runKernel, runKernelOfSeveral } from './kernels';
import { gatherRows } from './rows';
import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from './tensor';
import {
  add,
  concat,
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
 * softmax(q kᵀ / sqrt(d) + bias + mask) v in each window and head: qkv of the rows that `normWindows` gave, [rows, 3C] (q | k | v, in each
 * head after head), bias table [(2M - 1)², heads] -> the rows that are written back [tokens, C].
 *
 * @throws ShapeError when qkv does not have those rows, or the table is of another window
 */
export function windowAttention(batch: WindowBatch<Tensor>, qkv: Tensor, biasTable: Tensor): Tensor {
  const windows = batch as TensorWindows;
  const { grid } = windows;
  const { channels, heads } = checkWindowAttentionShape(qkv.shape, biasTable.shape, grid, windows.rows);
  const names = [kernelNames.windowAttention, ...(isRecording() ? [kernelNames.windowAttentionGradient] : [])];
  if (hasKernels(...names)) return attentionKernel(windows, qkv, biasTable);
  return tidy(() => {
    const tokens = grid.tokensPerWindow;
    const { count } = windows;
    const width = channels / heads;
    const [q, k, v] = splitHeads(expandSlots(qkv as Tensor2D, windows), count, tokens, heads, width);
    const logits = matMul(mul(q, width ** -0.5), k, false, true); // [n * heads, tokens, tokens]
    const perHead = reshape(logits, [count, heads, tokens, tokens]);
    const biased = add(perHead, reshape(positionBias(biasTable as Tensor2D, grid.window), [1, heads, tokens, tokens]));
    const masked = windows.classes === null ? biased : add(biased, masksOf(grid, windows.classes));
    const weights = reshape(softmax(masked), [count * heads, tokens, tokens]);
    const attended = joinHeads(matMul(weights, v) as Tensor3D, count, tokens, heads, width);
    return windows.slots === null
      ? attended
      : gatherRows(attended, tensor1d(slotOfRow(windows.slots, windows.rows - 1), 'int32'), noPads);
  });
}

const noPads = { mayPad: false };

function attentionKernel(windows: TensorWindows, qkv: Tensor, biasTable: Tensor): Tensor {
  const { grid, classes } = windows;
  const { window, shiftY, shiftX } = grid;
  const attributes = { window, shiftY, shiftX, tokens: windows.tokens.shape[0] ?? 0 };
  return tidy(() => {
    const slots = windows.slots === null ? null : tensor1d(windows.slots, 'int32');
    if (!isRecording()) {
      return runKernel(kernelNames.windowAttention, { qkv, biasTable, slots, classes }, attributes);
    }
    return customGrad((qkv, biasTable, save) => {
      const given = [slots, classes].filter((tensor) => tensor !== null);
      (save as unknown as (tensors: Tensor[]) => void)([qkv as Tensor, biasTable as Tensor, ...given]);
      const inputs = { qkv: qkv as Tensor, biasTable: biasTable as Tensor, slots, classes };
      return {
        value: runKernel(kernelNames.windowAttention, inputs, attributes),
        gradFunc: (dy: Tensor, saved: Tensor[]): Tensor[] =>
          runKernelOfSeveral(
            kernelNames.windowAttentionGradient,
            {
              qkv: saved[0],
              biasTable: saved[1],
              slots: slots === null ? null : saved[2],
              classes: classes === null ? null : saved[saved.length - 1],
              dy,
            },
            attributes,
          ),
      };
    })(qkv, biasTable);
  });
}

/** The slot that reads each row: the inverse of `slots` for the rows below `tokens`. */
function slotOfRow(slots: Int32Array, tokens: number): Int32Array {
  const slotOf = new Int32Array(tokens);
  slots.forEach((row, slot) => {
    if (row < tokens) slotOf[row] = slot;
  });
  return slotOf;
}

/** qkv of the rows -> qkv of every slot. Adjoint: each row takes its slot's gradient, the row of all pads the sum over its slots. */
function expandSlots(qkv: Tensor2D, { slots, rows }: TensorWindows): Tensor2D {
  if (slots === null) return qkv;
  const tokens = rows - 1;
  const at = (index: Int32Array): Tensor2D => tensor2d(index, [index.length, 1], 'int32');
  return customGrad((qkv) => ({
    value: gatherND(qkv as Tensor, at(slots)),
    gradFunc: (dy: Tensor) => {
      const isPad = Float32Array.from(slots, (row) => (row === tokens ? 1 : 0));
      const ofPads = matMul(tensor2d(isPad, [1, isPad.length]), dy as Tensor2D);
      return concat([gatherND(dy, at(slotOfRow(slots, tokens))), ofPads], 0);
    },
  }))(qkv) as Tensor2D;
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
  const moved = gatherRows(reshape(qkv, [order.length, width]) as Tensor2D, tensor1d(order, 'int32'), noPads);
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
  const moved = gatherRows(reshape(x, [order.length, width]) as Tensor2D, tensor1d(order, 'int32'), noPads);
  return reshape(moved, [count * tokens, heads * width]) as Tensor2D;
}
