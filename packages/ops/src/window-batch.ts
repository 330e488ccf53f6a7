/**
 * A batch of windows inside `mapWindows`: its rows gathered straight from the map by coordinates, and what the ops of a body need to know of
 * its windows. Two kinds. Windows whose ids the host knows (dense blocks everywhere; kept windows on cpu and wasm, which are read at no cost):
 * pads are left out, and since all pads are the same row, one row more stands for them where attention needs keys and values. Windows
 * whose ids are data on the device (kept windows on webgpu): every slot is a row, and pads are dropped when rows are written back.
 */

import type { WindowBatch, WindowGrid } from '@sparsevit/windows';
import { allWindowIds, windowMaskClasses, windowTokens } from '@sparsevit/windows';
import { gatherRows } from './rows';
import type { Tensor, Tensor1D, Tensor2D } from './tensor';
import { cast, gatherND, less, mul, ones, reshape, sub, tensor1d, tensor2d } from './tensor';

/** A batch of windows on TensorFlow.js. */
export interface TensorWindows extends WindowBatch<Tensor> {
  /** The map [B * H * W, C] that the windows are cut from. */
  readonly map: Tensor2D;
  /** The token of each row [tokens], int32; -1 for a pad. */
  readonly index: Tensor1D;
  /** Whether `index` may hold -1. */
  readonly mayPad: boolean;
  /** Rows that attention reads: `tokens`, and one for all pads where they are left out. */
  readonly rows: number;
  /** Which of those rows each slot reads [n * M * M], on the host; null when slot i reads row i. */
  readonly slots: Int32Array | null;
  /** 1 for a real row, 0 for a pad: [tokens, 1]; null where no row is a pad. */
  readonly isReal: Tensor2D | null;
  /** Number of windows. */
  readonly count: number;
  /** Mask class of each window [n], int32; null when all are `inner`. */
  readonly classes: Tensor1D | null;
  /** Factor of each image [B] -> factor of each of `tokens` [tokens, 1]. */
  factorsOf(perImage: Float32Array): Tensor2D;
}

/** Windows whose ids the host knows: only their real tokens are rows. */
export function hostWindows(map: Tensor2D, grid: WindowGrid, windowIds: Int32Array): TensorWindows {
  const slotTokens = windowTokens(grid, windowIds);
  const { tokens, slots } = grid.isPadded ? withoutPads(slotTokens) : { tokens: slotTokens, slots: null };
  const index = tensor1d(tokens, 'int32');
  const classOf = windowMaskClasses(grid);
  const classes = windowIds.map((id) => classOf[id % grid.windowsPerImage] ?? 0);
  const tokensPerImage = grid.height * grid.width;
  return {
    grid,
    map,
    index,
    mayPad: false,
    tokens: gatherRows(map, index, { mayPad: false }),
    rows: tokens.length + (slots === null ? 0 : 1),
    slots,
    isReal: null,
    count: windowIds.length,
    classes: classes.some((maskClass) => maskClass !== 0) ? tensor1d(classes, 'int32') : null,
    factorsOf(perImage) {
      // not `tokens.map`: an Int32Array would cut the factors to whole numbers
      const factors = Float32Array.from(tokens, (token) => perImage[Math.floor(token / tokensPerImage)] ?? 0);
      return tensor2d(factors, [factors.length, 1], 'float32');
    },
  };
}

/** The real tokens of slots in their order, and for each slot its place among them; pads share the place after the last. */
function withoutPads(slotTokens: Int32Array): { tokens: Int32Array; slots: Int32Array | null } {
  const tokens = new Int32Array(slotTokens.length);
  const slots = new Int32Array(slotTokens.length);
  let count = 0;
  for (let slot = 0; slot < slotTokens.length; slot++) {
    const token = slotTokens[slot] ?? -1;
    slots[slot] = token < 0 ? -1 : count;
    if (token >= 0) tokens[count++] = token;
  }
  if (count === tokens.length) return { tokens, slots: null }; // none of these windows is at the border
  for (let slot = 0; slot < slots.length; slot++) if ((slots[slot] ?? 0) < 0) slots[slot] = count;
  return { tokens: tokens.subarray(0, count), slots };
}

/** For every window of a batch of images, the token of each slot, [B * windowsPerImage, M * M] int32; -1 for a pad. */
export function slotTable(grid: WindowGrid): Tensor2D {
  const ids = allWindowIds(grid);
  return tensor2d(windowTokens(grid, ids), [ids.length, grid.tokensPerWindow], 'int32');
}

/** Windows whose ids are data on the device: every slot is a row. */
export function deviceWindows(map: Tensor2D, grid: WindowGrid, ids: Tensor1D, table: Tensor2D): TensorWindows {
  const index = reshape(lookUp(table, ids), [ids.size * grid.tokensPerWindow]) as Tensor1D;
  const isShifted = grid.shiftY > 0 || grid.shiftX > 0;
  const mayPad = grid.isPadded;
  return {
    grid,
    map,
    index,
    mayPad,
    tokens: gatherRows(map, index, { mayPad }),
    rows: index.size,
    slots: null,
    isReal: mayPad ? (sub(1, reshape(cast(less(index, 0), 'float32'), [index.size, 1])) as Tensor2D) : null,
    count: ids.size,
    classes: isShifted ? (lookUp(tensor1d(classesOfBatch(grid), 'int32'), ids) as Tensor1D) : null,
    factorsOf(perImage) {
      const perWindow = Float32Array.from(
        allWindowIds(grid),
        (id) => perImage[Math.floor(id / grid.windowsPerImage)] ?? 0,
      );
      const factors = reshape(lookUp(tensor1d(perWindow), ids), [ids.size, 1]);
      return reshape(mul(factors, ones([1, grid.tokensPerWindow])), [index.size, 1]) as Tensor2D;
    },
  };
}

function classesOfBatch(grid: WindowGrid): Int32Array {
  const ofImage = windowMaskClasses(grid);
  return allWindowIds(grid).map((id) => ofImage[id % grid.windowsPerImage] ?? 0);
}

/** values [N, ...] at ids [n] -> [n, ...]. */
function lookUp(values: Tensor, ids: Tensor1D): Tensor {
  return gatherND(values, reshape(ids, [ids.size, 1]) as Tensor2D);
}
