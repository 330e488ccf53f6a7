/** Moving rows: by index, where -1 stands for a pad, and by the coordinates of patches and windows. */

import { sourceOf } from './scores';

/** out [n, channels] = x[index] for rows `begin` to `end` of the index; zeros for -1. */
export function gatherRows(x: usize, index: usize, out: usize, begin: i32, end: i32, channels: i32): void {
  const bytes = <usize>channels << 2;
  let target = out + <usize>begin * bytes;
  for (let row = begin; row < end; row++) {
    const from = load<i32>(index + (<usize>row << 2));
    if (from < 0) memory.fill(target, 0, bytes);
    else copyRow(x + <usize>from * bytes, target, bytes);
    target += bytes;
  }
}

/** out[index] = rows for rows `begin` to `end` of the index; zeros where `rows` is 0; -1 is dropped. */
export function scatterRows(rows: usize, index: usize, out: usize, begin: i32, end: i32, channels: i32): void {
  const bytes = <usize>channels << 2;
  for (let row = begin; row < end; row++) {
    const to = load<i32>(index + (<usize>row << 2));
    if (to < 0) continue;
    const target = out + <usize>to * bytes;
    if (rows) copyRow(rows + <usize>row * bytes, target, bytes);
    else memory.fill(target, 0, bytes);
  }
}

/** y = x for values `begin` to `end`. */
export function copyValues(x: usize, y: usize, begin: i32, end: i32): void {
  if (end > begin) memory.copy(y + (<usize>begin << 2), x + (<usize>begin << 2), <usize>(end - begin) << 2);
}

/** The whole number at an address: a count that is data. */
export function loadInteger(address: usize): i32 {
  return load<i32>(address);
}

/**
 * out [tokens, patch * patch * channels] = the pixels of patches `begin` to `end` of [batch, rows, columns] patches of an image [batch,
 * height, width, channels], by row, column and channel; zeros beyond the image.
 */
export function patchRows(
  image: usize,
  out: usize,
  begin: i32,
  end: i32,
  height: i32,
  width: i32,
  rows: i32,
  columns: i32,
  patch: i32,
  channels: i32,
): void {
  const lineBytes = <usize>(patch * channels) << 2;
  let target = out + <usize>begin * (lineBytes * <usize>patch);
  for (let token = begin; token < end; token++) {
    const inImage = token % (rows * columns);
    const top = (token / (rows * columns)) * height;
    const firstLine = inImage / columns * patch;
    const firstPixel = inImage % columns * patch;
    const bytes = <usize>(min(patch, width - firstPixel) * channels) << 2;
    for (let line = firstLine; line < firstLine + patch; line++) {
      const from = image + (<usize>(top + line) * <usize>width + <usize>firstPixel) * (<usize>channels << 2);
      const here = line < height ? bytes : 0;
      copyRow(from, target, here);
      if (here < lineBytes) memory.fill(target + here, 0, lineBytes - here);
      target += lineBytes;
    }
  }
}

/**
 * out [tokens, 4 * channels] = the neighbours (0,0), (1,0), (0,1), (1,1) of (row, column) of merged tokens `begin` to `end` of a map [batch,
 * height, width, channels]; zeros beyond an odd side.
 */
export function mergeRows(x: usize, out: usize, begin: i32, end: i32, height: i32, width: i32, channels: i32): void {
  const rows = (height + 1) / 2;
  const columns = (width + 1) / 2;
  const bytes = <usize>channels << 2;
  let target = out + <usize>begin * (bytes << 2);
  for (let token = begin; token < end; token++) {
    const inImage = token % (rows * columns);
    const map = x + <usize>(token / (rows * columns) * height) * <usize>width * bytes;
    for (let neighbour = 0; neighbour < 4; neighbour++) {
      const row = inImage / columns * 2 + (neighbour & 1);
      const column = inImage % columns * 2 + (neighbour >> 1);
      if (row < height && column < width) copyRow(map + (<usize>row * <usize>width + <usize>column) * bytes, target, bytes);
      else memory.fill(target, 0, bytes);
      target += bytes;
    }
  }
}

/**
 * The rows of windows `begin` to `end` of a selection, and how many they are: `index` [rows] the tokens that are no pads, by window and
 * slot; `slots` [windows * window²] the row that each slot reads, pads the one after the last (may be 0); `classes` [windows] the mask
 * classes (may be 0); the count also goes to `count` (may be 0).
 *
 * Window i is `ids[i / kept * stride + i % kept]` of image i / kept, counted inside the image; without `ids` it is window i of all, and with
 * kept = 0 `ids[i]` is counted over all images.
 */
export function windowRows(
  ids: usize,
  begin: i32,
  end: i32,
  kept: i32,
  stride: i32,
  height: i32,
  width: i32,
  window: i32,
  shiftY: i32,
  shiftX: i32,
  rollsFirst: bool,
  index: usize,
  slots: usize,
  classes: usize,
  count: usize,
): i32 {
  const rows = (height + window - 1) / window;
  const columns = (width + window - 1) / window;
  const tokens = window * window;
  let row = 0;
  let slot = slots;
  for (let i = begin; i < end; i++) {
    let id = i;
    if (ids && kept) id = i / kept * (rows * columns) + load<i32>(ids + (<usize>(i / kept * stride + i % kept) << 2));
    else if (ids) id = load<i32>(ids + (<usize>i << 2));
    const image = id / (rows * columns);
    const inImage = id - image * (rows * columns);
    const windowRow = inImage / columns;
    const windowColumn = inImage % columns;
    if (classes) {
      const inLastRow = shiftY > 0 && windowRow == rows - 1;
      const inLastColumn = shiftX > 0 && windowColumn == columns - 1;
      store<i32>(classes + (<usize>(i - begin) << 2), (inLastRow ? 2 : 0) + (inLastColumn ? 1 : 0));
    }
    for (let y = 0; y < window; y++) {
      const mapRow = sourceOf(windowRow * window + y, height, rows * window, shiftY, rollsFirst);
      const first = (image * height + mapRow) * width;
      for (let x = 0; x < window; x++) {
        const mapColumn = sourceOf(windowColumn * window + x, width, columns * window, shiftX, rollsFirst);
        const isReal = mapRow >= 0 && mapColumn >= 0;
        if (slots) {
          store<i32>(slot, isReal ? row : -1);
          slot += 4;
        }
        if (isReal) store<i32>(index + (<usize>(row++) << 2), first + mapColumn);
      }
    }
  }
  for (let at = slots; at < slot; at += 4) if (load<i32>(at) < 0) store<i32>(at, row);
  if (count) store<i32>(count, row);
  return row;
}

/** A row of some dozens to hundreds of values; `memory.copy` is a call out of the module. */
@inline
function copyRow(from: usize, to: usize, bytes: usize): void {
  let at: usize = 0;
  for (const whole = bytes & ~63; at < whole; at += 64) {
    const a = v128.load(from + at);
    const b = v128.load(from + at, 16);
    const c = v128.load(from + at, 32);
    const d = v128.load(from + at, 48);
    v128.store(to + at, a);
    v128.store(to + at, b, 16);
    v128.store(to + at, c, 32);
    v128.store(to + at, d, 48);
  }
  for (const whole = bytes & ~15; at < whole; at += 16) v128.store(to + at, v128.load(from + at));
  for (; at < bytes; at += 4) store<f32>(to + at, load<f32>(from + at));
}

/** out [batch, channels] = the mean over the `tokens` tokens of images `begin` to `end` of x [batch, tokens, channels]. */
export function averagePool(x: usize, out: usize, begin: i32, end: i32, tokens: i32, channels: i32): void {
  const bytes = <usize>channels << 2;
  const whole = bytes & ~15;
  const share: f32 = 1 / <f32>tokens;
  for (let image = begin; image < end; image++) {
    const from = x + <usize>(image * tokens) * bytes;
    const to = out + <usize>image * bytes;
    const last = from + <usize>tokens * bytes;
    for (let at: usize = 0; at < whole; at += 16) {
      let sum = f32x4.splat(0);
      for (let row = from + at; row < last; row += bytes) sum = f32x4.add(sum, v128.load(row));
      v128.store(to + at, f32x4.mul(sum, f32x4.splat(share)));
    }
    for (let at = whole; at < bytes; at += 4) {
      let sum: f32 = 0;
      for (let row = from + at; row < last; row += bytes) sum += load<f32>(row);
      store<f32>(to + at, sum * share);
    }
  }
}
