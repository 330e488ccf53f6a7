/** Four values at a time: what the kernels compute with. */

/** a * b + c: one rounding where the build has relaxed SIMD, two where not. */
@inline
export function fusedMultiplyAdd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  else return f32x4.add(f32x4.mul(a, b), c);
}

// `pmin` and `pmax` are one instruction each, where `min` and `max` are seven on x86-64; with the value first they pass a NaN on.

/**
 * exp(x), to about 2 units in the last place; x is taken as at least -87.3 and at most 88.7, so that nothing is infinite or subnormal.
 *
 * x = n ln 2 + r with |r| <= ln 2 / 2; adding 1.5 * 2^23 rounds to a whole number, which then stands in the low bits.
 */
@inline
export function exp4(x: v128): v128 {
  return expInRange4(f32x4.pmin(f32x4.pmax(x, f32x4.splat(-87.3)), f32x4.splat(88.7)));
}

/** exp(x) for -87.3 <= x <= 88.7. */
@inline
function expInRange4(x: v128): v128 {
  const magic = f32x4.splat(12582912);
  const shifted = fusedMultiplyAdd(x, f32x4.splat(1.44269504), magic);
  const n = f32x4.sub(shifted, magic);
  // ln 2 in two parts, the first exact in products with small whole numbers
  const r = fusedMultiplyAdd(n, f32x4.splat(2.12194440e-4), fusedMultiplyAdd(n, f32x4.splat(-0.693359375), x));
  let p = fusedMultiplyAdd(r, f32x4.splat(0.00831252), f32x4.splat(0.0418901571));
  p = fusedMultiplyAdd(p, r, f32x4.splat(0.166671146));
  p = fusedMultiplyAdd(p, r, f32x4.splat(0.499992315));
  p = fusedMultiplyAdd(p, r, f32x4.splat(1));
  p = fusedMultiplyAdd(p, r, f32x4.splat(1));
  return i32x4.add(p, i32x4.shl(shifted, 23)); // times 2^n: n is added to the exponent
}

/**
 * (1 - erf(a / sqrt 2)) / 2 for 0 <= a <= 13: a polynomial to the power of -16, fitted so that a times its error stays below 3e-7.
 * (The form is that of Abramowitz and Stegun 7.1.28; the numbers are fitted for this weight.)
 */
@inline
function upperTail4(a: v128): v128 {
  let p = fusedMultiplyAdd(a, f32x4.splat(6.33300578e-6), f32x4.splat(4.13837062e-5));
  p = fusedMultiplyAdd(p, a, f32x4.splat(5.97181536e-5));
  p = fusedMultiplyAdd(p, a, f32x4.splat(0.00324931566));
  p = fusedMultiplyAdd(p, a, f32x4.splat(0.0211572971));
  p = fusedMultiplyAdd(p, a, f32x4.splat(0.0498641376));
  p = fusedMultiplyAdd(p, a, f32x4.splat(1));
  p = f32x4.mul(p, p);
  p = f32x4.mul(p, p);
  p = f32x4.mul(p, p);
  p = f32x4.mul(p, p);
  return f32x4.div(f32x4.splat(0.5), p);
}

/** |x|, 13 at most: the tail beyond is 0 to single precision. A NaN stays one. */
@inline
function limitedMagnitude4(x: v128): v128 {
  return f32x4.pmin(f32x4.abs(x), f32x4.splat(13));
}

/** gelu(x) = x (1 + erf(x / sqrt 2)) / 2, to 5e-7: max(x, 0) less |x| times the tail beyond |x|, which is right at both ends. */
@inline
export function gelu4(x: v128): v128 {
  const a = limitedMagnitude4(x);
  return f32x4.sub(f32x4.pmax(x, f32x4.splat(0)), f32x4.mul(a, upperTail4(a)));
}

/** gelu'(x) = (1 + erf(x / sqrt 2)) / 2 + x exp(-x² / 2) / sqrt(2 pi): 1/2 and an odd function, found for |x|. */
@inline
export function geluGradient4(x: v128): v128 {
  const a = limitedMagnitude4(x);
  const density = f32x4.mul(expInRange4(f32x4.mul(f32x4.mul(a, a), f32x4.splat(-0.5))), f32x4.splat(0.39894228));
  const half = f32x4.splat(0.5);
  const odd = fusedMultiplyAdd(a, density, f32x4.sub(half, upperTail4(a)));
  return f32x4.add(half, v128.or(odd, v128.and(x, i32x4.splat(0x80000000))));
}
