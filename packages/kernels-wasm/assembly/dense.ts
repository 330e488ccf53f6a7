/** What heads need beside products: the rows of a convolution, group norm, resizing, pooling, and maps added or side by side. */

import { fusedMultiplyAdd } from './simd';

/**
 * out [tokens, 9 * channels] = the 3 x 3 neighbourhoods (row, column, channel) of tokens `begin` to `end` of a map [batch, height, width,
 * channels]; zeros beyond its border.
 */
export function neighbourhoodRows(
  x: usize,
  out: usize,
  begin: i32,
  end: i32,
  height: i32,
  width: i32,
  channels: i32,
): void {
  const bytes = <usize>channels << 2;
  const lineBytes = <usize>width * bytes;
  let target = out + <usize>begin * (bytes * 9);
  for (let token = begin; token < end; token++) {
    const inImage = token % (height * width);
    const row = inImage / width;
    const column = inImage % width;
    const map = x + <usize>(token - inImage) * bytes;
    // columns of a line that exist lie side by side
    const first = max(0, column - 1);
    const last = min(width - 1, column + 1);
    const before = <usize>(first - column + 1) * bytes;
    const copied = <usize>(last - first + 1) * bytes;
    for (let y = row - 1; y <= row + 1; y++) {
      if (y < 0 || y >= height) {
        memory.fill(target, 0, 3 * bytes);
      } else {
        if (before) memory.fill(target, 0, before);
        memory.copy(target + before, map + <usize>y * lineBytes + <usize>first * bytes, copied);
        if (before + copied < 3 * bytes) memory.fill(target + before + copied, 0, 3 * bytes - before - copied);
      }
      target += 3 * bytes;
    }
  }
}

/**
 * Columns `first` to `first + channels` of out [tokens, outChannels] = x [tokens, channels], for tokens `begin` to `end`.
 */
export function copyColumns(
  x: usize,
  out: usize,
  begin: i32,
  end: i32,
  first: i32,
  channels: i32,
  outChannels: i32,
): void {
  const bytes = <usize>channels << 2;
  const outBytes = <usize>outChannels << 2;
  let from = x + <usize>begin * bytes;
  let to = out + <usize>begin * outBytes + (<usize>first << 2);
  for (let token = begin; token < end; token++) {
    memory.copy(to, from, bytes);
    from += bytes;
    to += outBytes;
  }
}

/** y = max(x, 0) for values `begin` to `end`; a NaN stays one. */
export function relu(x: usize, y: usize, begin: i32, end: i32): void {
  let at = <usize>begin << 2;
  const last = <usize>end << 2;
  const zero = f32x4.splat(0);
  for (const whole = at + ((last - at) & ~15); at < whole; at += 16) {
    v128.store(y + at, f32x4.max(v128.load(x + at), zero));
  }
  for (; at < last; at += 4) store<f32>(y + at, f32x4.extract_lane(f32x4.max(v128.load32_zero(x + at), zero), 0));
}

/** y = a + b for values `begin` to `end`. */
export function addValues(a: usize, b: usize, y: usize, begin: i32, end: i32): void {
  let at = <usize>begin << 2;
  const last = <usize>end << 2;
  for (const whole = at + ((last - at) & ~15); at < whole; at += 16) {
    v128.store(y + at, f32x4.add(v128.load(a + at), v128.load(b + at)));
  }
  for (; at < last; at += 4) store<f32>(y + at, load<f32>(a + at) + load<f32>(b + at));
}

/**
 * scales [batch, 2, channels]: what a group norm subtracts from each channel, and what it then multiplies by, for groups `begin` to `end`
 * counted group after group through image after image of x [batch, tokens, channels]. Mean first, then squares, in doubles.
 */
export function groupNormScales(
  x: usize,
  weight: usize,
  scales: usize,
  begin: i32,
  end: i32,
  tokens: i32,
  channels: i32,
  groups: i32,
  epsilon: f32,
): void {
  const width = channels / groups;
  const count = <f64>tokens * <f64>width;
  const stride = <usize>channels << 2;
  for (let item = begin; item < end; item++) {
    const image = item / groups;
    const first = (item % groups) * width;
    const from = x + <usize>image * <usize>tokens * stride + (<usize>first << 2);
    let sum: f64 = 0;
    for (let token = 0, row = from; token < tokens; token++, row += stride) {
      for (let c: usize = 0; c < <usize>width << 2; c += 4) sum += <f64>load<f32>(row + c);
    }
    const mean = sum / count;
    let squares: f64 = 0;
    for (let token = 0, row = from; token < tokens; token++, row += stride) {
      for (let c: usize = 0; c < <usize>width << 2; c += 4) {
        const difference = <f64>load<f32>(row + c) - mean;
        squares += difference * difference;
      }
    }
    const factor = 1 / Math.sqrt(squares / count + <f64>epsilon);
    const to = scales + <usize>image * (stride << 1);
    for (let c = first; c < first + width; c++) {
      const at = <usize>c << 2;
      store<f32>(to + at, <f32>mean);
      store<f32>(to + stride + at, <f32>(<f64>load<f32>(weight + at) * factor));
    }
  }
}

/** out = (x - mean) * factor + bias for rows `begin` to `end` of x [batch, tokens, channels], with the scales of `groupNormScales`. */
export function scaleRows(
  x: usize,
  scales: usize,
  bias: usize,
  out: usize,
  begin: i32,
  end: i32,
  tokens: i32,
  channels: i32,
): void {
  const bytes = <usize>channels << 2;
  const whole = bytes & ~15;
  for (let row = begin; row < end; row++) {
    const mean = scales + <usize>(row / tokens) * (bytes << 1);
    const factor = mean + bytes;
    const from = x + <usize>row * bytes;
    const to = out + <usize>row * bytes;
    let at: usize = 0;
    for (; at < whole; at += 16) {
      const centred = f32x4.sub(v128.load(from + at), v128.load(mean + at));
      v128.store(to + at, fusedMultiplyAdd(centred, v128.load(factor + at), v128.load(bias + at)));
    }
    for (; at < bytes; at += 4) {
      const centred = f32x4.sub(v128.load32_zero(from + at), v128.load32_zero(mean + at));
      const y = fusedMultiplyAdd(centred, v128.load32_zero(factor + at), v128.load32_zero(bias + at));
      store<f32>(to + at, f32x4.extract_lane(y, 0));
    }
  }
}

/** Where an output position reads: half-pixel centres, clamped to the map. */
@inline
function sourcePosition(position: i32, side: i32, outSide: i32): f64 {
  return max(0, (<f64>position + 0.5) * <f64>side / <f64>outSide - 0.5);
}

/**
 * out [batch, outHeight, outWidth, channels] = x [batch, height, width, channels] resized bilinearly with half-pixel centres, for lines
 * `begin` to `end` of batch * outHeight.
 */
export function upsample(
  x: usize,
  out: usize,
  begin: i32,
  end: i32,
  height: i32,
  width: i32,
  outHeight: i32,
  outWidth: i32,
  channels: i32,
): void {
  const bytes = <usize>channels << 2;
  const lineBytes = <usize>width * bytes;
  let target = out + <usize>begin * <usize>outWidth * bytes;
  for (let line = begin; line < end; line++) {
    const sourceY = sourcePosition(line % outHeight, height, outHeight);
    const top = <i32>sourceY;
    const down = f32x4.splat(<f32>(sourceY - <f64>top));
    const map = x + <usize>(line / outHeight * height) * lineBytes;
    const upper = map + <usize>top * lineBytes;
    const lower = map + <usize>min(top + 1, height - 1) * lineBytes;
    for (let column = 0; column < outWidth; column++) {
      const sourceX = sourcePosition(column, width, outWidth);
      const left = <i32>sourceX;
      const across = f32x4.splat(<f32>(sourceX - <f64>left));
      const a = <usize>left * bytes;
      const b = <usize>min(left + 1, width - 1) * bytes;
      let at: usize = 0;
      for (const whole = bytes & ~15; at < whole; at += 16) {
        const above = between(v128.load(upper + a + at), v128.load(upper + b + at), across);
        const below = between(v128.load(lower + a + at), v128.load(lower + b + at), across);
        v128.store(target + at, between(above, below, down));
      }
      for (; at < bytes; at += 4) {
        const above = between(v128.load32_zero(upper + a + at), v128.load32_zero(upper + b + at), across);
        const below = between(v128.load32_zero(lower + a + at), v128.load32_zero(lower + b + at), across);
        store<f32>(target + at, f32x4.extract_lane(between(above, below, down), 0));
      }
      target += bytes;
    }
  }
}

/** Channels of a cell that are summed before another part of it is begun: a cache line of each token. */
const channelsPerBlock = 16;

/** Parts that `poolCells` divides a cell into. */
export function poolBlocks(channels: i32): i32 {
  return (channels + channelsPerBlock - 1) / channelsPerBlock;
}

/**
 * out [batch, outHeight, outWidth, channels] = means over the cells of x [batch, height, width, channels]: cell i of n covers what lies from
 * floor(i * side / n) to ceil((i + 1) * side / n). For parts `begin` to `end` of batch * outHeight * outWidth * poolBlocks(channels), so that
 * one large cell is work for several threads. Lines are summed, then their sums, which rounds less than one long sum.
 */
export function poolCells(
  x: usize,
  out: usize,
  begin: i32,
  end: i32,
  height: i32,
  width: i32,
  outHeight: i32,
  outWidth: i32,
  channels: i32,
): void {
  const bytes = <usize>channels << 2;
  const lineBytes = <usize>width * bytes;
  const blocks = poolBlocks(channels);
  for (let part = begin; part < end; part++) {
    const cell = part / blocks;
    const line = cell / outWidth;
    const row = line % outHeight;
    const column = cell % outWidth;
    // in i64: a product of two sides, times a cell, may leave i32
    const top = <i32>(<i64>row * height / outHeight);
    const bottom = <i32>((<i64>(row + 1) * height + outHeight - 1) / outHeight);
    const left = <i32>(<i64>column * width / outWidth);
    const right = <i32>((<i64>(column + 1) * width + outWidth - 1) / outWidth);
    const share: f32 = <f32>(1 / (<f64>(bottom - top) * <f64>(right - left)));
    const map = x + <usize>(line / outHeight * height) * lineBytes;
    const upper = map + <usize>top * lineBytes + <usize>left * bytes;
    const lower = map + <usize>bottom * lineBytes;
    const across = <usize>(right - left) * bytes;
    const to = out + <usize>cell * bytes;
    let at = <usize>(part % blocks * channelsPerBlock) << 2;
    const last = min(bytes, at + (channelsPerBlock << 2));
    for (; at + 16 <= last; at += 16) {
      let sum = f32x4.splat(0);
      for (let from = upper + at; from < lower; from += lineBytes) {
        let lineSum = f32x4.splat(0);
        for (let place = from; place < from + across; place += bytes) lineSum = f32x4.add(lineSum, v128.load(place));
        sum = f32x4.add(sum, lineSum);
      }
      v128.store(to + at, f32x4.mul(sum, f32x4.splat(share)));
    }
    for (; at < last; at += 4) {
      let sum: f32 = 0;
      for (let from = upper + at; from < lower; from += lineBytes) {
        let lineSum: f32 = 0;
        for (let place = from; place < from + across; place += bytes) lineSum += load<f32>(place);
        sum += lineSum;
      }
      store<f32>(to + at, sum * share);
    }
  }
}

/** a + (b - a) * share */
@inline
function between(a: v128, b: v128, share: v128): v128 {
  return fusedMultiplyAdd(f32x4.sub(b, a), share, a);
}
