import { ConfigError } from '@sparsevit/windows';
import { describe, expect, it } from 'vitest';
import { areaOf, decodeRle, rleFromPolygons } from '../../src/index';

describe('rleFromPolygons', () => {
  it('fills the pixels of a rectangle', () => {
    const rle = rleFromPolygons([[1, 1, 3, 1, 3, 3, 1, 3]], 4, 4);
    expect([...decodeRle(rle)]).toEqual([0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0]);
  });

  it('takes the union of polygons that overlap', () => {
    const square = [1, 1, 3, 1, 3, 3, 1, 3];
    expect(areaOf(rleFromPolygons([square, square], 4, 4))).toBe(4);
  });

  it('cuts off what is outside, and is empty where nothing is inside', () => {
    expect(areaOf(rleFromPolygons([[-5, -5, 9, -5, 9, 9, -5, 9]], 4, 4))).toBe(16);
    expect([...rleFromPolygons([[10, 10, 20, 10, 20, 20]], 4, 4).counts]).toEqual([16]);
    expect([...rleFromPolygons([[2, 2, 2, 2, 2, 2]], 4, 4).counts]).toEqual([16]);
  });

  it.each([
    [[], /one or more polygons, got none/],
    [null as never, /got none/],
    [[[1, 1, 3, 1]], /polygon 0 .* got 4 numbers/],
    [[[1, 1, 3, 1, 2, 2], []], /polygon 1 .* got 0 numbers/],
    [[[1, 1, 3, 1, 2, 2, 4]], /got 7 numbers/],
    [[[1, 1, 3, 1, 2, Number.NaN]], /got NaN/],
    [[[1, 1, 3, 1, 2, Number.POSITIVE_INFINITY]], /got Infinity/],
    [[[1, 1, 3, 1, 2, 1e9]], /between -100000 and 100000, got 1000000000/],
    [[[1, 1, 3, 1, 2, '2']] as never, /got 2/],
    [[new Array(6)], /got undefined/],
    [[1, 1, 3, 1, 2, 2] as never, /got number/],
  ])('refuses %j', (polygons, message) => {
    expect(() => rleFromPolygons(polygons, 4, 4)).toThrow(ConfigError);
    expect(() => rleFromPolygons(polygons, 4, 4)).toThrow(message);
  });

  it('refuses sides that are none', () => {
    expect(() => rleFromPolygons([[1, 1, 3, 1, 2, 2]], 0, 4)).toThrow(ConfigError);
  });
});
