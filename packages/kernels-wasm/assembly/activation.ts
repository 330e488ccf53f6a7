/** GELU and its gradient. */

import { gelu4, geluGradient4 } from './simd';

/** y = gelu(x) for values `begin` to `end`. */
export function gelu(x: usize, y: usize, begin: i32, end: i32): void {
  let at = (<usize>begin) << 2;
  const last = (<usize>end) << 2;
  for (const whole = at + ((last - at) & ~15); at < whole; at += 16) v128.store(y + at, gelu4(v128.load(x + at)));
  for (; at < last; at += 4) store<f32>(y + at, f32x4.extract_lane(gelu4(v128.load32_zero(x + at)), 0));
}

/** dx = dy gelu'(x) for values `begin` to `end`. */
export function geluGradient(x: usize, dy: usize, dx: usize, begin: i32, end: i32): void {
  let at = (<usize>begin) << 2;
  const last = (<usize>end) << 2;
  for (const whole = at + ((last - at) & ~15); at < whole; at += 16) {
    v128.store(dx + at, f32x4.mul(v128.load(dy + at), geluGradient4(v128.load(x + at))));
  }
  for (; at < last; at += 4) {
    const slope = f32x4.extract_lane(geluGradient4(v128.load32_zero(x + at)), 0);
    store<f32>(dx + at, load<f32>(dy + at) * slope);
  }
}
