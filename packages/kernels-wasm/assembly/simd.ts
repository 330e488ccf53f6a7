/** Four values at a time: what the kernels compute with. */

/** a * b + c: one rounding where the build has relaxed SIMD, two where not. */
@inline
export function fusedMultiplyAdd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  else return f32x4.add(f32x4.mul(a, b), c);
}

/**
 * A constant vector for a global of the relaxed build. V8 puts a constant together from two immediates wherever it is used, also inside a
 * loop; a global is one load, and GELU takes 0.57 of its time. That is so for V8 from 12 on, which is what runs the relaxed build; V8 11
 * is the faster with constants in place, which the other build has: there these globals are known to the compiler and vanish.
 */
@inline
function kept(value: f32): v128 {
  // always 0, since a memory has 2^16 pages at most, but the compiler does not know and leaves the global alone
  const zero = memory.size() >> 17;
  return v128.or(f32x4.splat(value), i32x4.splat(zero));
}

const one: v128 = ASC_FEATURE_RELAXED_SIMD ? kept(1) : f32x4(1, 1, 1, 1);
const half: v128 = ASC_FEATURE_RELAXED_SIMD ? kept(0.5) : f32x4(0.5, 0.5, 0.5, 0.5);
const minusHalf: v128 = ASC_FEATURE_RELAXED_SIMD ? kept(-0.5) : f32x4(-0.5, -0.5, -0.5, -0.5);
const signs: v128 = ASC_FEATURE_RELAXED_SIMD ? kept(-0) : f32x4(-0, -0, -0, -0);

// exp: the range of its argument, the reduction, and a polynomial
const smallestExponent: v128 = ASC_FEATURE_RELAXED_SIMD ? kept(-87.3) : f32x4(-87.3, -87.3, -87.3, -87.3);
const largestExponent: v128 = ASC_FEATURE_RELAXED_SIMD ? kept(88.7) : f32x4(88.7, 88.7, 88.7, 88.7);
const roundingTerm: v128 = ASC_FEATURE_RELAXED_SIMD ? kept(12582912) : f32x4(12582912, 12582912, 12582912, 12582912);
const inverseLn2: v128 = ASC_FEATURE_RELAXED_SIMD ? kept(1.44269504) : f32x4(1.44269504, 1.44269504, 1.44269504, 1.44269504);
const minusLn2High: v128 = ASC_FEATURE_RELAXED_SIMD ? kept(-0.693359375) : f32x4(-0.693359375, -0.693359375, -0.693359375, -0.693359375);
const minusLn2Low: v128 = ASC_FEATURE_RELAXED_SIMD ? kept(2.12194440e-4) : f32x4(2.12194440e-4, 2.12194440e-4, 2.12194440e-4, 2.12194440e-4);
const exp2: v128 = ASC_FEATURE_RELAXED_SIMD ? kept(0.499992315) : f32x4(0.499992315, 0.499992315, 0.499992315, 0.499992315);
const exp3: v128 = ASC_FEATURE_RELAXED_SIMD ? kept(0.166671146) : f32x4(0.166671146, 0.166671146, 0.166671146, 0.166671146);
const exp4th: v128 = ASC_FEATURE_RELAXED_SIMD ? kept(0.0418901571) : f32x4(0.0418901571, 0.0418901571, 0.0418901571, 0.0418901571);
const exp5: v128 = ASC_FEATURE_RELAXED_SIMD ? kept(0.00831252) : f32x4(0.00831252, 0.00831252, 0.00831252, 0.00831252);

// the normal distribution: how far it is looked at, its density, and a polynomial for its tail
const furthest: v128 = ASC_FEATURE_RELAXED_SIMD ? kept(13) : f32x4(13, 13, 13, 13);
const inverseRoot2Pi: v128 = ASC_FEATURE_RELAXED_SIMD ? kept(0.39894228) : f32x4(0.39894228, 0.39894228, 0.39894228, 0.39894228);
const tail1: v128 = ASC_FEATURE_RELAXED_SIMD ? kept(0.0498641376) : f32x4(0.0498641376, 0.0498641376, 0.0498641376, 0.0498641376);
const tail2: v128 = ASC_FEATURE_RELAXED_SIMD ? kept(0.0211572971) : f32x4(0.0211572971, 0.0211572971, 0.0211572971, 0.0211572971);
const tail3: v128 = ASC_FEATURE_RELAXED_SIMD ? kept(0.00324931566) : f32x4(0.00324931566, 0.00324931566, 0.00324931566, 0.00324931566);
const tail4: v128 = ASC_FEATURE_RELAXED_SIMD ? kept(5.97181536e-5) : f32x4(5.97181536e-5, 5.97181536e-5, 5.97181536e-5, 5.97181536e-5);
const tail5: v128 = ASC_FEATURE_RELAXED_SIMD ? kept(4.13837062e-5) : f32x4(4.13837062e-5, 4.13837062e-5, 4.13837062e-5, 4.13837062e-5);
const tail6: v128 = ASC_FEATURE_RELAXED_SIMD ? kept(6.33300578e-6) : f32x4(6.33300578e-6, 6.33300578e-6, 6.33300578e-6, 6.33300578e-6);

// `pmin` and `pmax` are one instruction each, where `min` and `max` are seven on x86-64; with the value first they pass a NaN on.

/**
 * exp(x), to about 2 units in the last place; x is taken as at least -87.3 and at most 88.7, so that nothing is infinite or subnormal.
 *
 * x = n ln 2 + r with |r| <= ln 2 / 2; adding 1.5 * 2^23 rounds to a whole number, which then stands in the low bits.
 */
@inline
export function exp4(x: v128): v128 {
  return expInRange4(f32x4.pmin(f32x4.pmax(x, smallestExponent), largestExponent));
}

/** exp(x) for -87.3 <= x <= 88.7. */
@inline
function expInRange4(x: v128): v128 {
  const shifted = fusedMultiplyAdd(x, inverseLn2, roundingTerm);
  const n = f32x4.sub(shifted, roundingTerm);
  // ln 2 in two parts, the first exact in products with small whole numbers
  const r = fusedMultiplyAdd(n, minusLn2Low, fusedMultiplyAdd(n, minusLn2High, x));
  let p = fusedMultiplyAdd(r, exp5, exp4th);
  p = fusedMultiplyAdd(p, r, exp3);
  p = fusedMultiplyAdd(p, r, exp2);
  p = fusedMultiplyAdd(p, r, one);
  p = fusedMultiplyAdd(p, r, one);
  return i32x4.add(p, i32x4.shl(shifted, 23)); // times 2^n: n is added to the exponent
}

/**
 * (1 - erf(a / sqrt 2)) / 2 for 0 <= a <= 13: a polynomial to the power of -16, fitted so that a times its error stays below 3e-7.
 * (The form is that of Abramowitz and Stegun 7.1.28; the numbers are fitted for this weight.)
 */
@inline
function upperTail4(a: v128): v128 {
  let p = fusedMultiplyAdd(a, tail6, tail5);
  p = fusedMultiplyAdd(p, a, tail4);
  p = fusedMultiplyAdd(p, a, tail3);
  p = fusedMultiplyAdd(p, a, tail2);
  p = fusedMultiplyAdd(p, a, tail1);
  p = fusedMultiplyAdd(p, a, one);
  p = f32x4.mul(p, p);
  p = f32x4.mul(p, p);
  p = f32x4.mul(p, p);
  p = f32x4.mul(p, p);
  return f32x4.div(half, p);
}

/** |x|, 13 at most: the tail beyond is 0 to single precision. A NaN stays one. */
@inline
function limitedMagnitude4(x: v128): v128 {
  return f32x4.pmin(f32x4.abs(x), furthest);
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
  const density = f32x4.mul(expInRange4(f32x4.mul(f32x4.mul(a, a), minusHalf)), inverseRoot2Pi);
  const middle = half;
  const odd = fusedMultiplyAdd(a, density, f32x4.sub(middle, upperTail4(a)));
  return f32x4.add(middle, v128.or(odd, v128.and(x, signs)));
}
