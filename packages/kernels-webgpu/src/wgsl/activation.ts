/** GELU and its slope in WGSL, for one value or a vector of four. */

import type { Components } from '../tensorflow/program';

/** The WGSL type of values taken together. */
export const valueType = (components: Components): string => (components === 4 ? 'vec4<f32>' : 'f32');

/**
 * `upperTail(a)`: (1 - erf(a / sqrt 2)) / 2 for 0 <= a <= 13, a polynomial to the power of -16, fitted so that a times its error stays below
 * 3e-7. The form is that of Abramowitz and Stegun 7.1.28; the numbers are those of the wasm kernels.
 */
const upperTail = (type: string): string => `
fn upperTail(a : ${type}) -> ${type} {
  var p = fma(a, ${type}(6.33300578e-6), ${type}(4.13837062e-5));
  p = fma(p, a, ${type}(5.97181536e-5));
  p = fma(p, a, ${type}(0.00324931566));
  p = fma(p, a, ${type}(0.0211572971));
  p = fma(p, a, ${type}(0.0498641376));
  p = fma(p, a, ${type}(1.0));
  p = p * p;
  p = p * p;
  p = p * p;
  p = p * p;
  return 0.5 / p;
}
`;

/** `gelu(x)` = x (1 + erf(x / sqrt 2)) / 2: max(x, 0) less |x| times the tail beyond |x|, which is right at both ends. */
export function geluSource(components: Components): string {
  const type = valueType(components);
  return `${upperTail(type)}
fn gelu(x : ${type}) -> ${type} {
  let a = min(abs(x), ${type}(13.0)); // the tail beyond is 0 to single precision
  return max(x, ${type}(0.0)) - a * upperTail(a);
}
`;
}

/** `geluSlope(x)` = (1 + erf(x / sqrt 2)) / 2 + x exp(-x² / 2) / sqrt(2 pi): 1/2 and an odd function. */
export function geluSlopeSource(components: Components): string {
  const type = valueType(components);
  return `${upperTail(type)}
fn geluSlope(x : ${type}) -> ${type} {
  let a = min(abs(x), ${type}(13.0));
  let odd = a * exp(a * a * -0.5) * 0.39894228 + (0.5 - upperTail(a));
  return 0.5 + sign(x) * odd;
}
`;
}
