import { ConfigError, createRandom } from '@sparsevit/windows';
import { describe, expect, it } from 'vitest';
import {
  boxToOriginal,
  boxToPlaced,
  checkSample,
  clipBoxes,
  compose,
  composePlacements,
  crop,
  cropPlacement,
  cropSample,
  flipHorizontal,
  flipVertical,
  jitterColour,
  letterbox,
  mirrorSample,
  padSample,
  padTo,
  padToDivisor,
  randomCrop,
  randomQuarterTurns,
  randomScale,
  resizePlacement,
  resizeSample,
  resizeSide,
  resizeTo,
  type Sample,
  type Transform,
  turnSample,
} from '../src/index';
import { extentOf, sampleOf } from './samples';

const seeds = Array.from({ length: 20 }, (_, i) => i);
const randomSample = (seed: number): Sample => {
  const random = createRandom(seed);
  return sampleOf({ random, height: random.integer(6, 40), width: random.integer(6, 40) });
};
const sizeOf = ({ image }: Sample): [number, number] => [image.height, image.width];
const plain = (height: number, width: number): Sample => ({
  id: 'plain',
  image: { pixels: Uint8Array.from({ length: height * width * 3 }, (_, i) => i % 251), height, width },
});

describe('boxes and masks move together', () => {
  const exact: [string, Transform][] = [
    ['mirror', flipHorizontal({ probability: 1 })],
    ['upside down', flipVertical({ probability: 1 })],
    ['quarter turns', randomQuarterTurns()],
    ['crop', randomCrop({ height: 12, width: 17, minVisible: 0 })],
    ['crop around a box', randomCrop({ height: 9, width: 9, aroundBox: 1, minVisible: 0 })],
    ['pad', padToDivisor({ divisor: 32 })],
    [
      'twice as large',
      (sample) => resizeSample(sample, { height: 2 * sample.image.height, width: 3 * sample.image.width }),
    ],
    [
      'chained',
      compose([
        randomQuarterTurns(),
        randomCrop({ height: 20, width: 20, minVisible: 0 }),
        flipHorizontal(),
        padTo({ height: 30, width: 30 }),
      ]),
    ],
  ];
  it.each(exact)('%s: to the pixel', (_, transform) => {
    for (const seed of seeds) {
      const before = randomSample(seed);
      const moved = checkSample(transform(before, createRandom(seed)), 'test');
      const labels = new Set(moved.boxes?.map(({ label }) => label));
      for (const { label, ...box } of moved.boxes ?? []) expect(extentOf(moved, label + 1)).toEqual(box);
      for (const { label } of before.boxes ?? []) {
        if (!labels.has(label)) expect(extentOf(moved, label + 1)).toBeNull();
      }
    }
  });

  const rounded: [string, Transform][] = [
    ['resize', resizeTo({ height: 23, width: 31 })],
    ['resize, ratio kept', resizeTo({ height: 50, width: 90, keepRatio: true })],
    ['short side', resizeSide({ shortSide: 33 })],
    ['scale', randomScale({ low: 0.7, high: 2 })],
    ['letterbox', (sample) => letterbox(sample, { height: 64, width: 48 }).sample],
  ];
  it.each(rounded)('%s: within a pixel', (_, transform) => {
    for (const seed of seeds) {
      const moved = checkSample(transform(randomSample(seed), createRandom(seed)), 'test');
      expect(moved.boxes?.length).toBeGreaterThan(0);
      for (const { label, ...box } of moved.boxes ?? []) {
        const extent = extentOf(moved, label + 1) ?? { x: -9, y: -9, width: 0, height: 0 };
        expect(Math.abs(extent.x - box.x)).toBeLessThanOrEqual(0.5 + 1e-9);
        expect(Math.abs(extent.y - box.y)).toBeLessThanOrEqual(0.5 + 1e-9);
        expect(Math.abs(extent.x + extent.width - box.x - box.width)).toBeLessThanOrEqual(0.5 + 1e-9);
        expect(Math.abs(extent.y + extent.height - box.y - box.height)).toBeLessThanOrEqual(0.5 + 1e-9);
      }
    }
  });

  it('changes no sample that it is given, and adds no fields', () => {
    const all = compose([...exact, ...rounded].map(([, transform]) => transform));
    const sample = randomSample(3);
    const kept = structuredClone(sample);
    all(sample, createRandom(1));
    expect(sample).toEqual(kept);
    const bare = all(plain(9, 14), createRandom(1));
    expect(Object.keys(bare).sort()).toEqual(['id', 'image']);
  });
});

describe('flips and turns', () => {
  it.each(seeds)('seed %i: undo themselves', (seed) => {
    const sample = randomSample(seed);
    const never = createRandom(0);
    expect(mirrorSample(mirrorSample(sample))).toEqual(sample);
    const upside = flipVertical({ probability: 1 });
    expect(upside(upside(sample, never), never)).toEqual(sample);
    expect(turnSample(turnSample(sample, 1), 3)).toEqual(sample);
    expect(turnSample(turnSample(sample, 1), 1)).toEqual(turnSample(sample, 2));
    expect(turnSample(sample, -1)).toEqual(turnSample(sample, 3));
    expect(turnSample(sample, 4)).toBe(sample);
  });

  it('turn clockwise, and mirror left to right', () => {
    const pixels = Uint8Array.from([1, 2, 3, 4, 5, 6].flatMap((value) => [value, value, value]));
    const sample: Sample = { id: 'a', image: { pixels, height: 2, width: 3 }, mask: Uint8Array.of(1, 2, 3, 4, 5, 6) };
    expect([...(turnSample(sample, 1).mask ?? [])]).toEqual([4, 1, 5, 2, 6, 3]);
    expect([...(mirrorSample(sample).mask ?? [])]).toEqual([3, 2, 1, 6, 5, 4]);
    const upside = flipVertical({ probability: 1 })(sample, createRandom(0));
    expect([...(upside.mask ?? [])]).toEqual([4, 5, 6, 1, 2, 3]);
    for (const moved of [turnSample(sample, 1), mirrorSample(sample), upside]) {
      expect([...moved.image.pixels].filter((_, i) => i % 3 === 1)).toEqual([...(moved.mask ?? [])]);
    }
  });

  it('happen as often as they should', () => {
    const random = createRandom(5);
    const sample = plain(2, 2);
    const flip = flipHorizontal({ probability: 0.25 });
    const count = Array.from({ length: 1000 }, () => flip(sample, random)).filter(
      (flipped) => flipped !== sample,
    ).length;
    expect(count).toBeGreaterThan(200);
    expect(count).toBeLessThan(300);
  });
});

describe('crops', () => {
  it('drop boxes of which too little is left, and cut the others', () => {
    const boxes = [
      { x: 0, y: 0, width: 8, height: 8, label: 1, isCrowd: true },
      { x: 6, y: 0, width: 4.5, height: 4, label: 2 },
      { x: 20, y: 20, width: 4, height: 4, label: 3 },
    ];
    const region = { x: 5, y: 1, width: 10, height: 10 };
    expect(clipBoxes(boxes, region, 0.3)).toEqual([
      { x: 0, y: 0, width: 3, height: 7, label: 1, isCrowd: true },
      { x: 1, y: 0, width: 4.5, height: 3, label: 2 },
    ]);
    expect(clipBoxes(boxes, region, 0.5)).toHaveLength(1);
    expect(clipBoxes(boxes, region, 0)).toHaveLength(2);
    expect(
      clipBoxes([{ x: 0, y: 0, width: 4, height: 4, label: 0 }], { x: 3, y: 0, width: 9, height: 9 }),
    ).toHaveLength(1);
    expect(clipBoxes([{ x: 0, y: 0, width: 4, height: 4, label: 0 }], { x: 4, y: 0, width: 9, height: 9 }, 0)).toEqual(
      [],
    );
  });

  it('keep whole boxes with fractions when everything has to be seen', () => {
    const box = { x: 0.1, y: 0.7, width: 0.2 + 0.1, height: 1 / 3, label: 0 };
    expect(clipBoxes([box], { x: 0, y: 0, width: 5, height: 5 }, 1)).toHaveLength(1);
  });

  it.each(seeds)('seed %i: around a box hold its centre', (seed) => {
    const random = createRandom(seed);
    const whole = sampleOf({ random, height: 60, width: 50 });
    const sample = { ...whole, boxes: whole.boxes?.slice(0, 1) ?? [] };
    const cropped = randomCrop({ height: 16, width: 16, aroundBox: 1, minVisible: 0 })(sample, random);
    expect(sizeOf(cropped)).toEqual([16, 16]);
    expect(cropped.boxes).toHaveLength(1);
  });

  it('reach every corner, and cut sides that are too long', () => {
    const pixels = Uint8Array.from({ length: 27 }, (_, i) => Math.floor(i / 3));
    const sample: Sample = { id: 'a', image: { pixels, height: 3, width: 3 } };
    const random = createRandom(1);
    const corners = Array.from(
      { length: 200 },
      () => randomCrop({ height: 2, width: 1 })(sample, random).image.pixels[0],
    );
    expect([...new Set(corners)].sort()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(sizeOf(randomCrop({ height: 9, width: 2 })(sample, random))).toEqual([3, 2]);
  });

  it('take a fixed number of draws', () => {
    for (const aroundBox of [0, 0.5, 1]) {
      const random = createRandom(8);
      randomCrop({ height: 4, width: 4, aroundBox })(plain(8, 8), random);
      const other = createRandom(8);
      randomCrop({ height: 7, width: 3, aroundBox })(randomSample(2), other);
      expect(random.uniform()).toBe(other.uniform());
    }
  });

  it.each([
    { x: -1, y: 0, width: 2, height: 2 },
    { x: 0, y: 0.5, width: 2, height: 2 },
    { x: 4, y: 0, width: 5, height: 2 },
    { x: 0, y: 0, width: 0, height: 2 },
    { x: Number.NaN, y: 0, width: 2, height: 2 },
  ])('refuse the region %j', (region) => {
    expect(() => cropSample(plain(8, 8), region)).toThrow(ConfigError);
    expect(() => crop(region)(plain(8, 8), createRandom(0))).toThrow(ConfigError);
  });
});

describe('sizes', () => {
  it.each<[string, Transform, [number, number], [number, number]]>([
    ['exact', resizeTo({ height: 5, width: 7 }), [10, 10], [5, 7]],
    ['inside', resizeTo({ height: 50, width: 70, keepRatio: true }), [10, 20], [35, 70]],
    ['short side', resizeSide({ shortSide: 20 }), [10, 15], [20, 30]],
    ['long side', resizeSide({ longSide: 30 }), [10, 15], [20, 30]],
    ['short side, but not longer than', resizeSide({ shortSide: 80, longSide: 60 }), [10, 30], [20, 60]],
    ['never below a pixel', resizeSide({ longSide: 10 }), [1, 100], [1, 10]],
    ['scale', randomScale({ low: 2, high: 2 }), [3, 5], [6, 10]],
    ['pad to a divisor', padToDivisor({ divisor: 7 }), [7, 8], [7, 14]],
    ['pad to a size', padTo({ height: 9, width: 4 }), [7, 8], [9, 8]],
  ])('%s', (_, transform, [height, width], expected) => {
    expect(sizeOf(transform(plain(height, width), createRandom(1)))).toEqual(expected);
  });

  it('stay in the range of a random scale', () => {
    const random = createRandom(2);
    const sides = Array.from(
      { length: 100 },
      () => randomScale({ low: 0.5, high: 2 })(plain(20, 20), random).image.width,
    );
    expect(Math.min(...sides)).toBeGreaterThanOrEqual(10);
    expect(Math.min(...sides)).toBeLessThan(12);
    expect(Math.max(...sides)).toBeGreaterThan(37);
    expect(Math.max(...sides)).toBeLessThanOrEqual(40);
  });

  it('fill a pad with the colour, and the mask with 255', () => {
    const sample: Sample = {
      id: 'a',
      image: { pixels: Uint8Array.of(1, 2, 3), height: 1, width: 1 },
      mask: Uint8Array.of(4),
    };
    const padded = padSample(sample, { height: 2, width: 2, x: 1, y: 0, fill: [7, 8, 9] });
    expect([...padded.image.pixels]).toEqual([7, 8, 9, 1, 2, 3, 7, 8, 9, 7, 8, 9]);
    expect([...(padded.mask ?? [])]).toEqual([255, 4, 255, 255]);
  });

  it.each([
    () => resizeTo({ height: 0, width: 1 }),
    () => resizeSide({}),
    () => resizeSide({ shortSide: 1.5 }),
    () => randomScale({ low: 0, high: 1 }),
    () => randomScale({ low: 2, high: 1 }),
    () => randomScale({ low: 1, high: Number.POSITIVE_INFINITY }),
    () => padToDivisor({ divisor: 0 }),
    () => padTo({ height: 1, width: 1, fill: [0, 0, 256] }),
    () => padSample(plain(4, 4), { height: 4, width: 3, x: 0, y: 0 }),
    () => flipHorizontal({ probability: 1.5 }),
    () => flipVertical({ probability: Number.NaN }),
    () => randomCrop({ height: 4, width: 4, aroundBox: -1 }),
    () => crop({ x: 0, y: 0, height: 4, width: 4, minVisible: 2 }),
    () => jitterColour({ contrast: 2 }),
    () => turnSample(plain(2, 2), 0.5),
    () => letterbox(plain(2, 2), { height: 0, width: 2 }),
    () => boxToOriginal({ x: 0, y: 0, width: 1, height: 1 }, { scaleX: 0, scaleY: 1, offsetX: 0, offsetY: 0 }),
  ])('refuse options %#', (make) => {
    expect(make).toThrow(ConfigError);
    expect(make).toThrow(/^\w+: expected .*, got .*\.$/);
  });
});

describe('placements', () => {
  it.each(seeds)('seed %i: a letterbox maps boxes there and back', (seed) => {
    const random = createRandom(seed);
    const whole = randomSample(seed);
    const align = seed % 2 === 0 ? 'centre' : 'corner';
    const { sample, placement } = letterbox(whole, {
      height: random.integer(8, 90),
      width: random.integer(8, 90),
      align,
    });
    sample.boxes?.forEach((box, i) => {
      const original = whole.boxes?.[i];
      if (original === undefined) throw new Error('a box too many');
      const back = boxToOriginal(box, placement);
      expect(back.label).toBe(original.label);
      for (const key of ['x', 'y', 'width', 'height'] as const) {
        expect(back[key]).toBeCloseTo(original[key], 9);
        expect(boxToPlaced(original, placement)[key]).toBeCloseTo(box[key], 9);
      }
    });
  });

  it.each(seeds)('seed %i: so does a crop after a resize', (seed) => {
    const whole = randomSample(seed);
    const size = { height: 50, width: 60 };
    const region = { x: 3, y: 4, width: 40, height: 45 };
    const placement = composePlacements([resizePlacement(whole.image, size), cropPlacement(region)]);
    const cropped = cropSample(resizeSample(whole, size), region, 1); // only whole boxes stay
    for (const box of cropped.boxes ?? []) {
      const original = whole.boxes?.find(({ label }) => label === box.label);
      const back = boxToOriginal(box, placement);
      for (const key of ['x', 'y', 'width', 'height'] as const) {
        expect(back[key]).toBeCloseTo(original?.[key] ?? Number.NaN, 9);
      }
    }
  });

  it('lie where a letterbox says', () => {
    const { sample, placement } = letterbox(plain(10, 20), { height: 40, width: 40, fill: [9, 9, 9] });
    expect(sizeOf(sample)).toEqual([40, 40]);
    expect(placement).toEqual({ scaleX: 2, scaleY: 2, offsetX: 0, offsetY: 10 });
    expect([...sample.image.pixels.subarray(0, 3)]).toEqual([9, 9, 9]);
    expect(letterbox(plain(10, 20), { height: 40, width: 40, align: 'corner' }).placement.offsetY).toBe(0);
  });
});

describe('jitterColour', () => {
  const grey: Sample = { id: 'a', image: { pixels: new Uint8Array(12).fill(100), height: 2, width: 2 } };

  it('changes nothing by ranges of 0, but takes its three draws', () => {
    const random = createRandom(4);
    expect(jitterColour({})(grey, random)).toBe(grey);
    const other = createRandom(4);
    for (let i = 0; i < 3; i++) other.uniform();
    expect(random.uniform()).toBe(other.uniform());
  });

  it('keeps grey grey, and a flat image flat under contrast', () => {
    for (const seed of seeds) {
      const { pixels } = jitterColour({ brightness: 0.5, contrast: 0.5, saturation: 0.5 })(
        grey,
        createRandom(seed),
      ).image;
      expect(new Set(pixels).size).toBe(1);
      expect(pixels[0]).toBeGreaterThanOrEqual(50);
      expect(pixels[0]).toBeLessThanOrEqual(150);
      const flat = jitterColour({ contrast: 1, saturation: 1 })(grey, createRandom(seed)).image;
      expect([...flat.pixels]).toEqual([...grey.image.pixels]);
    }
  });

  it('multiplies by the brightness, and cuts at 255', () => {
    const uniform = (value: number) => ({ uniform: () => value, integer: () => 0, normal: () => 0 });
    const sample: Sample = { id: 'a', image: { pixels: Uint8Array.of(10, 100, 200), height: 1, width: 1 } };
    expect([...jitterColour({ brightness: 1 })(sample, uniform(0.75)).image.pixels]).toEqual([15, 150, 255]);
    expect([...jitterColour({ saturation: 1 })(sample, uniform(0)).image.pixels]).toEqual([84, 84, 84]); // its luma
  });
});

describe('checkSample', () => {
  it.each<[Partial<Sample>, RegExp]>([
    [{ mask: new Uint8Array(3) }, /mask of 2x2 = 4 bytes, got 3/],
    [{ label: -1 }, /label .* got -1/],
    [{ boxes: [{ x: 0, y: 0, width: 0, height: 1, label: 0 }] }, /box 0/],
    [{ boxes: [{ x: Number.NaN, y: 0, width: 1, height: 1, label: 0 }] }, /NaN/],
    [{ boxes: [{ x: 0, y: 0, width: 1, height: 1, label: 0.5 }] }, /class 0.5/],
    [{ image: { pixels: new Uint8Array(1), height: 2, width: 2 } }, /12 bytes/],
  ])('refuses %#', (changes, message) => {
    expect(() => checkSample({ ...plain(2, 2), ...changes }, 'test')).toThrow(message);
  });
});
