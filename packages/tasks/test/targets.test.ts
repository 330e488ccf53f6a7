import type { CocoBox } from '@sparsevit/data';
import { boxIou } from '@sparsevit/data';
import { ConfigError, createRandom, ShapeError } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import type { Detection, TargetBox } from '../src/index';
import { centreRadius, decodeClasses, decodeDetections, detectionTargets } from '../src/index';

type Rectangle = Pick<TargetBox, 'x' | 'y' | 'width' | 'height'>;

const boxOf = ({ x, y, width, height }: Rectangle): CocoBox => [x, y, width, height];
const overlapOf = (a: Rectangle, b: Rectangle): number => boxIou([boxOf(a)], [boxOf(b)], [false])[0] ?? Number.NaN;

const logit = (p: number): number => Math.log(p / (1 - p));

/** What a perfect detector would give. */
function perfect(boxes: readonly TargetBox[][], height: number, width: number, classes: number): Detection[][] {
  const { heatmap, box, shape } = detectionTargets(boxes, { height, width }, { classes });
  return decodeDetections({
    heatmap: { values: heatmap.map((y) => logit(Math.min(0.999, Math.max(0.001, y)))), shape: [...shape, classes] },
    box: { values: box, shape: [...shape, 4] },
  });
}

describe('targets of a detector', () => {
  test('decoding them gives the boxes back', () => {
    const random = createRandom(4);
    for (let round = 0; round < 50; round++) {
      const boxes = [0, 1].map(() =>
        // one per field of 64 pixels, so that none covers another
        [0, 1, 2, 3, 4, 5].map((i) => {
          const [width, height] = [6 + random.uniform() * 50, 6 + random.uniform() * 50];
          const x = (i % 3) * 64 + random.uniform() * (64 - width);
          const y = Math.floor(i / 3) * 64 + random.uniform() * (64 - height);
          return { x, y, width, height, label: random.integer(0, 3) };
        }),
      );
      const found = perfect(boxes, 32, 48, 3);
      for (const [image, detections] of found.entries()) {
        for (const wanted of boxes[image] ?? []) {
          const hit = detections.find(
            (detection) => detection.label === wanted.label && overlapOf(detection, wanted) > 0.999,
          );
          expect(hit?.score).toBeCloseTo(0.999, 3);
        }
      }
    }
  });

  test('a heatmap is 1 at centres only, and falls around them', () => {
    const { heatmap, mask, centres, heatmapCentres } = detectionTargets(
      [[{ x: 40, y: 40, width: 40, height: 40, label: 0 }]],
      { height: 32, width: 32 },
      { classes: 1 },
    );
    expect([centres, heatmapCentres]).toEqual([1, 1]);
    expect(heatmap.indexOf(1)).toBe(15 * 32 + 15);
    expect(mask.indexOf(1)).toBe(15 * 32 + 15);
    const at = (dx: number): number => heatmap[15 * 32 + 15 + dx] ?? 0;
    expect(at(1)).toBe(at(-1));
    expect(at(1)).toBeLessThan(1);
    expect(at(2)).toBeLessThan(at(1));
    expect(at(8)).toBe(0);
  });

  test('of two boxes with their centre in one cell the smaller is learnt', () => {
    const large = { x: 0, y: 0, width: 64, height: 64, label: 0 };
    const small = { x: 30, y: 30, width: 5, height: 5, label: 0 };
    for (const order of [
      [large, small],
      [small, large],
    ]) {
      const { box, centres } = detectionTargets([order], { height: 16, width: 16 }, { classes: 1 });
      expect(centres).toBe(1);
      expect(box[(8 * 16 + 8) * 4]).toBeCloseTo(5 / 4, 6);
    }
  });

  test.each([0.3, 0.7])('a box moved by the radius still overlaps by %f, by more it need not', (overlap) => {
    for (const [width, height] of [
      [10, 10],
      [30, 5],
      [4, 90],
    ] as const) {
      const radius = centreRadius(width, height, overlap);
      const box = { x: 0, y: 0, width, height };
      const worst = (r: number): number =>
        Math.min(
          overlapOf(box, { x: r, y: r, width, height }),
          overlapOf(box, { x: r, y: r, width: width - 2 * r, height: height - 2 * r }),
          overlapOf(box, { x: -r, y: -r, width: width + 2 * r, height: height + 2 * r }),
        );
      expect(worst(radius)).toBeCloseTo(overlap, 6);
      expect(worst(radius * 1.1)).toBeLessThan(overlap);
    }
  });

  test('boxes that cannot be are refused, and those outside are left out', () => {
    const make = (box: Partial<TargetBox>): unknown =>
      detectionTargets(
        [[{ x: 0, y: 0, width: 8, height: 8, label: 0, ...box }]],
        { height: 4, width: 4 },
        { classes: 2 },
      );
    expect(() => make({ width: 0 })).toThrow(ConfigError);
    expect(() => make({ height: Number.NaN })).toThrow(/with an area, got 8xNaN/);
    expect(() => make({ label: 2 })).toThrow(/labels from 0 to 1, got 2/);
    expect(make({ x: 100 })).toMatchObject({ centres: 0 });
    expect(make({ x: Number.NaN })).toMatchObject({ centres: 0 });
  });
});

describe('decoding', () => {
  const map = (values: number[], shape: number[]) => ({ values: Float32Array.from(values), shape });

  test('peaks, scores, the limit, and what is covered by a better box', () => {
    const heatmap = map(
      Array.from({ length: 36 }, (_, i) => (i === 7 ? 2 : i === 8 ? 1.9 : i === 28 ? 1 : -9)),
      [1, 6, 6, 1],
    );
    const box = map(
      Array.from({ length: 36 * 4 }, (_, i) => (i % 4 < 2 ? 2 : 0.5)),
      [1, 6, 6, 4],
    );
    const [found = []] = decodeDetections({ heatmap, box });
    expect(found.map(({ x, y, width, height }) => [x, y, width, height])).toEqual([
      [2, 2, 8, 8],
      [14, 14, 8, 8],
    ]);
    expect(found[0]?.score).toBeCloseTo(1 / (1 + Math.exp(-2)), 6);
    expect(decodeDetections({ heatmap, box }, { maxDetections: 1 })[0]).toHaveLength(1);
    expect(decodeDetections({ heatmap, box }, { minScore: 0.8 })[0]).toHaveLength(1);
    const flat = map(new Array(36).fill(0), [1, 6, 6, 1]);
    expect(decodeDetections({ heatmap: flat, box }, { maxOverlap: 1 })[0]).toHaveLength(1); // of equal neighbours the first
    const large = map(
      Array.from({ length: 36 * 4 }, (_, i) => (i % 4 < 2 ? 20 : 0.5)),
      [1, 6, 6, 4],
    );
    expect(decodeDetections({ heatmap, box: large })[0]).toHaveLength(1);
    expect(decodeDetections({ heatmap, box: large }, { maxOverlap: 1 })[0]).toHaveLength(2);
  });

  test('the class of each pixel, resized as logits are', () => {
    const logits = map([4, 0, 0, 4, 0, 4, 4, 0], [1, 2, 2, 2]);
    const [mask] = decodeClasses(logits, { height: 4, width: 4 });
    expect([...(mask ?? [])]).toEqual([0, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1, 0, 0]);
    const [same] = decodeClasses(logits, { height: 2, width: 2 });
    expect([...(same ?? [])]).toEqual([0, 1, 1, 0]);
  });

  test('maps that do not go together are refused', () => {
    const heatmap = map([0], [1, 1, 1, 1]);
    expect(() => decodeDetections({ heatmap, box: heatmap })).toThrow(ShapeError);
    expect(() => decodeClasses(map([0], [1, 1]), { height: 1, width: 1 })).toThrow(ShapeError);
  });
});
