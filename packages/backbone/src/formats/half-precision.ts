/** Conversions between float32 and the two 16-bit floats, bit for bit: subnormals, infinities and NaN included. `Float16Array` is missing in Node 20. */

/**
 * IEEE half precision to float32; exact.
 *
 * @param bits [n] the 16 bits of each value
 * @example
 * float16ToFloat32(Uint16Array.of(0x3c00)); // Float32Array [1]
 */
export function float16ToFloat32(bits: Uint16Array): Float32Array<ArrayBuffer> {
  const values = new Float32Array(bits.length);
  const words = new Uint32Array(values.buffer);
  for (let i = 0; i < bits.length; i++) {
    const half = bits[i] ?? 0;
    const sign = (half & 0x8000) << 16;
    const exponent = (half >>> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0x1f) words[i] = sign | 0x7f800000 | (fraction << 13);
    else if (exponent > 0) words[i] = sign | ((exponent + 112) << 23) | (fraction << 13);
    else values[i] = (sign === 0 ? 1 : -1) * fraction * 2 ** -24;
  }
  return values;
}

/**
 * float32 to IEEE half precision, to the nearest, ties to even; what is too large becomes infinite.
 *
 * @returns [n] the 16 bits of each value
 * @example
 * float32ToFloat16(Float32Array.of(1)); // Uint16Array [0x3c00]
 */
export function float32ToFloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const words = wordsOf(values);
  const bits = new Uint16Array(words.length);
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? 0;
    bits[i] = ((word >>> 16) & 0x8000) | halfMagnitude(word & 0x7fffffff);
  }
  return bits;
}

/** The half-precision bits of a float32 without its sign. */
function halfMagnitude(word: number): number {
  if (word > 0x7f800000) return 0x7e00; // NaN
  if (word >= 0x47800000) return 0x7c00; // 65536 and above
  const exponent = word >>> 23;
  if (exponent >= 113) return roundedShift(word - (112 << 23), 13);
  if (exponent < 102) return 0; // below half of the smallest subnormal
  return roundedShift((word & 0x7fffff) | 0x800000, 126 - exponent);
}

/**
 * bfloat16 (the upper half of a float32) to float32; exact.
 *
 * @param bits [n] the 16 bits of each value
 */
export function bfloat16ToFloat32(bits: Uint16Array): Float32Array<ArrayBuffer> {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = (bits[i] ?? 0) << 16;
  return new Float32Array(words.buffer);
}

/**
 * float32 to bfloat16, to the nearest, ties to even.
 *
 * @returns [n] the 16 bits of each value
 */
export function float32ToBfloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const words = wordsOf(values);
  const bits = new Uint16Array(words.length);
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? 0;
    const isNotANumber = (word & 0x7fffffff) > 0x7f800000;
    bits[i] = isNotANumber ? (word >>> 16) | 0x40 : roundedShift(word, 16);
  }
  return bits;
}

/** The float32 values as unsigned words. */
function wordsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

/** `value / 2 ** shift` to the nearest integer, ties to even. */
function roundedShift(value: number, shift: number): number {
  const kept = value >>> shift;
  const rest = value & (2 ** shift - 1);
  const half = 2 ** (shift - 1);
  return rest > half || (rest === half && (kept & 1) === 1) ? kept + 1 : kept;
}
