import type { CocoBox } from '@sparsevit/data';
import { encodeRle } from '@sparsevit/data';
import { ConfigError } from '@sparsevit/windows';
import { describe, expect, it } from 'vitest';
import type { CocoDetection, CocoDocument, CocoResult, CocoTruth } from '../src/index';
import { createCocoEvaluator, evaluateCoco } from '../src/index';

const truth = (box: CocoBox, more: Partial<CocoTruth> = {}): CocoTruth => ({
  categoryId: 1,
  area: box[2] * box[3],
  box,
  ...more,
});
const detection = (score: number, box: CocoBox, categoryId = 1): CocoDetection => ({ categoryId, score, box });
const evaluate = (truths: CocoTruth[], detections: CocoDetection[]) => {
  const evaluator = createCocoEvaluator([{ id: 1 }], { kind: 'box' });
  evaluator.add(1, truths, detections);
  return evaluator.result();
};

const here: CocoBox = [0, 0, 10, 10];
const there: CocoBox = [50, 50, 10, 10];
const nowhere: CocoBox = [90, 0, 10, 10];

describe('createCocoEvaluator, worked by hand', () => {
  it('is 1 where everything is found, and -1 where nothing is to be found', () => {
    const { stats, perClassAP } = evaluate([truth(here)], [detection(0.5, here)]);
    expect(stats).toMatchObject({
      AP: 1,
      AP50: 1,
      AR1: 1,
      AR100: 1,
      ARsmall: 1,
      APmedium: -1,
      APlarge: -1,
      ARlarge: -1,
    });
    expect(perClassAP).toEqual({ 1: 1 });
    expect(evaluate([], []).stats).toMatchObject({ AP: -1, AR100: -1 });
    expect(evaluate([], []).perClassAP).toEqual({ 1: -1 });
  });

  it('reads the precision at 101 recalls', () => {
    // By score: right, wrong, right of two objects. Precision 1 up to recall .5 (51 points), 2/3 beyond (50 points).
    const { stats } = evaluate(
      [truth(here), truth(there)],
      [detection(0.9, here), detection(0.8, nowhere), detection(0.7, there)],
    );
    expect(stats.AP50).toBeCloseTo((51 + (50 * 2) / 3) / 101, 12);
    expect(stats).toMatchObject({ AR1: 0.5, AR10: 1, AR100: 1 });
  });

  it('counts the thresholds that an overlap reaches', () => {
    // 8 of 12 is 2/3: found at .50, .55, .60, .65.
    const { stats } = evaluate([truth(here)], [detection(0.9, [2, 0, 10, 10])]);
    expect(stats.AP).toBeCloseTo(0.4, 12);
    expect(stats.AR100).toBeCloseTo(0.4, 12);
    expect(stats.AP75).toBe(0);
  });

  it('gives an object to the better score, and calls the other wrong', () => {
    const { stats } = evaluate([truth(here), truth(there)], [detection(0.4, here), detection(0.9, here)]);
    // Recall never passes .5, where the precision is 1.
    expect(stats.AP50).toBeCloseTo(51 / 101, 12);
  });

  it('leaves out what lies in a crowd, however many', () => {
    const crowd = truth([40, 40, 60, 60], { isCrowd: true });
    const inside = [0.9, 0.8, 0.7].map((score) => detection(score, there));
    expect(evaluate([truth(here), crowd], [...inside, detection(0.1, here)]).stats.AP50).toBeCloseTo(1, 12);
    expect(evaluate([crowd], inside).stats.AP50).toBe(-1);
  });

  it('leaves out detections of another size where they match nothing of this size', () => {
    const { stats } = evaluate([truth([0, 0, 50, 50])], [detection(0.9, here), detection(0.5, [0, 0, 50, 50])]);
    expect(stats.APmedium).toBeCloseTo(1, 12);
    expect(stats.AP50).toBeCloseTo(0.5, 12);
  });

  it('looks at 100 detections of a class in an image', () => {
    const many = Array.from({ length: 100 }, () => detection(0.9, nowhere));
    expect(evaluate([truth(here)], [...many, detection(0.1, here)]).stats.AR100).toBe(0);
    expect(evaluate([truth(here)], [...many.slice(1), detection(0.1, here)]).stats.AR100).toBe(1);
  });

  it('ranks equal scores by the id of the image, in whatever order images come', () => {
    const results = [
      [1, 2],
      [2, 1],
    ].map((order) => {
      const evaluator = createCocoEvaluator([{ id: 1 }], { kind: 'box' });
      for (const id of order)
        evaluator.add(id, id === 1 ? [truth(here)] : [], [detection(0.5, id === 1 ? here : there)]);
      return evaluator.result().stats.AP50;
    });
    expect(results[0]).toBeCloseTo(1, 12);
    expect(results[1]).toBe(results[0]);
  });

  it('averages over the classes that have an object', () => {
    const evaluator = createCocoEvaluator([{ id: 1 }, { id: 2 }, { id: 3 }], { kind: 'box' });
    evaluator.add(1, [truth(here), truth(there, { categoryId: 2 })], [detection(0.5, here), detection(0.5, here, 3)]);
    const { stats, perClassAP } = evaluator.result();
    expect(stats.AP).toBeCloseTo(0.5, 12);
    expect(perClassAP).toMatchObject({ 2: 0, 3: -1 });
  });

  it('compares masks by their pixels', () => {
    const mask = encodeRle(Uint8Array.of(1, 1, 0, 0, 1, 1, 0, 0), 2, 4);
    const half = encodeRle(Uint8Array.of(1, 0, 0, 0, 1, 0, 0, 0), 2, 4);
    const evaluator = createCocoEvaluator([{ id: 1 }], { kind: 'mask' });
    evaluator.add(1, [{ categoryId: 1, area: 4, mask }], [{ categoryId: 1, score: 1, mask: half }]);
    expect(evaluator.result().stats.AP).toBeCloseTo(0.1, 12);
  });

  it('can be asked for results between images', () => {
    const evaluator = createCocoEvaluator([{ id: 1 }], { kind: 'box' });
    evaluator.add(1, [truth(here)], [detection(0.5, here)]);
    expect(evaluator.result().stats.AR100).toBe(1);
    evaluator.add(2, [truth(here)], []);
    expect(evaluator.result().stats.AR100).toBe(0.5);
  });
});

describe('createCocoEvaluator refuses', () => {
  it.each([
    [[{ id: 1 }, { id: 1 }], { kind: 'box' as const }, /every category once, got 1 twice/],
    [[{ id: 1.5 }], { kind: 'box' as const }, /id of a category as a whole number, got 1.5/],
    [[{ id: 1 }], { kind: 'bbox' as never }, /kind 'box' or 'mask', got "bbox"/],
  ])('categories or kind: %j %j', (categories, options, message) => {
    expect(() => createCocoEvaluator(categories, options)).toThrow(ConfigError);
    expect(() => createCocoEvaluator(categories, options)).toThrow(message);
  });

  it.each([
    [[], [detection(Number.NaN, here)], /detections\[0\] of image 4: expected a finite score, got NaN/],
    [[], [detection(0.5, here, 7)], /detections\[0\] of image 4: expected a category that is evaluated, got 7/],
    [[truth(here, { area: Number.NaN })], [], /truths\[0\] of image 4: expected an area of at least 0 pixels, got NaN/],
    [[truth(here, { area: -1 })], [], /got -1/],
    [[truth([0, 0, -1, 1])], [], /sides of at least 0/],
    [[{ categoryId: 1, area: 1 }], [], /expected a box, got none/],
    [[null as never], [], /expected an object, got null/],
  ])('an image %#, and keeps nothing of it', (truths, detections, message) => {
    const evaluator = createCocoEvaluator([{ id: 1 }], { kind: 'box' });
    expect(() => evaluator.add(4, truths, detections)).toThrow(ConfigError);
    expect(() => evaluator.add(4, truths, detections)).toThrow(message);
    evaluator.add(4, [truth(here)], [detection(0.5, here)]);
    expect(evaluator.result().stats.AP50).toBeCloseTo(1, 12);
  });

  it('an image that comes twice, and masks of two sizes', () => {
    const evaluator = createCocoEvaluator([{ id: 1 }], { kind: 'mask' });
    evaluator.add(1, [], []);
    expect(() => evaluator.add(1, [], [])).toThrow(/every image once, got 1 twice/);
    const masks = [encodeRle(new Uint8Array(4), 2, 2), encodeRle(new Uint8Array(6), 2, 3)] as const;
    expect(() =>
      evaluator.add(2, [{ categoryId: 1, area: 1, mask: masks[0] }], [{ categoryId: 1, score: 1, mask: masks[1] }]),
    ).toThrow(/one size/);
  });
});

describe('evaluateCoco', () => {
  const square = [[0, 0, 10, 0, 10, 10, 0, 10]];
  const annotation = { image_id: 3, category_id: 1, area: 100, iscrowd: 0, bbox: [0, 0, 10, 10], segmentation: square };
  const document: CocoDocument = {
    images: [{ id: 3, height: 20, width: 20 }],
    categories: [{ id: 1, name: 'car' }],
    annotations: [annotation],
  };
  const result: CocoResult = { image_id: 3, category_id: 1, score: 0.5, bbox: [0, 0, 10, 10] };
  const masked = { ...result, segmentation: { size: [20, 20], counts: [400] } };

  it('reads boxes and polygons', () => {
    expect(evaluateCoco(document, [result], { kind: 'box' }).stats.AR100).toBe(1);
    // Ten columns of 10 pixels from the upper left corner, 20 pixels high.
    const counts = [0, ...Array.from({ length: 19 }, () => 10), 210];
    const found = [{ ...result, segmentation: { size: [20, 20], counts } }];
    expect(evaluateCoco(document, found, { kind: 'mask' }).stats.AR100).toBe(1);
  });

  it.each([
    [[{ ...result, image_id: 9 }], /detections\[0\]: expected image_id to be of an image of the document, got 9/],
    [[result, { ...result, category_id: 90 }], /detections\[1\]: expected a category that is evaluated, got 90/],
    [[{ ...result, score: Number.NaN }], /detections\[0\]: expected a finite score, got NaN/],
    [[{ ...result, score: '1' as never }], /finite score, got 1/],
    [[{ ...result, bbox: [0, 0, 1] }], /detections\[0\]: expected a box .* got \[0, 0, 1\]/],
    [[{ image_id: 3, category_id: 1, score: 1 }], /detections\[0\]: expected a box, got none/],
    [[null as never], /detections\[0\] to be an object, got null/],
    [{} as never, /detections to be a list, got object/],
  ])('refuses results %#', (results, message) => {
    expect(() => evaluateCoco(document, results, { kind: 'box' })).toThrow(ConfigError);
    expect(() => evaluateCoco(document, results, { kind: 'box' })).toThrow(message);
  });

  it.each([
    [{ ...document, annotations: [{ ...annotation, image_id: 8 }] }, /annotations\[0\]: expected image_id .* got 8/],
    [
      { ...document, annotations: [{ ...annotation, category_id: 8 }] },
      /annotations\[0\]: expected a category .* got 8/,
    ],
    [{ ...document, annotations: [{ ...annotation, iscrowd: 2 }] }, /iscrowd to be 0 or 1, got 2/],
    [{ ...document, annotations: [{ ...annotation, area: undefined as never }] }, /expected an area .* got undefined/],
    [
      { ...document, annotations: [{ ...annotation, segmentation: [] }] },
      /annotations\[0\]: rleFromPolygons: .* got none/,
    ],
    [{ ...document, annotations: [{ ...annotation, segmentation: [[1, 2, 3, 4]] }] }, /got 4 numbers/],
    [
      { ...document, annotations: [{ ...annotation, segmentation: 'x' as never }] },
      /polygons or a run-length mask, got x/,
    ],
    [{ ...document, images: [{ id: 3 }] }, /expected height and width of image 3/],
    [{ ...document, images: [{ id: 3, height: 20, width: 21 }] }, /detections\[0\]: expected a mask of 20x21/],
    [{ ...document, images: [...document.images, { id: 3 }] }, /every image once, got 3 twice/],
    [{ ...document, categories: null as never }, /categories to be a list/],
    [null as never, /images to be a list, got undefined/],
  ])('refuses document %#', (bad, message) => {
    expect(() => evaluateCoco(bad, [masked], { kind: 'mask' })).toThrow(ConfigError);
    expect(() => evaluateCoco(bad, [masked], { kind: 'mask' })).toThrow(message);
  });

  it('refuses another kind', () => {
    expect(() => evaluateCoco(document, [], { kind: 'segm' as never })).toThrow(/'box' or 'mask', got "segm"/);
  });
});
