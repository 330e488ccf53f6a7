import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom, ImageError } from '@sparsevit/windows';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import {
  areaOf,
  cacheDataset,
  checkSample,
  clipBoxes,
  compose,
  compressRle,
  createBatches,
  crop,
  cropSample,
  decodeRle,
  encodeRle,
  flipHorizontal,
  flipVertical,
  jitterColour,
  letterbox,
  padSample,
  padToDivisor,
  randomCrop,
  randomQuarterTurns,
  randomScale,
  resizeSide,
  resizeTo,
  type Sample,
  type Transform,
  turnSample,
} from '../src/index';
import { readCocoBoxes } from '../src/node';

/** One box over the whole image, so that no crop drops it, whose mask is the class 1 of the mask of pixels. */
function sampleOf(seed: number): Sample {
  const random = createRandom(seed);
  const [height, width] = [random.integer(1, 30), random.integer(1, 30)];
  // blobs here and there, now and then none, or a full image
  const share = [0, 0.05, 0.5, 0.95, 1][seed % 5] ?? 0;
  const [left, top] = [random.integer(0, width), random.integer(0, height)];
  const mask = Uint8Array.from({ length: height * width }, (_, i) => {
    const isInside = seed % 3 === 0 || (i % width >= left && Math.floor(i / width) >= top);
    return isInside && random.uniform() < share ? 1 : 0;
  });
  const pixels = Uint8Array.from({ length: height * width * 3 }, () => random.integer(0, 256));
  const box = { x: 0, y: 0, width, height, label: 0, mask: encodeRle(mask, height, width) };
  return { id: 'a', image: { pixels, height, width }, boxes: [box], mask };
}

const transforms: [string, Transform][] = [
  ['mirrored', flipHorizontal({ probability: 1 })],
  ['upside down', flipVertical({ probability: 1 })],
  ['turned', randomQuarterTurns()],
  ['turned backwards', (sample) => turnSample(sample, -1)],
  ['cut', randomCrop({ height: 9, width: 12, minVisible: 0 })],
  ['cut to a pixel', crop({ x: 0, y: 0, height: 1, width: 1, minVisible: 0 })],
  ['padded', padToDivisor({ divisor: 16 })],
  [
    'padded all around',
    (sample) =>
      padSample(sample, {
        height: sample.image.height + 5,
        width: sample.image.width + 9,
        x: 4,
        y: 3,
        fill: [1, 2, 3],
      }),
  ],
  ['resized', resizeTo({ height: 17, width: 23 })],
  ['resized to a pixel', resizeTo({ height: 1, width: 1 })],
  ['resized, ratio kept', resizeTo({ height: 40, width: 50, keepRatio: true })],
  ['shrunk', resizeSide({ longSide: 7 })],
  ['scaled', randomScale({ low: 0.3, high: 2.5 })],
  ['recoloured', jitterColour({ brightness: 0.5 })],
  ['in a letterbox', (sample) => letterbox(sample, { height: 21, width: 34 }).sample],
  [
    'all of it',
    compose([
      randomScale({ low: 0.5, high: 2 }),
      randomQuarterTurns(),
      randomCrop({ height: 20, width: 20, minVisible: 0 }),
      flipHorizontal(),
      padToDivisor({ divisor: 8 }),
    ]),
  ],
];

describe('masks of boxes go along with the pixels', () => {
  it.each(transforms)('%s: as the mask of the image does', (_, transform) => {
    for (let seed = 0; seed < 60; seed++) {
      const before = sampleOf(seed);
      const kept = structuredClone(before);
      const after = checkSample(transform(before, createRandom(seed)), 'test');
      const isSeen = Uint8Array.from(after.mask ?? [], (value) => (value === 1 ? 1 : 0));
      const [box] = after.boxes ?? [];
      // equal as runs too: there is one way to write a mask
      expect(box?.mask).toEqual(encodeRle(isSeen, after.image.height, after.image.width));
      expect(before).toEqual(kept);
    }
  });

  it('stay with their own box when others are dropped', () => {
    const mask = (at: number) =>
      encodeRle(
        Uint8Array.from({ length: 100 }, (_, i) => (i === at ? 1 : 0)),
        10,
        10,
      );
    const boxes = [0, 33, 99].map((at, label) => {
      return { x: at % 10, y: Math.floor(at / 10), width: 1, height: 1, label, mask: mask(at) };
    });
    const sample: Sample = { id: 'a', image: { pixels: new Uint8Array(300), height: 10, width: 10 }, boxes };
    const cut = cropSample(sample, { x: 2, y: 3, width: 4, height: 5 });
    expect(cut.boxes?.map(({ label }) => label)).toEqual([1]);
    expect([...decodeRle(cut.boxes?.[0]?.mask ?? mask(0))].indexOf(1)).toBe(1);
    // a mask may lie elsewhere than its box, and then have no pixel
    const apart = { ...sample, boxes: [{ x: 3, y: 3, width: 1, height: 1, label: 0, mask: mask(99) }] };
    const empty = cropSample(apart, { x: 2, y: 3, width: 4, height: 5 }).boxes?.[0]?.mask;
    expect(empty).toEqual(encodeRle(new Uint8Array(20), 5, 4));
    expect(clipBoxes(boxes, { x: 0, y: 0, width: 4, height: 4 }).map((box) => box.mask)).toEqual([mask(0), mask(33)]);
  });

  it('must be of the size of the image', () => {
    const sample = sampleOf(7);
    const [box] = sample.boxes ?? [];
    const wrong = {
      ...sample,
      boxes: [{ x: 0, y: 0, width: 1, height: 1, label: 0, ...box, mask: encodeRle(new Uint8Array(6), 2, 3) }],
    };
    expect(() => checkSample(wrong, 'test')).toThrow(ImageError);
    expect(() => checkSample(wrong, 'test')).toThrow(/mask of box 0 to be of \d+x\d+ pixels as its image, got 2x3/);
  });
});

describe('readCocoBoxes with masks', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sparsevit-instances-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const random = createRandom(2);
  const [height, width] = [12, 9];
  const bitmap = Uint8Array.from({ length: height * width }, () => random.integer(0, 2));
  const crowd = encodeRle(bitmap, height, width);
  const annotation = { image_id: 1, category_id: 5, bbox: [1, 1, 4, 3], iscrowd: 0 };
  const documentOf = (annotations: readonly object[]): string =>
    JSON.stringify({
      images: [{ id: 1, file_name: 'a.png', height, width }],
      categories: [{ id: 5, name: 'car' }],
      annotations,
    });
  const annotations = [
    { ...annotation, id: 1, segmentation: [[1, 1, 5, 1, 5, 4, 1, 4]] },
    { ...annotation, id: 2, iscrowd: 1, segmentation: { size: [height, width], counts: [...crowd.counts] } },
    { ...annotation, id: 3, iscrowd: 1, segmentation: { size: [height, width], counts: compressRle(crowd) } },
  ];
  const file = join(folder, 'instances.json');
  const open = async (text: string, options: Parameters<typeof readCocoBoxes>[2]) => {
    mkdirSync(join(folder, 'images'), { recursive: true });
    const raw = { raw: { height, width, channels: 3 as const } };
    writeFileSync(
      join(folder, 'images/a.png'),
      await sharp(new Uint8Array(height * width * 3), raw)
        .png()
        .toBuffer(),
    );
    writeFileSync(file, text);
    return readCocoBoxes(file, join(folder, 'images'), options);
  };

  it('gives the mask of each box: polygons, and crowds in both forms', async () => {
    const dataset = await open(documentOf(annotations), { masks: true });
    const { boxes = [] } = checkSample(await dataset.read(0), 'test');
    expect(boxes.map(({ isCrowd = false }) => isCrowd)).toEqual([false, true, true]);
    expect(boxes.map(({ mask }) => mask && areaOf(mask))).toEqual([12, areaOf(crowd), areaOf(crowd)]);
    expect([boxes[1]?.mask, boxes[2]?.mask]).toEqual([crowd, crowd]);
    const plain = await open(documentOf(annotations), {});
    expect((await plain.read(0)).boxes?.map((box) => 'mask' in box)).toEqual([false, false, false]);
  });

  it('carries them into batches, from a cache too', async () => {
    const dataset = cacheDataset(await open(documentOf(annotations), { masks: true }));
    for (let round = 0; round < 2; round++) {
      const transform = compose([flipHorizontal({ probability: 1 }), padToDivisor({ divisor: 8 })]);
      for await (const { samples } of createBatches(dataset, { batch: 1, seed: 0, transform })) {
        const mask = samples[0]?.boxes?.[1]?.mask ?? crowd;
        expect(mask.size).toEqual([16, 16]);
        const seen = decodeRle(mask);
        expect(
          seen.every((bit, i) => {
            const [y, x] = [Math.floor(i / 16), i % 16];
            return bit === (y < height && x < width ? bitmap[y * width + width - 1 - x] : 0);
          }),
        ).toBe(true);
      }
    }
  });

  it('reports what is no mask by file and id, and skips it or fails', async () => {
    const broken = [...annotations, { ...annotation, id: 4, segmentation: [[1, 2]] }, { ...annotation, id: 5 }];
    const seen: (string | undefined)[][] = [];
    const dataset = await open(documentOf(broken), {
      masks: true,
      onBroken: 'skip',
      onEvent: ({ kind, id, file: where }) => seen.push([kind, id, where]),
    });
    expect(seen).toEqual([
      ['annotation', '4', file],
      ['annotation', '5', file],
    ]);
    expect((await dataset.read(0)).boxes).toHaveLength(3);
    await expect(open(documentOf(broken), { masks: true })).rejects.toThrow(
      /annotation "4" to be usable, but its segmentation is no mask \(.*got 2 numbers\) \(in ".*instances\.json"\)\. Mend it/,
    );
  });
});
