import { createRandom } from '@sparsevit/windows';
import { expect, test } from 'vitest';
import { objectTokens } from '../src/index';

test('a token counts when a box overlaps it, and a box that only touches it does not', () => {
  const map = { height: 1, width: 3, pixelsPerToken: 4 };
  const at = (x: number, width: number): number[] => Array.from(objectTokens([{ x, y: 0, width, height: 4 }], map));
  expect(at(3, 4)).toEqual([1, 1, 0]);
  expect(at(4, 4)).toEqual([0, 1, 0]);
  expect(at(5, 1)).toEqual([0, 1, 0]);
  expect(at(7.5, 1)).toEqual([0, 1, 1]);
  expect(at(-10, 100)).toEqual([1, 1, 1]);
  expect(at(20, 5)).toEqual([0, 0, 0]);
  expect(at(-9, 3)).toEqual([0, 0, 0]);
  expect(at(5, 0)).toEqual([0, 0, 0]);
  expect(at(Number.NaN, 3)).toEqual([0, 0, 0]);
});

test('is what looking at every token gives', () => {
  const random = createRandom(3);
  for (let round = 0; round < 50; round++) {
    const map = {
      height: random.integer(1, 9),
      width: random.integer(1, 9),
      pixelsPerToken: 2 ** random.integer(0, 5),
    };
    const draw = (): number => (random.uniform() * 1.6 - 0.3) * 9 * map.pixelsPerToken;
    const boxes = Array.from({ length: random.integer(0, 4) }, () => ({
      x: draw(),
      y: draw(),
      width: Math.abs(draw()),
      height: Math.abs(draw()),
    }));
    const wanted = Array.from({ length: map.height * map.width }, (_, token) => {
      const size = map.pixelsPerToken;
      const [left, top] = [(token % map.width) * size, Math.floor(token / map.width) * size];
      const isIn = boxes.some(
        (b) =>
          Math.min(b.x + b.width, left + size) > Math.max(b.x, left) &&
          Math.min(b.y + b.height, top + size) > Math.max(b.y, top),
      );
      return isIn ? 1 : 0;
    });
    expect(Array.from(objectTokens(boxes, map))).toEqual(wanted);
  }
});
