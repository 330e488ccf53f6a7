import { createHash } from 'node:crypto';
import { ConfigError } from '@sparsevit/windows';
import { describe, expect, it } from 'vitest';
import { type Box, drawScene, type RgbImage, sceneClasses } from '../src/index';
import { hashPoint, noiseRow } from '../src/scene/noise';
import { paintShadow, paintShape, type Shape } from '../src/scene/shapes';

const digest = (pixels: RgbImage['pixels']): string => createHash('sha256').update(pixels).digest('hex').slice(0, 16);

describe('drawScene', () => {
  it('draws the same pixels and boxes on every machine', () => {
    const scene = drawScene({ seed: 1, height: 300, width: 420 });
    expect(digest(scene.image.pixels)).toBe('1e591b32a0bfa6f3');
    expect(scene.objects).toHaveLength(13);
    expect(scene.objects[0]).toEqual({ className: 'car', box: { x: 157, y: 202, width: 10, height: 7 } });
  });

  it('draws another scene from another seed', () => {
    const [a, b] = [1, 2].map((seed) => drawScene({ seed, height: 100, width: 100 }));
    expect(digest(a?.image.pixels ?? new Uint8Array())).not.toBe(digest(b?.image.pixels ?? new Uint8Array()));
  });

  it.each([1, 2, 3, 4, 5])('seed %i: boxes lie inside the picture and do not overlap', (seed) => {
    const { image, objects } = drawScene({ seed, height: 500, width: 700, objectCount: 60 });
    expect(objects.length).toBeGreaterThan(20);
    objects.forEach(({ className, box }, i) => {
      expect(sceneClasses).toContain(className);
      expect(box.x).toBeGreaterThanOrEqual(0);
      expect(box.y).toBeGreaterThanOrEqual(0);
      expect(box.x + box.width).toBeLessThanOrEqual(image.width);
      expect(box.y + box.height).toBeLessThanOrEqual(image.height);
      for (const other of objects.slice(i + 1)) expect(overlaps(box, other.box)).toBe(false);
    });
  });

  it('is mostly background, with every class in it', () => {
    const { objects } = drawScene({ seed: 3, height: 1200, width: 1600 });
    const covered = objects.reduce((sum, { box }) => sum + box.width * box.height, 0);
    expect(covered / (1200 * 1600)).toBeLessThan(0.05);
    expect(new Set(objects.map(({ className }) => className))).toEqual(new Set(sceneClasses));
  });

  it('changes the ground only at objects and their shadows', () => {
    const options = { seed: 4, height: 400, width: 400 };
    const empty = drawScene({ ...options, objectCount: 0 });
    const { image, objects } = drawScene({ ...options, objectCount: 20 });
    expect(empty.objects).toEqual([]);
    expect(objects.length).toBeGreaterThan(5);
    const shadow = 6;
    const isNearObject = (x: number, y: number): boolean =>
      objects.some(
        ({ box }) =>
          x >= box.x - 1 && y >= box.y - 1 && x < box.x + box.width + shadow && y < box.y + box.height + shadow,
      );
    let changed = 0;
    let stray = 0;
    for (let i = 0; i < 400 * 400; i++) {
      const isChanged = [0, 1, 2].some((c) => image.pixels[3 * i + c] !== empty.image.pixels[3 * i + c]);
      if (!isChanged) continue;
      changed++;
      if (!isNearObject(i % 400, Math.floor(i / 400))) stray++;
    }
    expect(changed).toBeGreaterThan(500);
    expect(stray).toBe(0);
  });

  it.each([
    [1, 1],
    [1, 4000],
    [4000, 1],
    [7, 5],
    [33, 31],
  ])('draws %ix%i without room for much', (height, width) => {
    const { image, objects } = drawScene({ seed: 9, height, width });
    expect(image.pixels).toHaveLength(height * width * 3);
    for (const { box } of objects) expect(box.x + box.width <= width && box.y + box.height <= height).toBe(true);
  });

  it('takes any integer as a seed', () => {
    for (const seed of [-1, 0, 2 ** 40]) {
      expect(drawScene({ seed, height: 8, width: 8 }).image.pixels).toHaveLength(192);
    }
  });

  it.each([
    [{ seed: 0.5, height: 8, width: 8 }, /seed to be an integer, got 0.5/],
    [{ seed: Number.NaN, height: 8, width: 8 }, /seed to be an integer, got NaN/],
    [{ seed: 1, height: 0, width: 8 }, /height to be a whole number of at least 1, got 0/],
    [{ seed: 1, height: 8, width: 8.5 }, /width to be a whole number of at least 1, got 8.5/],
    [{ seed: 1, height: 20_000, width: 20_000 }, /at most 100000000 pixels, got 20000x20000/],
    [{ seed: 1, height: 8, width: 8, objectCount: -1 }, /objectCount to be a whole number from 0 to 10000, got -1/],
    [{ seed: 1, height: 8, width: 8, objectCount: 1e9 }, /objectCount/],
  ])('refuses %j', (options, message) => {
    expect(() => drawScene(options)).toThrow(ConfigError);
    expect(() => drawScene(options)).toThrow(message);
  });
});

describe('paintShape', () => {
  const size = 64;
  const black = (): RgbImage => ({ pixels: new Uint8Array(size * size * 3), height: size, width: size });
  const shape = (changes: Partial<Shape>): Shape => ({
    kind: 'disc',
    centreX: 30,
    centreY: 33,
    directionX: 1,
    directionY: 0,
    halfLength: 10,
    halfWidth: 6,
    colour: [255, 255, 255],
    ...changes,
  });

  it.each(
    sceneClasses.flatMap((kind) =>
      [
        [1, 0],
        [0, -1],
        [0.6, 0.8],
        [-0.28, 0.96],
      ].map(([directionX = 0, directionY = 0]) => ({ kind, directionX, directionY })),
    ),
  )('boxes $kind along ($directionX, $directionY) exactly', (changes) => {
    // Off the raster, so that no pixel is covered by exactly half.
    const isRound = changes.kind === 'disc' || changes.kind === 'cross';
    const sizes = { centreX: 30.2, centreY: 33.1, halfLength: 10.27, halfWidth: isRound ? 10.27 : 6.13 };
    const onBlack = black();
    const onWhite = black();
    onWhite.pixels.fill(255);
    const box = paintShape(onBlack, shape({ ...changes, ...sizes }));
    expect(paintShape(onWhite, shape({ ...changes, ...sizes }))).toEqual(box);
    const columns: number[] = [];
    const rows: number[] = [];
    for (let i = 0; i < size * size; i++) {
      // White minus black is 255 times the share that is not covered, whatever the colour of the surface.
      if ((onWhite.pixels[3 * i] ?? 0) - (onBlack.pixels[3 * i] ?? 0) > 127) continue;
      columns.push(i % size);
      rows.push(Math.floor(i / size));
    }
    const [x, y] = [Math.min(...columns), Math.min(...rows)];
    expect(box).toEqual({ x, y, width: Math.max(...columns) - x + 1, height: Math.max(...rows) - y + 1 });
  });

  it('gives the box of a rectangle and of a disc to the pixel', () => {
    expect(paintShape(black(), shape({ kind: 'rectangle' }))).toEqual({ x: 20, y: 27, width: 21, height: 13 });
    expect(paintShape(black(), shape({ kind: 'disc' }))).toEqual({ x: 20, y: 23, width: 21, height: 21 });
    expect(paintShape(black(), shape({ kind: 'rectangle', directionX: 0, directionY: 1 }))).toEqual({
      x: 24,
      y: 23,
      width: 13,
      height: 21,
    });
  });

  it('clips at the border, and has no box outside', () => {
    expect(paintShape(black(), shape({ kind: 'rectangle', centreX: 0, centreY: 63 }))).toEqual({
      x: 0,
      y: 57,
      width: 11,
      height: 7,
    });
    const image = black();
    expect(paintShape(image, shape({ centreX: -40 }))).toBeNull();
    expect(image.pixels.every((value) => value === 0)).toBe(true);
  });

  it('darkens the ground under a shadow and never brightens it', () => {
    const image = { pixels: new Uint8Array(size * size * 3).fill(200), height: size, width: size };
    paintShadow(image, shape({ kind: 'rectangle' }), 2);
    expect(image.pixels[3 * (35 * size + 32)]).toBe(110);
    expect(Math.max(...image.pixels)).toBe(200);
    expect(Math.min(...image.pixels)).toBe(110);
  });
});

describe('noise', () => {
  it('hashes a lattice point to the same bits everywhere', () => {
    expect([hashPoint(0, 0, 1), hashPoint(1, 0, 1), hashPoint(0, 1, 1), hashPoint(-5, 7, 123)]).toEqual([
      3979630085, 3238652418, 2069531824, 1659156925,
    ]);
  });

  it('stays in [-1, 1], is centred and smooth', () => {
    let sum = 0;
    let steepest = 0;
    let largest = 0;
    for (let y = 0; y < 64; y++) {
      const row = noiseRow(new Float32Array(512), y, { seed: 5, cell: 16, octaves: 1 });
      for (let x = 0; x < 512; x++) {
        sum += row[x] ?? Number.NaN;
        largest = Math.max(largest, Math.abs(row[x] ?? Number.NaN));
        if (x > 0) steepest = Math.max(steepest, Math.abs((row[x] ?? 0) - (row[x - 1] ?? 0)));
      }
    }
    expect(largest).toBeLessThanOrEqual(1);
    expect(largest).toBeGreaterThan(0.8);
    expect(Math.abs(sum / (64 * 512))).toBeLessThan(0.1);
    expect(steepest).toBeLessThan((2 * 1.5) / 16 + 1e-6); // smooth step: slope 1.5 over a cell
  });

  it('takes the value of the lattice at its points', () => {
    const row = noiseRow(new Float32Array(33), 8, { seed: 5, cell: 8, octaves: 1 });
    for (let i = 0; i <= 4; i++) {
      expect(row[8 * i]).toBeCloseTo((hashPoint(i, 1, 5) - 0x80000000) / 0x7fffffff, 6);
    }
  });
});

function overlaps(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}
