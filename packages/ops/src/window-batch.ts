/**
 * A batch of windows inside `mapWindows`: its rows gathered straight from the map by coordinates, and what the ops of a body need to know of
 * its windows. Two kinds: windows whose ids the host knows (a dense block; pads are left out of `tokens`), and windows whose ids are data on
 * the device (kept windows; pads stay in `tokens` and are dropped when rows are written back).
 */

import type { WindowBatch, WindowGrid } from '@sparsevit/windows';
import { allWindowIds, windowMaskClasses, windowTokens } from '@sparsevit/windows';
import { hasKernel, kernelNames, runKernel } from './kernels';
import { gatherRows } from './rows';
import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from './tensor';
import { cast, gatherND, less, mul, ones, reshape, scalar, tensor1d, tensor2d } from './tensor';

/** A batch of windows on TensorFlow.js. */
export interface TensorWindows extends WindowBatch<Tensor> {
  /** The map [B, H, W, C] that the windows are cut from. */
  readonly map: Tensor4D;
  /** Global window ids [n], int32. */
  readonly ids: Tensor1D;
  /** 1 for a real row, 0 for a pad: [n * M * M, 1]; null without pads. */
  readonly isReal: Tensor2D | null;
  /** Mask class of each window [n], int32; null when all are `inner`. */
  readonly classes: Tensor1D | null;
  /** Rows [n * M * M, C] -> the rows that are written back. */
  keepTokens(rows: Tensor2D): Tensor2D;
  /** Factor of each image [B] -> factor of each of `tokens` [tokens, 1]. */
  factorsOf(perImage: Float32Array): Tensor2D;
}

/** Windows whose ids the host knows. */
export function hostWindows(x: Tensor4D, grid: WindowGrid, windowIds: Int32Array): TensorWindows {
  const slots = windowTokens(grid, windowIds);
  const ids = tensor1d(windowIds, 'int32');
  const rows = gatherSlots(x, grid, ids, () => tensor1d(withPads(slots, grid, windowIds, ownToken(grid)), 'int32'));
  const realSlots = slots.map((_, slot) => slot).filter((slot) => (slots[slot] ?? -1) >= 0);
  const realIndex = grid.isPadded ? tensor1d(realSlots, 'int32') : null;
  const keepTokens = (all: Tensor2D): Tensor2D => (realIndex === null ? all : gatherRows(all, realIndex));
  const classes = windowIds.length === 0 ? [] : Array.from(windowIds, classLookup(grid));
  const tokensPerImage = grid.height * grid.width;
  return {
    grid,
    map: x,
    rows,
    tokens: keepTokens(rows),
    ids,
    isReal: grid.isPadded
      ? tensor2d(
          Float32Array.from(slots, (token) => (token < 0 ? 0 : 1)),
          [slots.length, 1],
        )
      : null,
    classes: classes.some((maskClass) => maskClass !== 0) ? tensor1d(classes, 'int32') : null,
    keepTokens,
    factorsOf(perImage) {
      // not `realTokens(slots).map`: an Int32Array would cut the factors to whole numbers
      const factors = Float32Array.from(
        realTokens(slots),
        (token) => perImage[Math.floor(token / tokensPerImage)] ?? 0,
      );
      return tensor2d(factors, [factors.length, 1], 'float32');
    },
  };
}

/** The tokens of slots without pads, in slot order: which token of the flattened map each of a dense batch's `tokens` is. */
export function realTokens(slots: Int32Array): Int32Array {
  return slots.filter((token) => token >= 0);
}

const classLookup = (grid: WindowGrid): ((id: number) => number) => {
  const classes = windowMaskClasses(grid);
  return (id) => classes[id % grid.windowsPerImage] ?? 0;
};

/** Slots with their pads (-1) replaced by a token of each window's choice. */
function withPads(
  slots: Int32Array,
  grid: WindowGrid,
  windowIds: Int32Array,
  ofPad: (id: number) => number,
): Int32Array {
  if (!grid.isPadded) return slots;
  return slots.map((token, slot) =>
    token < 0 ? ofPad(windowIds[Math.floor(slot / grid.tokensPerWindow)] ?? 0) : token,
  );
}

/** What a pad reads until it is set to its rule's value: a token of its own image, so that images stay independent even of a NaN. */
const ownToken = (grid: WindowGrid): ((id: number) => number) => {
  const tokensPerImage = grid.height * grid.width;
  return (id) => Math.floor(id / grid.windowsPerImage) * tokensPerImage;
};

/** For every window of a batch of images, the token of each slot, [B * windowsPerImage, M * M] int32. */
export interface SlotTables {
  /** Where a slot is read from; a pad reads a token of its own image. */
  readonly source: Tensor2D;
  /** Where a slot is written to; a pad to one past the last token. The same tensor as `source` without pads. */
  readonly target: Tensor2D;
}

/** The slot tables of a grid. */
export function slotTables(grid: WindowGrid): SlotTables {
  const ids = allWindowIds(grid);
  const slots = windowTokens(grid, ids);
  const spare = grid.batch * grid.height * grid.width;
  const table = (ofPad: (id: number) => number): Tensor2D =>
    tensor2d(withPads(slots, grid, ids, ofPad), [ids.length, grid.tokensPerWindow], 'int32');
  const source = table(ownToken(grid));
  return { source, target: grid.isPadded ? table(() => spare) : source };
}

/** The slots of windows [n] int32 -> [n * M * M] int32. */
export function slotsOf(table: Tensor2D, ids: Tensor1D): Tensor1D {
  const slots = gatherND(table, reshape(ids, [ids.size, 1]) as Tensor2D);
  return reshape(slots, [slots.size]) as Tensor1D;
}

/** Windows whose ids are data on the device. */
export function deviceWindows(x: Tensor4D, grid: WindowGrid, ids: Tensor1D, tables: SlotTables): TensorWindows {
  const spare = grid.batch * grid.height * grid.width;
  const rows = gatherSlots(x, grid, ids, () => slotsOf(tables.source, ids));
  const isShifted = grid.shiftY > 0 || grid.shiftX > 0;
  return {
    grid,
    map: x,
    rows,
    tokens: rows,
    ids,
    isReal: grid.isPadded ? isBelow(slotsOf(tables.target, ids), spare) : null,
    classes: isShifted ? lookUp(tensor1d(Int32Array.from(allWindowIds(grid), classLookup(grid)), 'int32'), ids) : null,
    keepTokens: (all) => all,
    factorsOf(perImage) {
      const perWindow = Float32Array.from(
        allWindowIds(grid),
        (id) => perImage[Math.floor(id / grid.windowsPerImage)] ?? 0,
      );
      const factors = reshape(lookUp(tensor1d(perWindow), ids), [ids.size, 1]);
      return reshape(mul(factors, ones([1, grid.tokensPerWindow])), [ids.size * grid.tokensPerWindow, 1]) as Tensor2D;
    },
  };
}

/** 1 where a slot is a token, 0 where it is a pad: [n] -> [n, 1]. */
function isBelow(slots: Tensor1D, spare: number): Tensor2D {
  return reshape(cast(less(slots, scalar(spare, 'int32')), 'float32'), [slots.size, 1]) as Tensor2D;
}

/** values [N] at ids [n] -> [n]. */
function lookUp(values: Tensor1D, ids: Tensor1D): Tensor1D {
  return gatherND(values, reshape(ids, [ids.size, 1]) as Tensor2D) as Tensor1D;
}

function gatherSlots(x: Tensor4D, grid: WindowGrid, ids: Tensor1D, slots: () => Tensor1D): Tensor2D {
  if (hasKernel(kernelNames.gatherWindows))
    return runKernel(kernelNames.gatherWindows, { x, ids }, { grid }) as Tensor2D;
  const channels = x.shape[3];
  return gatherRows(reshape(x, [grid.batch * grid.height * grid.width, channels]) as Tensor2D, slots());
}
