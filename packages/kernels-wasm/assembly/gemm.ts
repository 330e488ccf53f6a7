/**
 * Matrix products. Both operands are packed, so that the innermost loop reads two streams: the left one in tiles of `tileRows` rows
 * (`[tile][k][row]`), the right one in panels of 8 columns (`[panel][k][column]`), zeros beyond the edge. Each element of the result is
 * one running sum in the order of k, whatever the tile, the block or the range of rows: results do not depend on how work is split.
 */

import { fusedMultiplyAdd, gelu4 } from './simd';

/** Columns of a panel. */
const panelColumns: i32 = 8;

/**
 * Rows of a tile: as many sums as the 16 vector registers of x86-64 hold beside one row of a panel and one value. A fused
 * multiply-add leaves room for 6 rows; without one the product needs a register too, and 4 rows are faster.
 */
const tileRows: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 4;

/** Bytes that a packed left block may take: half of a usual second-level cache. */
const blockBytes: i32 = 393216;

/** Rows of the left operand that are packed at a time: whole tiles of either size. */
@inline
function blockRows(depth: i32): i32 {
  return max(24, min(192, blockBytes / (4 * depth) / 12 * 12));
}

/** Steps of k that are taken at a time: a panel and a tile of them stay in the first-level cache. */
const depthBlock: i32 = 768;

/** Bytes of a packed right operand [depth, columns]. */
export function packedBytes(depth: i32, columns: i32): usize {
  return <usize>((columns + 7) & ~7) * <usize>depth << 2;
}

/** Bytes of scratch that `gemm` needs for depth `depth`. */
export function gemmScratchBytes(depth: i32): usize {
  const block = min(depth, depthBlock);
  return (<usize>blockRows(block) * <usize>block << 2) + 512;
}

/** Bytes of scratch that `gemmTransposed` needs for rows [depth, columns]. */
export function gemmTransposedScratchBytes(depth: i32, columns: i32): usize {
  const block = min(depth, depthBlock);
  return packedBytes(block, columns) + (<usize>blockRows(block) * <usize>block << 2) + 512;
}

/** Packs a right operand whose element (k, j) is `source[k * depthStride + j * columnStride]` into panels. */
export function packWeight(
  source: usize,
  target: usize,
  depth: i32,
  columns: i32,
  depthStride: i32,
  columnStride: i32,
): void {
  for (let j = 0; j < columns; j += panelColumns) {
    const width = min(panelColumns, columns - j);
    const from = source + (<usize>(j * columnStride) << 2);
    if (width == panelColumns && columnStride == 1) {
      for (let k = 0; k < depth; k++) {
        const row = from + (<usize>(k * depthStride) << 2);
        v128.store(target, v128.load(row));
        v128.store(target, v128.load(row, 16), 16);
        target += 32;
      }
    } else if (width == panelColumns && depthStride == 1) {
      target = packPanelTransposed(from, target, depth, <usize>columnStride << 2);
    } else {
      for (let k = 0; k < depth; k++) {
        const row = from + (<usize>(k * depthStride) << 2);
        for (let column = 0; column < panelColumns; column++) {
          const value = column < width ? load<f32>(row + (<usize>(column * columnStride) << 2)) : 0;
          store<f32>(target + (<usize>column << 2), value);
        }
        target += 32;
      }
    }
  }
}

/** A panel from 8 rows `bytes` apart: their transpose, 4 by 4. */
function packPanelTransposed(from: usize, target: usize, depth: i32, bytes: usize): usize {
  const lower = from + (bytes << 2);
  let at: usize = 0;
  for (const end = <usize>(depth & ~3) << 2; at < end; at += 16) {
    transpose4(from + at, bytes, target);
    transpose4(lower + at, bytes, target + 16);
    target += 128;
  }
  for (const end = <usize>depth << 2; at < end; at += 4) {
    for (let column: usize = 0; column < 8; column++) {
      store<f32>(target + (column << 2), load<f32>(from + column * bytes + at));
    }
    target += 32;
  }
  return target;
}

/** Four rows of four values -> four columns, 32 bytes apart. */
@inline
function transpose4(from: usize, bytes: usize, target: usize): void {
  const r0 = v128.load(from);
  const r1 = v128.load(from + bytes);
  const r2 = v128.load(from + 2 * bytes);
  const r3 = v128.load(from + 3 * bytes);
  const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
  const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  v128.store(target, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
  v128.store(target, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7), 32);
  v128.store(target, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5), 64);
  v128.store(target, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7), 96);
}

/** Packs rows [rows, depth] (rows `stride` values apart) into tiles. */
export function packRows(source: usize, target: usize, rows: i32, depth: i32, stride: i32): void {
  const bytes = <usize>stride << 2;
  let row = 0;
  for (; row + tileRows <= rows; row += tileRows) {
    const a = source + <usize>row * bytes;
    if (ASC_FEATURE_RELAXED_SIMD) target = packTile6(a, target, bytes, depth);
    else target = packTile4(a, target, bytes, depth);
  }
  if (row == rows) return;
  for (let k = 0; k < depth; k++) {
    for (let r = 0; r < tileRows; r++) {
      const value = row + r < rows ? load<f32>(source + <usize>(row + r) * bytes + (<usize>k << 2)) : 0;
      store<f32>(target, value);
      target += 4;
    }
  }
}

function packTile4(a: usize, target: usize, bytes: usize, depth: i32): usize {
  const a1 = a + bytes;
  const a2 = a1 + bytes;
  const a3 = a2 + bytes;
  let at: usize = 0;
  const end = <usize>(depth & ~3) << 2;
  for (; at < end; at += 16) {
    const r0 = v128.load(a + at);
    const r1 = v128.load(a1 + at);
    const r2 = v128.load(a2 + at);
    const r3 = v128.load(a3 + at);
    const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
    const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
    const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
    const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
    v128.store(target, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
    v128.store(target, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7), 16);
    v128.store(target, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5), 32);
    v128.store(target, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7), 48);
    target += 64;
  }
  for (const last = <usize>depth << 2; at < last; at += 4) {
    store<f32>(target, load<f32>(a + at));
    store<f32>(target, load<f32>(a1 + at), 4);
    store<f32>(target, load<f32>(a2 + at), 8);
    store<f32>(target, load<f32>(a3 + at), 12);
    target += 16;
  }
  return target;
}

function packTile6(a: usize, target: usize, bytes: usize, depth: i32): usize {
  const a1 = a + bytes;
  const a2 = a1 + bytes;
  const a3 = a2 + bytes;
  const a4 = a3 + bytes;
  const a5 = a4 + bytes;
  let at: usize = 0;
  const end = <usize>(depth & ~3) << 2;
  for (; at < end; at += 16) {
    const r0 = v128.load(a + at);
    const r1 = v128.load(a1 + at);
    const r2 = v128.load(a2 + at);
    const r3 = v128.load(a3 + at);
    const r4 = v128.load(a4 + at);
    const r5 = v128.load(a5 + at);
    const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
    const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
    const low45 = v128.shuffle<f32>(r4, r5, 0, 4, 1, 5);
    const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
    const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
    const high45 = v128.shuffle<f32>(r4, r5, 2, 6, 3, 7);
    v128.store(target, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
    v128.store(target, v128.shuffle<f32>(low45, low01, 0, 1, 6, 7), 16);
    v128.store(target, v128.shuffle<f32>(low23, low45, 2, 3, 6, 7), 32);
    v128.store(target, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5), 48);
    v128.store(target, v128.shuffle<f32>(high45, high01, 0, 1, 6, 7), 64);
    v128.store(target, v128.shuffle<f32>(high23, high45, 2, 3, 6, 7), 80);
    target += 96;
  }
  for (const last = <usize>depth << 2; at < last; at += 4) {
    store<f32>(target, load<f32>(a + at));
    store<f32>(target, load<f32>(a1 + at), 4);
    store<f32>(target, load<f32>(a2 + at), 8);
    store<f32>(target, load<f32>(a3 + at), 12);
    store<f32>(target, load<f32>(a4 + at), 16);
    store<f32>(target, load<f32>(a5 + at), 20);
    target += 24;
  }
  return target;
}

/** Packs columns of x [depth, width] as the rows of a left operand: its transpose, `count` rows from column `first`. */
export function packColumns(x: usize, target: usize, first: i32, count: i32, depth: i32, width: i32): void {
  const bytes = <usize>width << 2;
  for (let column = 0; column < count; column += tileRows) {
    let from = x + (<usize>(first + column) << 2);
    if (column + tileRows <= count) {
      for (let k = 0; k < depth; k++) {
        v128.store(target, v128.load(from));
        if (ASC_FEATURE_RELAXED_SIMD) store<i64>(target, load<i64>(from, 16), 16);
        target += <usize>tileRows << 2;
        from += bytes;
      }
    } else {
      for (let k = 0; k < depth; k++) {
        for (let r = 0; r < tileRows; r++) {
          store<f32>(target, column + r < count ? load<f32>(from + (<usize>r << 2)) : 0);
          target += 4;
        }
        from += bytes;
      }
    }
  }
}

/**
 * One block of rows times one panel: c (rows `stride` bytes apart) = sums that begin with `start` (rows `startStride` bytes apart: 0 for
 * the same 8 values in every row). Not inlined: an engine may replace a function by its optimised code only between calls, and a whole
 * product is one call.
 */
export function gemmPanel(
  a: usize,
  panel: usize,
  c: usize,
  stride: usize,
  rows: i32,
  width: i32,
  depth: i32,
  start: usize,
  startStride: usize,
  spare: usize,
): void {
  const end = panel + (<usize>depth << 5);
  for (let row = 0; row < rows; row += tileRows) {
    const out = c + <usize>row * stride;
    const begin = start + <usize>row * startStride;
    if (width == panelColumns && row + tileRows <= rows) {
      if (ASC_FEATURE_RELAXED_SIMD) tile6(a, panel, end, out, stride, begin, startStride);
      else tile4(a, panel, end, out, stride, begin, startStride);
    } else {
      // the same instructions on a tile of its own; only what exists is copied in and out
      const rowsHere = min(tileRows, rows - row);
      if (startStride) copyTile(begin, startStride, spare, 32, rowsHere, width);
      const from = startStride ? spare : start;
      if (ASC_FEATURE_RELAXED_SIMD) tile6(a, panel, end, spare, 32, from, startStride ? 32 : 0);
      else tile4(a, panel, end, spare, 32, from, startStride ? 32 : 0);
      copyTile(spare, 32, out, stride, rowsHere, width);
    }
    a += <usize>(depth * tileRows) << 2;
  }
}

function copyTile(from: usize, fromStride: usize, to: usize, toStride: usize, rows: i32, width: i32): void {
  for (let row = 0; row < rows; row++) {
    if (width == panelColumns) {
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, 16), 16);
    } else {
      copyValues(from, to, width);
    }
    from += fromStride;
    to += toStride;
  }
}

/** A few values; `memory.copy` is a call out of the module. */
@inline
function copyValues(from: usize, to: usize, count: i32): void {
  for (let i: usize = 0, end = <usize>count << 2; i < end; i += 4) store<f32>(to + i, load<f32>(from + i));
}

@inline
function tile4(a: usize, panel: usize, end: usize, c: usize, stride: usize, start: usize, startStride: usize): void {
  const c1 = c + stride;
  const c2 = c1 + stride;
  const c3 = c2 + stride;
  const s1 = start + startStride;
  const s2 = s1 + startStride;
  const s3 = s2 + startStride;
  let x0 = v128.load(start), y0 = v128.load(start, 16);
  let x1 = v128.load(s1), y1 = v128.load(s1, 16);
  let x2 = v128.load(s2), y2 = v128.load(s2, 16);
  let x3 = v128.load(s3), y3 = v128.load(s3, 16);
  for (let b = panel; b < end; b += 32) {
    const p = v128.load(b);
    const q = v128.load(b, 16);
    const v0 = v128.load32_splat(a);
    x0 = fusedMultiplyAdd(v0, p, x0);
    y0 = fusedMultiplyAdd(v0, q, y0);
    const v1 = v128.load32_splat(a, 4);
    x1 = fusedMultiplyAdd(v1, p, x1);
    y1 = fusedMultiplyAdd(v1, q, y1);
    const v2 = v128.load32_splat(a, 8);
    x2 = fusedMultiplyAdd(v2, p, x2);
    y2 = fusedMultiplyAdd(v2, q, y2);
    const v3 = v128.load32_splat(a, 12);
    x3 = fusedMultiplyAdd(v3, p, x3);
    y3 = fusedMultiplyAdd(v3, q, y3);
    a += 16;
  }
  v128.store(c, x0); v128.store(c, y0, 16);
  v128.store(c1, x1); v128.store(c1, y1, 16);
  v128.store(c2, x2); v128.store(c2, y2, 16);
  v128.store(c3, x3); v128.store(c3, y3, 16);
}

@inline
function tile6(a: usize, panel: usize, end: usize, c: usize, stride: usize, start: usize, startStride: usize): void {
  const c1 = c + stride;
  const c2 = c1 + stride;
  const c3 = c2 + stride;
  const c4 = c3 + stride;
  const c5 = c4 + stride;
  const s1 = start + startStride;
  const s2 = s1 + startStride;
  const s3 = s2 + startStride;
  const s4 = s3 + startStride;
  const s5 = s4 + startStride;
  let x0 = v128.load(start), y0 = v128.load(start, 16);
  let x1 = v128.load(s1), y1 = v128.load(s1, 16);
  let x2 = v128.load(s2), y2 = v128.load(s2, 16);
  let x3 = v128.load(s3), y3 = v128.load(s3, 16);
  let x4 = v128.load(s4), y4 = v128.load(s4, 16);
  let x5 = v128.load(s5), y5 = v128.load(s5, 16);
  for (let b = panel; b < end; b += 32) {
    const p = v128.load(b);
    const q = v128.load(b, 16);
    const v0 = v128.load32_splat(a);
    x0 = fusedMultiplyAdd(v0, p, x0);
    y0 = fusedMultiplyAdd(v0, q, y0);
    const v1 = v128.load32_splat(a, 4);
    x1 = fusedMultiplyAdd(v1, p, x1);
    y1 = fusedMultiplyAdd(v1, q, y1);
    const v2 = v128.load32_splat(a, 8);
    x2 = fusedMultiplyAdd(v2, p, x2);
    y2 = fusedMultiplyAdd(v2, q, y2);
    const v3 = v128.load32_splat(a, 12);
    x3 = fusedMultiplyAdd(v3, p, x3);
    y3 = fusedMultiplyAdd(v3, q, y3);
    const v4 = v128.load32_splat(a, 16);
    x4 = fusedMultiplyAdd(v4, p, x4);
    y4 = fusedMultiplyAdd(v4, q, y4);
    const v5 = v128.load32_splat(a, 20);
    x5 = fusedMultiplyAdd(v5, p, x5);
    y5 = fusedMultiplyAdd(v5, q, y5);
    a += 24;
  }
  v128.store(c, x0); v128.store(c, y0, 16);
  v128.store(c1, x1); v128.store(c1, y1, 16);
  v128.store(c2, x2); v128.store(c2, y2, 16);
  v128.store(c3, x3); v128.store(c3, y3, 16);
  v128.store(c4, x4); v128.store(c4, y4, 16);
  v128.store(c5, x5); v128.store(c5, y5, 16);
}

/** GELU, scale and residual on one panel of a block of rows, while it is in the first-level cache. */
function finishPanel(
  c: usize,
  residual: usize,
  scale: usize,
  columns: i32,
  rows: i32,
  width: i32,
  hasGelu: bool,
  spare: usize,
): void {
  const stride = <usize>columns << 2;
  for (let row = 0; row < rows; row++) {
    let at = c;
    if (width < panelColumns) {
      at = spare;
      copyValues(c, spare, width);
      if (residual) copyValues(residual, spare + 32, width);
    }
    let x = v128.load(at);
    let y = v128.load(at, 16);
    if (hasGelu) {
      x = gelu4(x);
      y = gelu4(y);
    }
    if (scale) {
      const factor = v128.load32_splat(scale);
      x = f32x4.mul(x, factor);
      y = f32x4.mul(y, factor);
      scale += 4;
    }
    if (residual) {
      const from = width < panelColumns ? spare + 32 : residual;
      x = f32x4.add(x, v128.load(from));
      y = f32x4.add(y, v128.load(from, 16));
      residual += stride;
    }
    v128.store(at, x);
    v128.store(at, y, 16);
    if (width < panelColumns) copyValues(spare, c, width);
    c += stride;
  }
}

/** Rows of each block when `rows` are taken in as few blocks as may be, about equally long: a short last one would read all panels for little. */
@inline
function evenBlockRows(rows: i32, depth: i32): i32 {
  const most = blockRows(depth);
  const blocks = (rows + most - 1) / most;
  const even = (rows + blocks - 1) / blocks;
  return min(most, (even + 11) / 12 * 12);
}

/**
 * c = residual + scale * gelu(a w + bias) for rows `rowBegin` to `rowEnd` and columns `columnBegin` to `columnEnd`: a [rows, depth], w packed
 * by `packWeight`, c and residual [rows, columns], scale [rows], bias [columns]; bias, residual and scale may be 0 (absent). `residual` may
 * be `c`. A range of columns begins at a multiple of 8 and ends at one or at the last column.
 */
export function gemmColumns(
  a: usize,
  packed: usize,
  c: usize,
  bias: usize,
  residual: usize,
  scale: usize,
  rowBegin: i32,
  rowEnd: i32,
  depth: i32,
  columns: i32,
  hasGelu: bool,
  scratch: usize,
  columnBegin: i32,
  columnEnd: i32,
): void {
  if (rowEnd <= rowBegin) return;
  const spare = scratch; // two tiles' worth of values that are not whole
  const start = scratch + 256; // bias of a panel
  const tiles = scratch + 512;
  const block = min(depth, depthBlock);
  const rowsAtATime = evenBlockRows(rowEnd - rowBegin, block);
  const stride = <usize>columns << 2;
  const isFinished = !hasGelu && scale == 0 && residual == 0;
  memory.fill(start, 0, 32);
  for (let row = rowBegin; row < rowEnd; row += rowsAtATime) {
    const rows = min(rowsAtATime, rowEnd - row);
    const first = <usize>row * stride;
    for (let k = 0; k < depth; k += block) {
      const depthHere = min(block, depth - k);
      packRows(a + (<usize>row * <usize>depth + <usize>k << 2), tiles, rows, depthHere, depth);
      for (let j = columnBegin; j < columnEnd; j += panelColumns) {
        const width = min(panelColumns, columns - j);
        const out = c + first + (<usize>j << 2);
        const panel = packed + (<usize>j * <usize>depth << 2) + (<usize>k << 5);
        if (bias) copyTile(bias + (<usize>j << 2), 0, start, 0, 1, width);
        gemmPanel(tiles, panel, out, stride, rows, width, depthHere, k > 0 ? out : start, k > 0 ? stride : 0, spare);
        if (!isFinished && k + depthHere == depth) {
          const from = residual ? residual + first + (<usize>j << 2) : 0;
          finishPanel(out, from, scale ? scale + (<usize>row << 2) : 0, columns, rows, width, hasGelu, spare);
        }
      }
    }
  }
}

/** `gemmColumns` for all columns. */
export function gemm(
  a: usize,
  packed: usize,
  c: usize,
  bias: usize,
  residual: usize,
  scale: usize,
  rowBegin: i32,
  rowEnd: i32,
  depth: i32,
  columns: i32,
  hasGelu: bool,
  scratch: usize,
): void {
  gemmColumns(a, packed, c, bias, residual, scale, rowBegin, rowEnd, depth, columns, hasGelu, scratch, 0, columns);
}

/**
 * c = xᵀ y for rows `rowBegin` to `rowEnd` of c: x [depth, rowsOfC], y [depth, columns], c [rowsOfC, columns]. Sums over `depth` in blocks,
 * in order.
 */
export function gemmTransposed(
  x: usize,
  y: usize,
  c: usize,
  rowBegin: i32,
  rowEnd: i32,
  depth: i32,
  rowsOfC: i32,
  columns: i32,
  scratch: usize,
): void {
  const block = min(depth, depthBlock);
  const spare = scratch;
  const start = scratch + 256;
  const panels = scratch + 512;
  const tiles = panels + packedBytes(block, columns);
  const rowsAtATime = blockRows(block);
  const stride = <usize>columns << 2;
  memory.fill(start, 0, 32);
  for (let k = 0; k < depth; k += block) {
    const depthHere = min(block, depth - k);
    packWeight(y + (<usize>k * <usize>columns << 2), panels, depthHere, columns, columns, 1);
    for (let row = rowBegin; row < rowEnd; row += rowsAtATime) {
      const rows = min(rowsAtATime, rowEnd - row);
      packColumns(x + (<usize>k * <usize>rowsOfC << 2), tiles, row, rows, depthHere, rowsOfC);
      for (let j = 0; j < columns; j += panelColumns) {
        const out = c + <usize>row * stride + (<usize>j << 2);
        const panel = panels + (<usize>j * <usize>depthHere << 2);
        const width = min(panelColumns, columns - j);
        gemmPanel(tiles, panel, out, stride, rows, width, depthHere, k > 0 ? out : start, k > 0 ? stride : 0, spare);
      }
    }
  }
}

/** sums = the sum of x [rows, columns] over its rows, for columns `columnBegin` to `columnEnd`, in the order of rows. */
export function columnSums(x: usize, sums: usize, rows: i32, columns: i32, columnBegin: i32, columnEnd: i32): void {
  const stride = <usize>columns << 2;
  let column = columnBegin;
  for (; column + 16 <= columnEnd; column += 16) {
    // a whole cache line of every row
    let at = x + (<usize>column << 2);
    let a = f32x4.splat(0), b = f32x4.splat(0), c = f32x4.splat(0), d = f32x4.splat(0);
    for (let row = 0; row < rows; row++) {
      a = f32x4.add(a, v128.load(at));
      b = f32x4.add(b, v128.load(at, 16));
      c = f32x4.add(c, v128.load(at, 32));
      d = f32x4.add(d, v128.load(at, 48));
      at += stride;
    }
    const to = sums + (<usize>column << 2);
    v128.store(to, a);
    v128.store(to, b, 16);
    v128.store(to, c, 32);
    v128.store(to, d, 48);
  }
  for (; column < columnEnd; column++) {
    let at = x + (<usize>column << 2);
    let sum: f32 = 0;
    for (let row = 0; row < rows; row++) {
      sum += load<f32>(at);
      at += stride;
    }
    store<f32>(sums + (<usize>column << 2), sum);
  }
}
