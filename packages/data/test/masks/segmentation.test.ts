import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ConfigError, createRandom } from '@sparsevit/windows';
import { describe, expect, it } from 'vitest';
import type { BrokenRecord, CocoBox, CocoRle } from '../../src/index';
import { areaOf, boxOf, compressRle, decodeRle, encodeRle, parseCoco, rleFromSegmentation } from '../../src/index';
import { randomBitmap } from './random-bitmap';

const size = { height: 6, width: 8 };
const square = [1, 1, 5, 1, 5, 4, 1, 4];

describe('rleFromSegmentation', () => {
  it('reads run lengths as numbers and as a string', () => {
    const random = createRandom(6);
    for (let round = 0; round < 50; round++) {
      const { bitmap } = randomBitmap(random, size);
      const rle = encodeRle(bitmap, 6, 8);
      const numbers = rleFromSegmentation({ size: [6, 8], counts: [...rle.counts] }, size);
      const string = rleFromSegmentation({ size: [6, 8], counts: compressRle(rle) }, size);
      expect([numbers, string]).toEqual([rle, rle]);
    }
  });

  it('draws the union of polygons; the middle of no pixel is no pixel', () => {
    const drawn = rleFromSegmentation([square, [6, 0, 8, 0, 8, 2, 6, 2]], size);
    const expected = Array.from({ length: 48 }, (_, i) => {
      const [y, x] = [Math.floor(i / 8), i % 8];
      return (x >= 1 && x < 5 && y >= 1 && y < 4) || (x >= 6 && y < 2) ? 1 : 0;
    });
    expect([...decodeRle(drawn)]).toEqual(expected);
    expect(areaOf(rleFromSegmentation([[2, 2, 2.1, 2, 2.1, 2.1]], size))).toBe(0);
  });

  it.each<[unknown, RegExp]>([
    [undefined, /polygons or a run-length mask, got nothing/],
    [null, /got null/],
    ['polygon', /got "polygon"/],
    [7, /got 7/],
    [{}, /got a record/],
    [[], /one or more polygons, got none/],
    [[[1, 2, 3, 4]], /polygon 0 to be x, y pairs of three or more points, got 4 numbers/],
    [[square, [1, 2, 3, 4, 5]], /polygon 1 .* got 5 numbers/],
    [[square, 'x'], /polygon 1 .* got string/],
    [square, /polygon 0 .* got number/],
    [[[1, 1, 5, 1, 5, Number.NaN]], /coordinates of polygon 0 .* got NaN/],
    [[[1, 1, 5, 1, 5, null]], /got null/],
    [[[1, 1, 5, 1, 5, 1e9]], /got 1000000000/],
    [{ counts: [48] }, /size \[height, width\]/],
    [{ size: [6, 8], counts: [40] }, /add up to 48/],
    [{ size: [6, 8], counts: [49, -1] }, /runs of 0 to 48/],
    [{ size: [6, 8], counts: 'é' }, /characters/],
    [{ size: [6, 8], counts: null }, /list of numbers or a string/],
    [{ size: [8, 6], counts: [48] }, /its image's 6x8 pixels, got 8x6/],
    [{ size: [1e9, 1e9], counts: [] }, /at most 100000000 pixels/],
  ])('refuses %j', (segmentation, message) => {
    expect(() => rleFromSegmentation(segmentation, size)).toThrow(ConfigError);
    expect(() => rleFromSegmentation(segmentation, size)).toThrow(message);
    const json = {
      images: [{ id: 3, file_name: 'a.png', ...size }],
      categories: [{ id: 1, name: 'car' }],
      annotations: [
        { id: 10, image_id: 3, category_id: 1, bbox: [1, 1, 4, 3], segmentation },
        { id: 11, image_id: 3, category_id: 1, bbox: [1, 1, 4, 3], segmentation: [square] },
      ],
    };
    // without masks nobody looks at it
    expect(parseCoco(json).images[0]?.annotations).toHaveLength(2);
    const events: BrokenRecord[] = [];
    const onEvent = (event: BrokenRecord): void => void events.push(event);
    const parsed = parseCoco(json, { masks: true, name: 'train.json', onBroken: 'skip', onEvent });
    expect(parsed.images[0]?.annotations.map(({ id }) => id)).toEqual([11]);
    expect(events).toEqual([
      {
        type: 'record-broken',
        kind: 'annotation',
        id: '10',
        file: 'train.json',
        reason: expect.stringMatching(/^its segmentation is no mask \(\w+: expected [^\n]+\)$/),
      },
    ]);
    expect(() => parseCoco(json, { masks: true, name: 'train.json' })).toThrow(
      /^parseCoco: expected annotation "10" to be usable, but its segmentation is no mask .* \(in "train\.json"\)\. Mend it/,
    );
  });
});

/** Length of all lines: a mask and its polygons differ by less than a pixel along them. */
function outlineOf(polygons: readonly (readonly number[])[]): number {
  let length = 0;
  for (const polygon of polygons) {
    for (let i = 0; i < polygon.length; i += 2) {
      const [x = 0, y = 0, nextX = polygon[0] ?? 0, nextY = polygon[1] ?? 0] = polygon.slice(i, i + 4);
      length += Math.hypot(nextX - x, nextY - y);
    }
  }
  return length;
}

const everySecond = (counts: readonly number[]): number =>
  counts.reduce((sum, count, run) => sum + (run % 2) * count, 0);

const folder = fileURLToPath(new URL('../../../../../shared/data/', import.meta.url));
const files = ['coco/instances_real.json', 'coco/instances_derived.json', 'fruits_nuts/trainval.json'];
const isThere = files.every((file) => existsSync(`${folder}${file}`));

describe.skipIf(!isThere)(`masks of real files${isThere ? '' : ' (skipped: needs ../shared/data)'}`, () => {
  it.each(files)('%s: every mask lies in its box', (file) => {
    const json = JSON.parse(readFileSync(`${folder}${file}`, 'utf8'));
    const events: BrokenRecord[] = [];
    const parsed = parseCoco(json, { masks: true, onBroken: 'skip', onEvent: (event) => events.push(event) });
    expect(events).toEqual([]);
    const areas = new Map<number, number>(
      json.annotations.map(({ id, area }: { id: number; area: number }) => [id, area]),
    );
    const annotations = parsed.images.flatMap((image) =>
      image.annotations.map((annotation) => ({ image, ...annotation })),
    );
    expect(annotations.length).toBe(json.annotations.length);
    for (const { image, id, box, segmentation } of annotations) {
      const rle = rleFromSegmentation(segmentation, image);
      expect(rle.size).toEqual([image.height, image.width]);
      const [x, y, width, height]: CocoBox = boxOf(rle);
      expect(x).toBeGreaterThanOrEqual(box.x - 1);
      expect(y).toBeGreaterThanOrEqual(box.y - 1);
      expect(x + width).toBeLessThanOrEqual(box.x + box.width + 1);
      expect(y + height).toBeLessThanOrEqual(box.y + box.height + 1);
      const off = Math.abs(areaOf(rle) - (areas.get(id) ?? Number.NaN));
      // strings have the area of the file to the pixel; the one crowd as numbers has another area in the file than in its runs
      if (Array.isArray(segmentation)) expect(off).toBeLessThanOrEqual(outlineOf(segmentation as number[][]));
      else if (typeof (segmentation as CocoRle).counts === 'string') expect(off).toBe(0);
      else expect(areaOf(rle)).toBe(everySecond((segmentation as CocoRle).counts as number[]));
    }
  });
});
