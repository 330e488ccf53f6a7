/**
 * Attention inside windows. For each window and head the rows of q, k and v are gathered once and packed, and everything up to the written
 * rows happens in scratch memory that stays in the cache. The sums of q kᵀ begin with the position bias, so that adding it costs nothing.
 *
 * Logits are rows of `padded(tokens)` columns: whole panels; the bias is -1e30 beyond the last token: weights there are next to nothing, and meet no value.
 */

import { gemmPanel, packedBytes, packRows, packWeight } from './gemm';
import { exp4 } from './simd';

/** What a column beyond the last token gets: far below any logit, and not infinite, so that no difference is a NaN. */
const beyond: f32 = -1e30;

/** Columns of whole panels. */
@inline
export function padded(count: i32): i32 {
  return (count + 7) & ~7;
}

/** Bytes of the prepared bias of `heads` heads. */
export function attentionBiasBytes(window: i32, heads: i32): usize {
  const tokens = window * window;
  return <usize>(heads * tokens * padded(tokens)) << 2;
}

/** Bias table [(2M - 1)², heads] -> [heads, tokens, padded(tokens)]. */
export function prepareAttentionBias(table: usize, target: usize, window: i32, heads: i32): void {
  const tokens = window * window;
  const columns = padded(tokens);
  const positions = 2 * window - 1;
  for (let head = 0; head < heads; head++) {
    for (let query = 0; query < tokens; query++) {
      for (let key = 0; key < columns; key++) {
        let value = beyond;
        if (key < tokens) {
          const dy = query / window - key / window + window - 1;
          const dx = query % window - key % window + window - 1;
          value = load<f32>(table + (<usize>((dy * positions + dx) * heads + head) << 2));
        }
        store<f32>(target, value);
        target += 4;
      }
    }
  }
}

/** Bytes of the prepared masks of a shifted grid. */
export function attentionMaskBytes(window: i32): usize {
  const tokens = window * window;
  return <usize>(4 * tokens * padded(tokens)) << 2;
}

/** The masks of the four classes [4, tokens, padded(tokens)]: -100 between tokens of different sides of the map, else 0. */
export function prepareAttentionMasks(target: usize, window: i32, shiftY: i32, shiftX: i32): void {
  const tokens = window * window;
  const columns = padded(tokens);
  for (let maskClass = 0; maskClass < 4; maskClass++) {
    for (let query = 0; query < tokens; query++) {
      for (let key = 0; key < columns; key++) {
        let isApart = false;
        if (key < tokens) {
          const splitsRows = (maskClass & 2) != 0 && (query / window >= window - shiftY) != (key / window >= window - shiftY);
          const splitsColumns = (maskClass & 1) != 0 && (query % window >= window - shiftX) != (key % window >= window - shiftX);
          isApart = splitsRows || splitsColumns;
        }
        store<f32>(target, isApart ? -100 : 0);
        target += 4;
      }
    }
  }
}

/** Bytes of a packed left operand with room for a whole last tile. */
@inline
export function tileBytes(rows: i32, depth: i32): usize {
  return <usize>((rows + 11) * depth) << 2;
}

/** Bytes of scratch that `windowAttention` needs for heads of `width` channels. */
export function attentionScratchBytes(window: i32, width: i32): usize {
  const tokens = window * window;
  const rows = <usize>(tokens * width) << 2; // q, k, v
  const logits = <usize>(tokens * padded(tokens)) << 2;
  const left = tileBytes(tokens, max(width, tokens)); // q, then the weights
  const sums = <usize>padded(tokens) << 2;
  const result = <usize>(tokens * padded(width)) << 2;
  return 3 * rows + logits + left + packedBytes(width, tokens) + packedBytes(tokens, width) + sums + result + 512;
}

/** Rows of one head, `width` values each, from the rows that its slots read; times `scale`. */
export function gatherHead(
  from: usize,
  rowBytes: usize,
  slots: usize,
  firstSlot: i32,
  tokens: i32,
  width: i32,
  scale: f32,
  target: usize,
): void {
  const factor = f32x4.splat(scale);
  const bytes = <usize>width << 2;
  const whole = <usize>(width & ~3) << 2;
  for (let slot = firstSlot; slot < firstSlot + tokens; slot++) {
    const row = from + <usize>(slots ? load<i32>(slots + (<usize>slot << 2)) : slot) * rowBytes;
    let at: usize = 0;
    for (; at < whole; at += 16) v128.store(target + at, f32x4.mul(v128.load(row + at), factor));
    for (; at < bytes; at += 4) store<f32>(target + at, load<f32>(row + at) * scale);
    target += bytes;
  }
}

/** One product of packed operands: c [rows, columns] (rows `stride` bytes apart), all panels; sums begin with 0 or with what is there. */
export function multiplyPacked(
  left: usize,
  right: usize,
  c: usize,
  stride: usize,
  rows: i32,
  columns: i32,
  depth: i32,
  accumulates: bool,
  spare: usize,
): void {
  const zeros = spare + 256;
  for (let j = 0; j < columns; j += 8) {
    const out = c + (<usize>j << 2);
    const panel = right + (<usize>(j * depth) << 2);
    gemmPanel(left, panel, out, stride, rows, min(8, columns - j), depth, accumulates ? out : zeros, accumulates ? stride : 0, spare);
  }
}

/**
 * Rows of logits become weights that are not yet divided by their sum: exp(x - max of the row); 1 / sum of each row goes to `inverseSums`.
 * `mask` (0: none) is added first.
 */
export function softmaxRows(logits: usize, mask: usize, inverseSums: usize, tokens: i32, columns: i32): void {
  const bytes = <usize>columns << 2;
  for (let row = 0; row < tokens; row++) {
    let top = f32x4.splat(beyond);
    if (mask) {
      for (let at: usize = 0; at < bytes; at += 16) {
        const x = f32x4.add(v128.load(logits + at), v128.load(mask + at));
        v128.store(logits + at, x);
        top = f32x4.pmax(top, x);
      }
      mask += bytes;
    } else {
      for (let at: usize = 0; at < bytes; at += 16) top = f32x4.pmax(top, v128.load(logits + at));
    }
    const high = f32x4.pmax(top, v128.shuffle<f32>(top, top, 2, 3, 0, 1));
    const largest = f32x4.pmax(high, v128.shuffle<f32>(high, high, 1, 0, 3, 2));
    let sum = f32x4.splat(0);
    for (let at: usize = 0; at < bytes; at += 16) {
      const weight = exp4(f32x4.sub(v128.load(logits + at), largest));
      v128.store(logits + at, weight);
      sum = f32x4.add(sum, weight);
    }
    const half = f32x4.add(sum, v128.shuffle<f32>(sum, sum, 2, 3, 0, 1));
    const total = f32x4.extract_lane(half, 0) + f32x4.extract_lane(half, 1);
    store<f32>(inverseSums + (<usize>row << 2), <f32>1 / total);
    logits += bytes;
  }
}

/** Rows of a head, times a factor each, to the rows that its slots read; slots whose row is `limit` or more are pads and dropped. */
function scatterHead(
  from: usize,
  fromBytes: usize,
  factors: usize,
  to: usize,
  rowBytes: usize,
  slots: usize,
  firstSlot: i32,
  tokens: i32,
  width: i32,
  limit: i32,
): void {
  const bytes = <usize>width << 2;
  const whole = <usize>(width & ~3) << 2;
  for (let i = 0; i < tokens; i++) {
    const slot = firstSlot + i;
    const row = slots ? load<i32>(slots + (<usize>slot << 2)) : slot;
    if (row < limit) {
      const target = to + <usize>row * rowBytes;
      const factor = load<f32>(factors + (<usize>i << 2));
      const factor4 = f32x4.splat(factor);
      let at: usize = 0;
      for (; at < whole; at += 16) v128.store(target + at, f32x4.mul(v128.load(from + at), factor4));
      for (; at < bytes; at += 4) store<f32>(target + at, load<f32>(from + at) * factor);
    }
    from += fromBytes;
  }
}

/**
 * out [limit, channels] = softmax(q kᵀ / sqrt(d) + bias + mask) v for heads `begin` to `end` of windows, counted head after head through
 * window after window: qkv [rows, 3 * channels], `bias`
 * from `prepareAttentionBias`, `masks` from `prepareAttentionMasks` (0: none), slots [windows, tokens] (0: slot i reads row i), classes
 * [windows] (0: all 0). Slots that read row `limit` or one beyond are read and not written.
 */
export function windowAttentionHeads(
  qkv: usize,
  bias: usize,
  masks: usize,
  slots: usize,
  classes: usize,
  out: usize,
  begin: i32,
  end: i32,
  window: i32,
  heads: i32,
  channels: i32,
  limit: i32,
  scratch: usize,
): void {
  const tokens = window * window;
  const width = channels / heads;
  const columns = padded(tokens);
  const rowBytes = <usize>(3 * channels) << 2;
  const logitBytes = <usize>columns << 2;
  const resultBytes = <usize>padded(width) << 2;
  const scale = <f32>(1 / Math.sqrt(<f64>width));

  const spare = scratch;
  const query = spare + 512;
  const key = query + (<usize>(tokens * width) << 2);
  const value = key + (<usize>(tokens * width) << 2);
  const logits = value + (<usize>(tokens * width) << 2);
  const left = logits + <usize>tokens * logitBytes;
  const keyPanels = left + tileBytes(tokens, max(width, tokens));
  const valuePanels = keyPanels + packedBytes(width, tokens);
  const inverseSums = valuePanels + packedBytes(tokens, width);
  const result = inverseSums + (<usize>padded(tokens) << 2);
  memory.fill(spare + 256, 0, 32);

  for (let item = begin; item < end; item++) {
    const id = item / heads;
    const head = item % heads;
    const firstSlot = id * tokens;
    const maskClass = classes ? load<i32>(classes + (<usize>id << 2)) : 0;
    const mask = maskClass ? masks + <usize>(maskClass * tokens) * logitBytes : 0;
    const from = qkv + (<usize>(head * width) << 2);
    gatherHead(from, rowBytes, slots, firstSlot, tokens, width, 1, query);
    gatherHead(from + (<usize>channels << 2), rowBytes, slots, firstSlot, tokens, width, scale, key);
    gatherHead(from + (<usize>channels << 3), rowBytes, slots, firstSlot, tokens, width, 1, value);
    packRows(query, left, tokens, width, width);
    packWeight(key, keyPanels, width, tokens, 1, width);
    packWeight(value, valuePanels, tokens, width, width, 1);
    memory.copy(logits, bias + <usize>(head * tokens) * logitBytes, <usize>tokens * logitBytes);
    multiplyPacked(left, keyPanels, logits, logitBytes, tokens, columns, width, true, spare);
    softmaxRows(logits, mask, inverseSums, tokens, columns);
    packRows(logits, left, tokens, tokens, columns);
    multiplyPacked(left, valuePanels, result, resultBytes, tokens, padded(width), tokens, false, spare);
    const to = out + (<usize>(head * width) << 2);
    scatterHead(result, resultBytes, inverseSums, to, <usize>channels << 2, slots, firstSlot, tokens, width, limit);
  }
}

/** `windowAttentionHeads` for all heads of windows `windowBegin` to `windowEnd`. */
export function windowAttention(
  qkv: usize,
  bias: usize,
  masks: usize,
  slots: usize,
  classes: usize,
  out: usize,
  windowBegin: i32,
  windowEnd: i32,
  window: i32,
  heads: i32,
  channels: i32,
  limit: i32,
  scratch: usize,
): void {
  const begin = windowBegin * heads;
  const end = windowEnd * heads;
  windowAttentionHeads(qkv, bias, masks, slots, classes, out, begin, end, window, heads, channels, limit, scratch);
}
