import { createRandom } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import {
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
} from '../../src/formats/half-precision';

const patterns = Uint16Array.from({ length: 65536 }, (_, i) => i);

/** What IEEE 754 says a half is worth. */
function worth(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

describe('half precision', () => {
  test('every pattern decodes to its worth', () => {
    const values = float16ToFloat32(patterns);
    const wrong = [...patterns].filter((bits) => !Object.is(values[bits], worth(bits)));
    expect(wrong).toEqual([]);
  });

  test('every number encodes back to its pattern, NaN to a NaN', () => {
    const back = float32ToFloat16(float16ToFloat32(patterns));
    const wrong = [...patterns].filter((bits) =>
      Number.isNaN(worth(bits)) ? !Number.isNaN(worth(back[bits] ?? 0)) : back[bits] !== bits,
    );
    expect(wrong).toEqual([]);
  });

  test('a number between two halves goes to the nearer, a tie to the even one', () => {
    const random = createRandom(1);
    for (let i = 0; i < 4000; i++) {
      const low = i < 2500 ? random.integer(0, 0x7bff) : i - 2500; // 0 to 1499 are subnormal and small
      const [a, b] = [worth(low), worth(low + 1)];
      const share = i % 3 === 0 ? 0.5 : random.uniform();
      const value = Math.fround(a + share * (b - a));
      const toA = Math.abs(value - a) - Math.abs(b - value);
      const expected = toA < 0 ? low : toA > 0 ? low + 1 : low + (low & 1);
      expect(float32ToFloat16(Float32Array.of(value, -value)), `${value}`).toEqual(
        Uint16Array.of(expected, expected | 0x8000),
      );
    }
  });

  test.each([
    [65504, 0x7bff],
    [65519.99, 0x7bff],
    [65520, 0x7c00],
    [1e30, 0x7c00],
    [Number.POSITIVE_INFINITY, 0x7c00],
    [2 ** -25, 0],
    [2 ** -25 * 1.0001, 1],
    [2 ** -149, 0],
    [-0, 0x8000],
  ])('%s is 0x%s', (value, bits) => {
    expect(float32ToFloat16(Float32Array.of(value))).toEqual(Uint16Array.of(bits));
  });
});

describe('bfloat16', () => {
  test('every pattern is the upper half of its float32, and comes back', () => {
    const values = bfloat16ToFloat32(patterns);
    expect([...new Uint32Array(values.buffer)]).toEqual([...patterns].map((bits) => bits * 65536));
    const back = float32ToBfloat16(values);
    const wrong = [...patterns].filter((bits) => {
      if (!Number.isNaN(values[bits])) return back[bits] !== bits;
      return !Number.isNaN(bfloat16ToFloat32(Uint16Array.of(back[bits] ?? 0))[0]);
    });
    expect(wrong).toEqual([]);
  });

  test.each([
    ['1 + 2^-8 is a tie: to even', 1 + 2 ** -8, 1],
    ['1 + 3 2^-8 is a tie: to even', 1 + 3 * 2 ** -8, 1 + 2 ** -6],
    ['just above a tie', 1 + 2 ** -8 + 2 ** -20, 1 + 2 ** -7],
    ['negative', -(1 + 2 ** -8 + 2 ** -20), -(1 + 2 ** -7)],
    ['beyond the largest', 3.4e38, Number.POSITIVE_INFINITY],
  ])('%s', (_, value, expected) => {
    expect(bfloat16ToFloat32(float32ToBfloat16(Float32Array.of(value)))[0]).toBe(expected);
  });

  test('a view that does not begin at its buffer', () => {
    expect(float32ToBfloat16(new Float32Array([9, 1, 2]).subarray(1))).toEqual(Uint16Array.of(0x3f80, 0x4000));
  });
});
