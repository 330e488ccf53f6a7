/** Scoring windows and ranking them. */

import { fusedMultiplyAdd } from './simd';

@inline
function sumLanes(x: v128): f32 {
  return f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3));
}

/** out [n] = the mean of |x|, or with `isNorm` sqrt of the sum of x², over the channels of rows `begin` to `end`. */
export function magnitude(x: usize, out: usize, begin: i32, end: i32, channels: i32, isNorm: bool): void {
  const bytes = <usize>channels << 2;
  const whole = bytes & ~15;
  for (let row = begin; row < end; row++) {
    const from = x + <usize>row * bytes;
    let sum = f32x4.splat(0);
    let at: usize = 0;
    if (isNorm) {
      for (; at < whole; at += 16) {
        const value = v128.load(from + at);
        sum = fusedMultiplyAdd(value, value, sum);
      }
    } else {
      for (; at < whole; at += 16) sum = f32x4.add(sum, f32x4.abs(v128.load(from + at)));
    }
    let total = sumLanes(sum);
    for (; at < bytes; at += 4) {
      const value = load<f32>(from + at);
      total += isNorm ? value * value : Mathf.abs(value);
    }
    store<f32>(out + (<usize>row << 2), isNorm ? Mathf.sqrt(total) : total / <f32>channels);
  }
}

/** The row (or column) of a map that a position of the padded, shifted map shows; -1 for a pad. */
@inline
export function sourceOf(position: i32, side: i32, paddedSide: i32, shift: i32, rollsFirst: bool): i32 {
  if (rollsFirst) return position < side ? (position + shift) % side : -1;
  const source = (position + shift) % paddedSide;
  return source < side ? source : -1;
}

/**
 * scores [batch * windows per image] = L2 norm over each window's tokens of `importance` [batch, height, width], for windows `begin` to
 * `end`; with `leavesOutPads` times sqrt(window² / real tokens).
 */
export function windowScores(
  importance: usize,
  scores: usize,
  begin: i32,
  end: i32,
  height: i32,
  width: i32,
  window: i32,
  shiftY: i32,
  shiftX: i32,
  rollsFirst: bool,
  leavesOutPads: bool,
): void {
  const rows = (height + window - 1) / window;
  const columns = (width + window - 1) / window;
  for (let id = begin; id < end; id++) {
    const image = id / (rows * columns);
    const inImage = id - image * rows * columns;
    const firstRow = inImage / columns * window;
    const firstColumn = inImage % columns * window;
    const map = importance + (<usize>(image * height) * <usize>width << 2);
    let sum: f32 = 0;
    let real = 0;
    for (let y = 0; y < window; y++) {
      const row = sourceOf(firstRow + y, height, rows * window, shiftY, rollsFirst);
      if (row < 0) continue;
      for (let x = 0; x < window; x++) {
        const column = sourceOf(firstColumn + x, width, columns * window, shiftX, rollsFirst);
        if (column < 0) continue;
        const value = load<f32>(map + (<usize>(row * width + column) << 2));
        sum += value * value;
        real++;
      }
    }
    let score = Mathf.sqrt(sum);
    if (leavesOutPads) score *= Mathf.sqrt(<f32>(window * window) / <f32>real);
    store<f32>(scores + (<usize>id << 2), score);
  }
}

/** True when a window of score `a` stands before a later one of score `b`: the better first, equals in the order of ids, a NaN last. */
@inline
function isBefore(a: f32, b: f32): bool {
  return a >= b || b != b;
}

/** The `kept` best of `count` windows by falling score: ids [kept]; `scratch` has room for 2 * count ids. A merge sort, stable. */
export function selectWindows(scores: usize, ids: usize, count: i32, kept: i32, scratch: usize): void {
  let from = scratch;
  let to = scratch + (<usize>count << 2);
  for (let id = 0; id < count; id++) store<i32>(from + (<usize>id << 2), id);
  for (let run = 1; run < count; run *= 2) {
    for (let begin = 0; begin < count; begin += 2 * run) {
      const middle = min(begin + run, count);
      const end = min(begin + 2 * run, count);
      let left = begin;
      let right = middle;
      for (let at = begin; at < end; at++) {
        let takesLeft = left < middle;
        if (takesLeft && right < end) {
          const a = load<f32>(scores + (<usize>load<i32>(from + (<usize>left << 2)) << 2));
          const b = load<f32>(scores + (<usize>load<i32>(from + (<usize>right << 2)) << 2));
          takesLeft = isBefore(a, b);
        }
        const id = load<i32>(from + (<usize>(takesLeft ? left++ : right++) << 2));
        store<i32>(to + (<usize>at << 2), id);
      }
    }
    const swapped = from;
    from = to;
    to = swapped;
  }
  memory.copy(ids, from, <usize>kept << 2);
}

/**
 * The windows of every image whose score / window is at least a threshold, and at least `minKept`: global ids by image, then by falling
 * score. Returns how many, and puts that at `total`; `ids` has room for all windows, `scratch` for 3 * count ids.
 */
export function windowsAboveThreshold(
  scores: usize,
  ids: usize,
  batch: i32,
  count: i32,
  threshold: f64,
  window: i32,
  minKept: i32,
  total: usize,
  scratch: usize,
): i32 {
  const ranked = scratch + (<usize>count << 3);
  let kept = 0;
  for (let image = 0; image < batch; image++) {
    const first = image * count;
    const from = scores + (<usize>first << 2);
    selectWindows(from, ranked, count, count, scratch);
    for (let rank = 0; rank < count; rank++) {
      const id = load<i32>(ranked + (<usize>rank << 2));
      const score = <f64>load<f32>(from + (<usize>id << 2)) / <f64>window;
      if (rank < minKept || score >= threshold) store<i32>(ids + (<usize>(kept++) << 2), first + id);
    }
  }
  store<i32>(total, kept);
  return kept;
}
