import type { CocoBox } from '@sparsevit/data';
import { boxIou, resizePlacement } from '@sparsevit/data';
import { ConfigError, createRandom, ShapeError } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import type { Detection, TargetBox } from '../src/index';
import { centreRadius, collate, decodeClasses, decodeDetections, detectionTargets } from '../src/index';

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

  test('boxes are cut at the border of the image, before pads, and dropped where nothing is left', () => {
    const at = (y: number, x: number): number => y * 6 + x;
    const peaks = new Map<number, readonly [number, number, number, number]>([
      [at(0, 0), [3, 4, 0.5, 0.25]], // over the corner
      [at(2, 2), [1, 1, 0.5, 0.5]], // inside
      [at(2, 4), [2, 1, 0.25, 0.5]], // half of it on a pad: the image is 17 pixels wide
      [at(4, 0), [20, 1, 0.5, 0.5]], // as wide as the image, and more
      [at(4, 5), [1, 1, 0.5, 0.5]], // on a pad
      [at(0, 5), [0, 1, 0.5, 0.5]], // without a width
      [at(0, 3), [Number.NaN, 1, 0.5, 0.5]],
    ]);
    const cells = Array.from({ length: 36 }, (_, i) => [...peaks.keys()].indexOf(i));
    const heatmap = map(
      cells.map((peak) => (peak < 0 ? -9 : 5 - peak / 10)),
      [1, 6, 6, 1],
    );
    const box = map(
      cells.flatMap((_, i) => [...(peaks.get(i) ?? [1, 1, 0, 0])]),
      [1, 6, 6, 4],
    );
    const sizes = [{ height: 20, width: 17 }];
    const found = decodeDetections({ heatmap, box }, { sizes })[0]?.map((one) => [one.x, one.y, one.width, one.height]);
    expect(found).toEqual([
      [0, 0, 8, 9],
      [8, 8, 4, 4],
      [13, 8, 4, 4],
      [0, 16, 17, 4],
    ]);
    // without sizes the map is the image
    const whole = decodeDetections({ heatmap, box })[0]?.map((one) => [one.x, one.y, one.width, one.height]);
    expect(whole).toEqual([
      [0, 0, 8, 9],
      [8, 8, 4, 4],
      [13, 8, 8, 4],
      [0, 16, 24, 4],
      [20, 16, 4, 4],
    ]);
    expect(() => decodeDetections({ heatmap, box }, { sizes: [] })).toThrow(ShapeError);
    expect(() => decodeDetections({ heatmap, box }, { sizes: [...sizes, ...sizes] })).toThrow(
      /sizes of 1 images, got 2/,
    );
    for (const height of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => decodeDetections({ heatmap, box }, { sizes: [{ height, width: 17 }] })).toThrow(/above 0/);
    }
  });

  test('what is cut lies inside and is the part of the box that does', () => {
    const random = createRandom(9);
    for (let round = 0; round < 40; round++) {
      const [batch, height, width, classes] = [2, random.integer(1, 9), random.integer(1, 9), 2];
      const heatmap = map(
        Array.from({ length: batch * height * width * classes }, () => random.uniform() * 8 - 4),
        [batch, height, width, classes],
      );
      const box = map(
        Array.from({ length: batch * height * width * 4 }, (_, i) => random.uniform() * (i % 4 < 2 ? 6 : 1)),
        [batch, height, width, 4],
      );
      const sizes = Array.from({ length: batch }, () => ({
        height: random.integer(1, height * 4 + 1),
        width: random.integer(1, width * 4 + 1),
      }));
      const all = { minScore: 0, maxOverlap: 1, maxDetections: 1e6 };
      for (const [image, found] of decodeDetections({ heatmap, box }, { ...all, sizes }).entries()) {
        const size = sizes[image] ?? { height: 0, width: 0 };
        const expected: Detection[] = [];
        for (let cell = 0; cell < height * width; cell++) {
          const [y, x] = [Math.floor(cell / width), cell % width];
          for (let label = 0; label < classes; label++) {
            const value = (dy: number, dx: number): number =>
              y + dy < 0 || x + dx < 0 || y + dy >= height || x + dx >= width
                ? Number.NEGATIVE_INFINITY
                : (heatmap.values[((image * height + y + dy) * width + x + dx) * classes + label] ?? 0);
            const around = [-1, 0, 1].flatMap((dy) => [-1, 0, 1].map((dx) => value(dy, dx)));
            if (value(0, 0) < Math.max(...around)) continue;
            const [w = 0, h = 0, right = 0, down = 0] = box.values.subarray((image * height * width + cell) * 4);
            const [centreX, centreY] = [(x + right) * 4, (y + down) * 4];
            const [left, top] = [Math.max(0, centreX - 2 * w), Math.max(0, centreY - 2 * h)];
            const cut = {
              x: left,
              y: top,
              width: Math.min(size.width, centreX + 2 * w) - left,
              height: Math.min(size.height, centreY + 2 * h) - top,
            };
            if (cut.width <= 0 || cut.height <= 0) continue;
            expected.push({ label, score: 1 / (1 + Math.exp(-value(0, 0))), ...cut });
          }
        }
        expected.sort((a, b) => b.score - a.score);
        expect(found).toEqual(
          expected.map((one) => ({
            label: one.label,
            ...Object.fromEntries(
              (['score', 'x', 'y', 'width', 'height'] as const).map((key) => [key, expect.closeTo(one[key], 9)]),
            ),
          })),
        );
        for (const one of found) {
          expect(Math.min(one.x, one.y)).toBeGreaterThanOrEqual(0);
          expect(one.x + one.width).toBeLessThanOrEqual(size.width);
          expect(one.y + one.height).toBeLessThanOrEqual(size.height);
        }
      }
    }
  });

  test('the class of each pixel, resized as logits are', () => {
    const logits = map([4, 0, 0, 4, 0, 4, 4, 0], [1, 2, 2, 2]);
    const [mask] = decodeClasses(logits, { height: 4, width: 4 });
    expect([...(mask ?? [])]).toEqual([0, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1, 0, 0]);
    const [same] = decodeClasses(logits, { height: 2, width: 2 });
    expect([...(same ?? [])]).toEqual([0, 1, 1, 0]);
  });

  test('the classes of a photo in borders are those of its part of the whole', () => {
    const random = createRandom(5);
    const [seen, photo] = [
      { height: 24, width: 32 },
      { height: 17, width: 30 },
    ];
    const logits = map(
      Array.from({ length: 6 * 8 * 3 }, () => random.normal()),
      [1, 6, 8, 3],
    );
    const [whole = new Uint8Array()] = decodeClasses(logits, seen);
    const placement = { scaleX: 1, scaleY: 1, offsetX: 2, offsetY: 7 };
    const [own = new Uint8Array()] = decodeClasses(logits, photo, { placement, seen });
    for (let y = 0; y < photo.height; y++) {
      for (let x = 0; x < photo.width; x++) {
        expect(own[y * photo.width + x]).toBe(whole[(y + 7) * seen.width + x + 2]);
      }
    }
  });

  test('the classes of a photo that was resized are read from the logits at its own pixels', () => {
    const random = createRandom(6);
    const [seen, photo] = [
      { height: 12, width: 16 },
      { height: 36, width: 40 },
    ];
    const logits = map(
      Array.from({ length: 3 * 4 * 2 }, () => random.normal()),
      [1, 3, 4, 2],
    );
    const placement = resizePlacement(photo, seen);
    const [placed] = decodeClasses(logits, photo, { placement, seen });
    expect(placed).toEqual(decodeClasses(logits, photo)[0]);
  });

  test('a crowd is nothing to learn from', () => {
    const image = { pixels: new Uint8Array(8 * 8 * 3), height: 8, width: 8 };
    const box = { x: 1, y: 1, width: 3, height: 3, label: 0 };
    const boxes = [box, { ...box, x: 4, isCrowd: true }, { ...box, y: 4, isCrowd: false }];
    const { targets } = collate({ kind: 'detection', classes: ['a'] }, [{ id: 'a', image, boxes }], {
      mean: [0, 0, 0],
      std: [1, 1, 1],
    });
    expect(targets).toMatchObject({ kind: 'boxes', boxes: [[boxes[0], boxes[2]]] });
  });

  test('maps that do not go together are refused', () => {
    const heatmap = map([0], [1, 1, 1, 1]);
    expect(() => decodeDetections({ heatmap, box: heatmap })).toThrow(ShapeError);
    expect(() => decodeClasses(map([0], [1, 1]), { height: 1, width: 1 })).toThrow(ShapeError);
  });
});
