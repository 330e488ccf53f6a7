/**
 * Layer norm over rows and its gradient. Mean and variance are taken in two passes over a row, which is in the cache by then: the
 * difference of two large sums would lose a row whose mean is large.
 */

import { fusedMultiplyAdd } from './simd';

/** The sum of four lanes, always in the same order. */
@inline
function sumLanes(x: v128): f32 {
  return f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3));
}

@inline
function meanOf(row: usize, channels: i32): f32 {
  const bytes = <usize>channels << 2;
  let sum = f32x4.splat(0);
  let other = f32x4.splat(0);
  let at: usize = 0;
  for (const whole = bytes & ~31; at < whole; at += 32) {
    sum = f32x4.add(sum, v128.load(row + at));
    other = f32x4.add(other, v128.load(row + at, 16));
  }
  if (bytes - at >= 16) {
    sum = f32x4.add(sum, v128.load(row + at));
    at += 16;
  }
  let total = sumLanes(f32x4.add(sum, other));
  for (; at < bytes; at += 4) total += load<f32>(row + at);
  return total / <f32>channels;
}

@inline
function inverseDeviationOf(row: usize, mean: f32, channels: i32, epsilon: f32): f32 {
  const bytes = <usize>channels << 2;
  const mean4 = f32x4.splat(mean);
  let sum = f32x4.splat(0);
  let other = f32x4.splat(0);
  let at: usize = 0;
  for (const whole = bytes & ~31; at < whole; at += 32) {
    const a = f32x4.sub(v128.load(row + at), mean4);
    const b = f32x4.sub(v128.load(row + at, 16), mean4);
    sum = fusedMultiplyAdd(a, a, sum);
    other = fusedMultiplyAdd(b, b, other);
  }
  if (bytes - at >= 16) {
    const a = f32x4.sub(v128.load(row + at), mean4);
    sum = fusedMultiplyAdd(a, a, sum);
    at += 16;
  }
  let total = sumLanes(f32x4.add(sum, other));
  for (; at < bytes; at += 4) {
    const difference = load<f32>(row + at) - mean;
    total += difference * difference;
  }
  return <f32>1 / Mathf.sqrt(total / <f32>channels + epsilon);
}

/** What a pad becomes: nothing special, the bias, or zeros. */
const padIsBias: i32 = 1;

/** A row for a pad. */
export function padRow(out: usize, bias: usize, channels: i32, pad: i32): void {
  if (pad == padIsBias) memory.copy(out, bias, <usize>channels << 2);
  else memory.fill(out, 0, <usize>channels << 2);
}

/** out = (x - mean) / sqrt(variance + epsilon) * weight + bias for rows `begin` to `end`; `index` (0: none) names the rows of x, -1 a pad. */
export function layerNorm(
  x: usize,
  weight: usize,
  bias: usize,
  index: usize,
  out: usize,
  begin: i32,
  end: i32,
  channels: i32,
  epsilon: f32,
  pad: i32,
): void {
  const bytes = <usize>channels << 2;
  const whole = bytes & ~15;
  for (let row = begin; row < end; row++) {
    const to = out + <usize>row * bytes;
    const source = index ? load<i32>(index + (<usize>row << 2)) : row;
    if (source < 0) {
      padRow(to, bias, channels, pad);
      continue;
    }
    const from = x + <usize>source * bytes;
    const mean = meanOf(from, channels);
    const factor = inverseDeviationOf(from, mean, channels, epsilon);
    const mean4 = f32x4.splat(mean);
    const factor4 = f32x4.splat(factor);
    let at: usize = 0;
    for (; at < whole; at += 16) {
      const normed = f32x4.mul(f32x4.sub(v128.load(from + at), mean4), factor4);
      v128.store(to + at, fusedMultiplyAdd(normed, v128.load(weight + at), v128.load(bias + at)));
    }
    for (; at < bytes; at += 4) {
      const normed = f32x4.splat((load<f32>(from + at) - mean) * factor);
      const value = fusedMultiplyAdd(normed, v128.load32_splat(weight + at), v128.load32_splat(bias + at));
      store<f32>(to + at, f32x4.extract_lane(value, 0));
    }
  }
}

/**
 * The gradient of `layerNorm` for rows `begin` to `end`: dx is written at the rows that `index` names, dWeight [channels] and dBias
 * [channels] are added to. With h = (x - mean) * factor and g = dy * weight: dx = factor * (g - mean(g) - h * mean(g h)).
 */
export function layerNormGradient(
  x: usize,
  weight: usize,
  dy: usize,
  index: usize,
  dx: usize,
  dWeight: usize,
  dBias: usize,
  begin: i32,
  end: i32,
  channels: i32,
  epsilon: f32,
  pad: i32,
): void {
  const bytes = <usize>channels << 2;
  const whole = bytes & ~15;
  const share = <f32>1 / <f32>channels;
  for (let row = begin; row < end; row++) {
    const up = dy + <usize>row * bytes;
    const source = index ? load<i32>(index + (<usize>row << 2)) : row;
    if (source < 0) {
      if (pad == padIsBias) addRow(up, dBias, bytes);
      continue;
    }
    const from = x + <usize>source * bytes;
    const to = dx + <usize>source * bytes;
    const mean = meanOf(from, channels);
    const factor = inverseDeviationOf(from, mean, channels, epsilon);
    const mean4 = f32x4.splat(mean);
    const factor4 = f32x4.splat(factor);
    let sum4 = f32x4.splat(0);
    let dot4 = f32x4.splat(0);
    let at: usize = 0;
    for (; at < whole; at += 16) {
      const h = f32x4.mul(f32x4.sub(v128.load(from + at), mean4), factor4);
      const u = v128.load(up + at);
      const g = f32x4.mul(u, v128.load(weight + at));
      sum4 = f32x4.add(sum4, g);
      dot4 = fusedMultiplyAdd(g, h, dot4);
      v128.store(dWeight + at, fusedMultiplyAdd(u, h, v128.load(dWeight + at)));
      v128.store(dBias + at, f32x4.add(v128.load(dBias + at), u));
    }
    let sum = sumLanes(sum4);
    let dot = sumLanes(dot4);
    for (; at < bytes; at += 4) {
      const h = (load<f32>(from + at) - mean) * factor;
      const u = load<f32>(up + at);
      const g = u * load<f32>(weight + at);
      sum += g;
      dot += g * h;
      store<f32>(dWeight + at, load<f32>(dWeight + at) + u * h);
      store<f32>(dBias + at, load<f32>(dBias + at) + u);
    }
    const meanG = sum * share;
    const meanGH = dot * share;
    const meanG4 = f32x4.splat(meanG);
    const meanGH4 = f32x4.splat(meanGH);
    for (at = 0; at < whole; at += 16) {
      const h = f32x4.mul(f32x4.sub(v128.load(from + at), mean4), factor4);
      const g = f32x4.mul(v128.load(up + at), v128.load(weight + at));
      const inner = f32x4.sub(f32x4.sub(g, meanG4), f32x4.mul(h, meanGH4));
      v128.store(to + at, f32x4.mul(inner, factor4));
    }
    for (; at < bytes; at += 4) {
      const h = (load<f32>(from + at) - mean) * factor;
      const g = load<f32>(up + at) * load<f32>(weight + at);
      store<f32>(to + at, (g - meanG - h * meanGH) * factor);
    }
  }
}

/** sums += row. */
export function addRow(row: usize, sums: usize, bytes: usize): void {
  let at: usize = 0;
  for (const whole = bytes & ~15; at < whole; at += 16) {
    v128.store(sums + at, f32x4.add(v128.load(sums + at), v128.load(row + at)));
  }
  for (; at < bytes; at += 4) store<f32>(sums + at, load<f32>(sums + at) + load<f32>(row + at));
}
