/**
 * A window grid: how a feature map is cut into windows, as plain data. Padding and shift are index arithmetic on it; no map is ever
 * padded, rolled, partitioned or reversed.
 *
 * Windows are numbered row by row over the padded, shifted map; tokens row by row inside a window. In a batch, window `w` of image `b`
 * has the global id `b * windowsPerImage + w`.
 */

import type { SwinRules } from './architecture';
import { ShapeError } from './errors';

/** How one block cuts a map [batch, height, width, C] into windows of `window * window` tokens. */
export interface WindowGrid {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly window: number;
  /** Rows and columns by which the map is rolled up and left; 0 in a regular block. */
  readonly shiftY: number;
  readonly shiftX: number;
  readonly shift: SwinRules['shift'];
  readonly pad: SwinRules['pad'];
  /** Windows per column and per row of the grid. */
  readonly rows: number;
  readonly columns: number;
  readonly windowsPerImage: number;
  readonly tokensPerWindow: number;
  /** True when windows reach beyond the map. */
  readonly isPadded: boolean;
}

/**
 * The grid of one block: shift `window / 2` (rounded down) in a shifted block, unless the rules switch it off for a small map.
 *
 * @throws ShapeError when a size is not a positive integer
 * @example
 * const rules = { pad: 'after-norm', shift: 'pad-then-roll', shiftOff: 'never', imageRemainder: 'pad' } as const;
 * createWindowGrid({ batch: 1, height: 56, width: 56, window: 7, isShifted: true, rules }).windowsPerImage; // 64
 */
export function createWindowGrid(options: {
  batch: number;
  height: number;
  width: number;
  window: number;
  isShifted: boolean;
  rules: Pick<SwinRules, 'pad' | 'shift' | 'shiftOff'>;
}): WindowGrid {
  const { batch, height, width, window, isShifted, rules } = options;
  for (const [name, value] of Object.entries({ batch, height, width, window })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new ShapeError(`createWindowGrid: expected ${name} to be an integer of at least 1, got ${value}.`);
    }
  }
  const shift = isShifted ? Math.floor(window / 2) : 0;
  const isOff = (side: number, smaller: number): boolean =>
    rules.shiftOff === 'per-axis' ? side <= window : rules.shiftOff === 'both-axes' && smaller <= window;
  const smaller = Math.min(height, width);
  const rows = Math.ceil(height / window);
  const columns = Math.ceil(width / window);
  return {
    batch,
    height,
    width,
    window,
    shiftY: isOff(height, smaller) ? 0 : shift,
    shiftX: isOff(width, smaller) ? 0 : shift,
    shift: rules.shift,
    pad: rules.pad,
    rows,
    columns,
    windowsPerImage: rows * columns,
    tokensPerWindow: window * window,
    isPadded: rows * window !== height || columns * window !== width,
  };
}

/** The row (or column) of the map that a row (or column) of the padded, shifted map shows; -1 for a pad. */
function sourceOf(
  position: number,
  side: number,
  paddedSide: number,
  shift: number,
  order: WindowGrid['shift'],
): number {
  if (order === 'roll-then-pad') return position < side ? (position + shift) % side : -1;
  const source = (position + shift) % paddedSide;
  return source < side ? source : -1;
}

/**
 * The tokens of windows: for each slot of each window the index of its token in the map flattened to [batch * height * width], or -1 for a pad.
 *
 * @param windowIds global window ids (`image * windowsPerImage + window`)
 * @returns [windowIds.length * window * window]
 * @throws ShapeError for an id outside the grid
 * @example
 * windowTokens(grid, [0]); // the tokens of the first window of the first image
 */
export function windowTokens(grid: WindowGrid, windowIds: ArrayLike<number>): Int32Array {
  const { height, width, window, rows, columns, windowsPerImage, tokensPerWindow } = grid;
  const sourceRows = Int32Array.from({ length: rows * window }, (_, i) =>
    sourceOf(i, height, rows * window, grid.shiftY, grid.shift),
  );
  const sourceColumns = Int32Array.from({ length: columns * window }, (_, i) =>
    sourceOf(i, width, columns * window, grid.shiftX, grid.shift),
  );
  const tokens = new Int32Array(windowIds.length * tokensPerWindow);
  let at = 0;
  for (let i = 0; i < windowIds.length; i++) {
    const id = windowIds[i] ?? -1;
    checkWindowId(grid, id);
    const image = Math.floor(id / windowsPerImage);
    const inImage = id - image * windowsPerImage;
    const firstRow = Math.floor(inImage / columns) * window;
    const firstColumn = (inImage % columns) * window;
    for (let y = firstRow; y < firstRow + window; y++) {
      const row = sourceRows[y] ?? -1;
      for (let x = firstColumn; x < firstColumn + window; x++) {
        const column = sourceColumns[x] ?? -1;
        tokens[at++] = row < 0 || column < 0 ? -1 : (image * height + row) * width + column;
      }
    }
  }
  return tokens;
}

/** Every global window id of the grid, in order: [batch * windowsPerImage]. */
export function allWindowIds(grid: WindowGrid): Int32Array {
  return Int32Array.from({ length: grid.batch * grid.windowsPerImage }, (_, id) => id);
}

function checkWindowId(grid: WindowGrid, id: number): void {
  const count = grid.batch * grid.windowsPerImage;
  if (!Number.isInteger(id) || id < 0 || id >= count) {
    throw new ShapeError(`windowTokens: expected window ids from 0 to ${count - 1}, got ${id}.`);
  }
}

/** Number of real tokens of each window of one image: [windowsPerImage], each at least 1. */
export function realTokensPerWindow(grid: WindowGrid): Int32Array {
  const count = (blocks: number, side: number, shift: number): number[] =>
    Array.from({ length: blocks }, (_, block) => {
      let real = 0;
      for (let i = 0; i < grid.window; i++) {
        if (sourceOf(block * grid.window + i, side, blocks * grid.window, shift, grid.shift) >= 0) real++;
      }
      return real;
    });
  const byRow = count(grid.rows, grid.height, grid.shiftY);
  const byColumn = count(grid.columns, grid.width, grid.shiftX);
  return Int32Array.from(byRow.flatMap((r) => byColumn.map((c) => r * c)));
}

/** What a window of a shifted grid may attend to: it has one of four mask classes. */
export const maskClasses = { inner: 0, lastColumn: 1, lastRow: 2, corner: 3 } as const;

/**
 * The mask class of each window of one image: [windowsPerImage], values of `maskClasses`. All `inner` in a regular grid.
 *
 * Source: the nine-region mask of Swin (Microsoft `swin_transformer.py`, `BasicLayer`), which differs from zero only in the last row and column of windows.
 */
export function windowMaskClasses(grid: WindowGrid): Int32Array {
  return Int32Array.from({ length: grid.windowsPerImage }, (_, id) => {
    const inLastRow = grid.shiftY > 0 && Math.floor(id / grid.columns) === grid.rows - 1;
    const inLastColumn = grid.shiftX > 0 && id % grid.columns === grid.columns - 1;
    return (inLastRow ? maskClasses.lastRow : 0) + (inLastColumn ? maskClasses.lastColumn : 0);
  });
}

/** The value added to a logit between tokens of different regions of a shifted window. */
export const maskedLogit = -100;

/**
 * The four attention masks of a shifted grid: [4, tokens, tokens], 0 where two tokens may meet and -100 where they come from opposite
 * sides of the map.
 */
export function shiftMasks(grid: WindowGrid): Float32Array {
  const { window, tokensPerWindow: tokens } = grid;
  const masks = new Float32Array(4 * tokens * tokens);
  const isWrapped = (position: number, shift: number): boolean => position >= window - shift;
  for (let maskClass = 1; maskClass < 4; maskClass++) {
    const splitsRows = (maskClass & maskClasses.lastRow) !== 0;
    const splitsColumns = (maskClass & maskClasses.lastColumn) !== 0;
    const region = (token: number): number => {
      const isRowWrapped = splitsRows && isWrapped(Math.floor(token / window), grid.shiftY);
      const isColumnWrapped = splitsColumns && isWrapped(token % window, grid.shiftX);
      return (isRowWrapped ? 2 : 0) + (isColumnWrapped ? 1 : 0);
    };
    for (let query = 0; query < tokens; query++) {
      for (let key = 0; key < tokens; key++) {
        if (region(query) !== region(key)) masks[(maskClass * tokens + query) * tokens + key] = maskedLogit;
      }
    }
  }
  return masks;
}

/**
 * Which row of a relative position bias table a pair of tokens reads: [tokens * tokens], value
 * `(dy + window - 1) * (2 * window - 1) + dx + window - 1` for query minus key.
 */
export function relativePositionIndex(window: number): Int32Array {
  const tokens = window * window;
  const index = new Int32Array(tokens * tokens);
  for (let query = 0; query < tokens; query++) {
    for (let key = 0; key < tokens; key++) {
      const dy = Math.floor(query / window) - Math.floor(key / window);
      const dx = (query % window) - (key % window);
      index[query * tokens + key] = (dy + window - 1) * (2 * window - 1) + dx + window - 1;
    }
  }
  return index;
}
