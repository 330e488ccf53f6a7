/**
 * The gradient of attention inside windows. The weights are computed again rather than kept: they are tokens² values per window and head.
 *
 * With S = q kᵀ / sqrt(d) + bias + mask, P = softmax(S), O = P v:
 * dv = Pᵀ dO, dP = dO vᵀ, dS = P (dP - sum over keys of P dP), dq = dS k / sqrt(d), dk = dSᵀ q / sqrt(d), dbias = dS.
 */

import { gatherHead, multiplyPacked, padded, softmaxRows, tileBytes } from './attention';
import { packColumns, packedBytes, packRows, packWeight } from './gemm';

/** Bytes of scratch that `windowAttentionGradient` needs for heads of `width` channels. */
export function attentionGradientScratchBytes(window: i32, width: i32): usize {
  const tokens = window * window;
  const rows = (<usize>(tokens * width)) << 2; // q, k, v, dO
  const logits = (<usize>(tokens * padded(tokens))) << 2; // P, dP
  const left = tileBytes(padded(tokens), max(width, tokens));
  const right = max(packedBytes(width, tokens), packedBytes(tokens, width));
  const result = (<usize>(padded(tokens) * padded(width))) << 2;
  return 4 * rows + 2 * logits + left + right + ((<usize>padded(tokens)) << 2) + result + 512;
}

/** The sum of each row of P dP, then dS = P (dP - sum), in place of dP. */
function softmaxGradient(weights: usize, gradient: usize, tokens: i32, columns: i32): void {
  const bytes = (<usize>columns) << 2;
  for (let row = 0; row < tokens; row++) {
    let sum = f32x4.splat(0);
    for (let at: usize = 0; at < bytes; at += 16) {
      sum = f32x4.add(sum, f32x4.mul(v128.load(weights + at), v128.load(gradient + at)));
    }
    const half = f32x4.add(sum, v128.shuffle<f32>(sum, sum, 2, 3, 0, 1));
    const total = f32x4.splat(f32x4.extract_lane(half, 0) + f32x4.extract_lane(half, 1));
    for (let at: usize = 0; at < bytes; at += 16) {
      const difference = f32x4.sub(v128.load(gradient + at), total);
      v128.store(gradient + at, f32x4.mul(v128.load(weights + at), difference));
    }
    weights += bytes;
    gradient += bytes;
  }
}

/** Divides the rows of weights by their sums. */
function normaliseRows(weights: usize, inverseSums: usize, tokens: i32, columns: i32): void {
  const bytes = (<usize>columns) << 2;
  for (let row = 0; row < tokens; row++) {
    const factor = v128.load32_splat(inverseSums + ((<usize>row) << 2));
    for (let at: usize = 0; at < bytes; at += 16) v128.store(weights + at, f32x4.mul(v128.load(weights + at), factor));
    weights += bytes;
  }
}

/** Rows of the output's gradient of one head; 0 where a slot is a pad. */
function gatherOutputGradient(
  from: usize,
  rowBytes: usize,
  slots: usize,
  firstSlot: i32,
  tokens: i32,
  width: i32,
  limit: i32,
  target: usize,
): void {
  const bytes = (<usize>width) << 2;
  for (let slot = firstSlot; slot < firstSlot + tokens; slot++) {
    const row = slots ? load<i32>(slots + ((<usize>slot) << 2)) : slot;
    if (row < limit) memory.copy(target, from + <usize>row * rowBytes, bytes);
    else memory.fill(target, 0, bytes);
    target += bytes;
  }
}

/** Rows of a gradient, times `scale`, to the rows of their slots; the rows of pads, `limit` and beyond, add up. */
function scatterGradient(
  from: usize,
  fromBytes: usize,
  scale: f32,
  to: usize,
  rowBytes: usize,
  slots: usize,
  firstSlot: i32,
  tokens: i32,
  width: i32,
  limit: i32,
): void {
  const bytes = (<usize>width) << 2;
  for (let slot = firstSlot; slot < firstSlot + tokens; slot++) {
    const row = slots ? load<i32>(slots + ((<usize>slot) << 2)) : slot;
    const target = to + <usize>row * rowBytes;
    if (row < limit) {
      for (let at: usize = 0; at < bytes; at += 4) store<f32>(target + at, load<f32>(from + at) * scale);
    } else {
      for (let at: usize = 0; at < bytes; at += 4) {
        store<f32>(target + at, load<f32>(target + at) + load<f32>(from + at) * scale);
      }
    }
    from += fromBytes;
  }
}

/** Adds dS [tokens, padded(tokens)] of one head to the gradient of the bias table [(2M - 1)², heads]. */
function addBiasGradient(gradient: usize, table: usize, window: i32, heads: i32, head: i32): void {
  const tokens = window * window;
  const stride = (<usize>padded(tokens)) << 2;
  const positions = 2 * window - 1;
  for (let queryY = 0; queryY < window; queryY++) {
    for (let queryX = 0; queryX < window; queryX++) {
      let at = gradient;
      for (let keyY = 0; keyY < window; keyY++) {
        const dy = queryY - keyY + window - 1;
        let cell = table + ((<usize>((dy * positions + queryX + window - 1) * heads + head)) << 2);
        for (let keyX = 0; keyX < window; keyX++) {
          store<f32>(cell, load<f32>(cell) + load<f32>(at));
          cell -= (<usize>heads) << 2;
          at += 4;
        }
      }
      gradient += stride;
    }
  }
}

/**
 * dqkv [rows, 3 * channels] and dTable [(2M - 1)², heads] of `windowAttention` for windows `windowBegin` to `windowEnd`, from dy [limit,
 * channels]. Rows below `limit` are written; the row of all pads and dTable are added to and must be zeroed by the caller.
 */
export function windowAttentionGradient(
  qkv: usize,
  bias: usize,
  masks: usize,
  slots: usize,
  classes: usize,
  dy: usize,
  dqkv: usize,
  dTable: usize,
  windowBegin: i32,
  windowEnd: i32,
  window: i32,
  heads: i32,
  channels: i32,
  limit: i32,
  scratch: usize,
): void {
  const tokens = window * window;
  const width = channels / heads;
  const columns = padded(tokens);
  const rowBytes = (<usize>(3 * channels)) << 2;
  const logitBytes = (<usize>columns) << 2;
  const resultBytes = (<usize>padded(width)) << 2;
  const headBytes = (<usize>(tokens * width)) << 2;
  const scale = <f32>(1 / Math.sqrt(<f64>width));

  const spare = scratch;
  const query = spare + 512;
  const key = query + headBytes;
  const value = key + headBytes;
  const dOut = value + headBytes;
  const weights = dOut + headBytes;
  const gradient = weights + <usize>tokens * logitBytes;
  const left = gradient + <usize>tokens * logitBytes;
  const right = left + tileBytes(columns, max(width, tokens));
  const inverseSums = right + max(packedBytes(width, tokens), packedBytes(tokens, width));
  const result = inverseSums + ((<usize>columns) << 2);
  memory.fill(spare + 256, 0, 32);

  for (let id = windowBegin; id < windowEnd; id++) {
    const firstSlot = id * tokens;
    const maskClass = classes ? load<i32>(classes + ((<usize>id) << 2)) : 0;
    const mask = maskClass ? masks + <usize>(maskClass * tokens) * logitBytes : 0;
    for (let head = 0; head < heads; head++) {
      const from = qkv + ((<usize>(head * width)) << 2);
      const to = dqkv + ((<usize>(head * width)) << 2);
      gatherHead(from, rowBytes, slots, firstSlot, tokens, width, 1, query);
      gatherHead(from + ((<usize>channels) << 2), rowBytes, slots, firstSlot, tokens, width, scale, key);
      gatherHead(from + ((<usize>channels) << 3), rowBytes, slots, firstSlot, tokens, width, 1, value);
      gatherOutputGradient(
        dy + ((<usize>(head * width)) << 2),
        (<usize>channels) << 2,
        slots,
        firstSlot,
        tokens,
        width,
        limit,
        dOut,
      );

      // P, with the same instructions as the forward
      packRows(query, left, tokens, width, width);
      packWeight(key, right, width, tokens, 1, width);
      memory.copy(weights, bias + <usize>(head * tokens) * logitBytes, <usize>tokens * logitBytes);
      multiplyPacked(left, right, weights, logitBytes, tokens, columns, width, true, spare);
      softmaxRows(weights, mask, inverseSums, tokens, columns);
      normaliseRows(weights, inverseSums, tokens, columns);

      // dv = Pᵀ dO
      packColumns(weights, left, 0, tokens, tokens, columns);
      packWeight(dOut, right, tokens, width, width, 1);
      multiplyPacked(left, right, result, resultBytes, tokens, padded(width), tokens, false, spare);
      scatterGradient(
        result,
        resultBytes,
        1,
        to + ((<usize>channels) << 3),
        rowBytes,
        slots,
        firstSlot,
        tokens,
        width,
        limit,
      );

      // dP = dO vᵀ, then dS; the panels beyond the last token are zeros
      packRows(dOut, left, tokens, width, width);
      packWeight(value, right, width, tokens, 1, width);
      multiplyPacked(left, right, gradient, logitBytes, tokens, columns, width, false, spare);
      softmaxGradient(weights, gradient, tokens, columns);
      addBiasGradient(gradient, dTable, window, heads, head);

      // dq = dS (k / sqrt(d)): the keys are scaled already
      packRows(gradient, left, tokens, tokens, columns);
      packWeight(key, right, tokens, width, width, 1);
      multiplyPacked(left, right, result, resultBytes, tokens, padded(width), tokens, false, spare);
      scatterGradient(result, resultBytes, 1, to, rowBytes, slots, firstSlot, tokens, width, limit);

      // dk = dSᵀ q / sqrt(d)
      packColumns(gradient, left, 0, tokens, tokens, columns);
      packWeight(query, right, tokens, width, width, 1);
      multiplyPacked(left, right, result, resultBytes, tokens, padded(width), tokens, false, spare);
      scatterGradient(
        result,
        resultBytes,
        scale,
        to + ((<usize>channels) << 2),
        rowBytes,
        slots,
        firstSlot,
        tokens,
        width,
        limit,
      );
    }
  }
}
