import { ConfigError } from '@sparsevit/windows';
import { describe, expect, it } from 'vitest';
import { type BrokenRecord, type CocoDocument, parseCoco } from '../src/index';

const images = [
  { id: 10, file_name: 'a.png', height: 40, width: 60 },
  { id: 7, file_name: 'sub/b.png', height: 20, width: 30, license: 3 },
];
const categories = [
  { id: 90, name: 'toothbrush', supercategory: 'indoor' },
  { id: 1, name: 'person' },
];
const annotation = { id: 1, image_id: 10, category_id: 90, bbox: [1.5, 2, 10, 20.25] };
const documentOf = (...annotations: unknown[]) => ({ info: {}, images, categories, annotations });

function parseSkipping(json: unknown): { parsed: CocoDocument; events: BrokenRecord[] } {
  const events: BrokenRecord[] = [];
  const parsed = parseCoco(json, { onBroken: 'skip', onEvent: (event) => events.push(event) });
  return { parsed, events };
}

describe('parseCoco', () => {
  it('gives records with labels in the order of the categories, and keeps ids and segmentation', () => {
    const segmentation = { counts: 'abc', size: [40, 60] };
    const {
      classes,
      categoryIds,
      images: parsed,
    } = parseCoco(
      documentOf(
        { ...annotation, segmentation },
        { ...annotation, id: 5, category_id: 1, image_id: 7, bbox: [1.5, 2, 10, 18], iscrowd: 1 },
        { ...annotation, id: 6, iscrowd: 0 },
      ),
    );
    expect(classes).toEqual(['toothbrush', 'person']);
    expect(categoryIds).toEqual([90, 1]);
    const box = { x: 1.5, y: 2, width: 10, height: 20.25, label: 0 };
    const crowd = { x: 1.5, y: 2, width: 10, height: 18, label: 1, isCrowd: true };
    expect(parsed).toEqual([
      {
        id: 10,
        fileName: 'a.png',
        height: 40,
        width: 60,
        annotations: [
          { id: 1, box, segmentation },
          { id: 6, box, segmentation: undefined },
        ],
      },
      {
        id: 7,
        fileName: 'sub/b.png',
        height: 20,
        width: 30,
        annotations: [{ id: 5, box: crowd, segmentation: undefined }],
      },
    ]);
    expect(parsed[0]?.annotations[0]?.segmentation).toBe(segmentation);
  });

  it('cuts a box that reaches out by rounding, and keeps one inside as it is', () => {
    const { images: parsed } = parseCoco(
      documentOf({ ...annotation, bbox: [-0.5, 0, 10, 40.75] }, { ...annotation, id: 2, bbox: [0.1, 0.2, 59.9, 39.8] }),
    );
    expect(parsed[0]?.annotations.map(({ box }) => box)).toEqual([
      { x: 0, y: 0, width: 9.5, height: 40, label: 0 },
      { x: 0.1, y: 0.2, width: 59.9, height: 39.8, label: 0 },
    ]);
  });

  it.each<[Record<string, unknown>, RegExp]>([
    [{ bbox: [0, 0, 0, 5] }, /no area/],
    [{ bbox: [0, 0, 5, -5] }, /no area/],
    [{ bbox: [0, 0, 62, 5] }, /reaches out of its image of 60x40/],
    [{ bbox: [-2, 0, 5, 5] }, /reaches out/],
    [{ bbox: [60.5, 0, 0.25, 5] }, /reaches out/],
    [{ bbox: [100, 100, 5, 5] }, /reaches out/],
    [{ bbox: [1e308, 0, 1e308, 5] }, /reaches out/],
    [{ bbox: [Number.NaN, 0, 5, 5] }, /four finite numbers/],
    [{ bbox: [0, 0, Number.POSITIVE_INFINITY, 5] }, /four finite numbers/],
    [{ bbox: ['0', 0, 5, 5] }, /four finite numbers/],
    [{ bbox: [0, 0, 5] }, /four numbers/],
    [{ bbox: undefined }, /bbox is nothing/],
    [{ bbox: null }, /bbox is null/],
    [{ bbox: { x: 1 } }, /bbox is a record/],
    [{ category_id: 2 }, /category_id 2 names no usable category/],
    [{ category_id: '90' }, /category_id "90"/],
    [{ category_id: '__proto__' }, /category_id/],
    [{ image_id: 11 }, /image_id 11 names no usable image/],
    [{ image_id: undefined }, /image_id nothing/],
    [{ iscrowd: 'yes' }, /iscrowd is "yes"/],
    [{ iscrowd: 2 }, /iscrowd is 2/],
    [{ id: 3 }, /its id comes twice/],
  ])('reports an annotation with %j by its id, or fails', (changes, reason) => {
    const bad = { ...annotation, id: 4, ...changes };
    const json = documentOf({ ...annotation, id: 3 }, bad, { ...annotation, id: 5 });
    const { parsed, events } = parseSkipping(json);
    expect(parsed.images[0]?.annotations.map(({ id }) => id)).toEqual([3, 5]);
    expect(events).toEqual([
      { type: 'record-broken', kind: 'annotation', id: String(bad.id), reason: expect.stringMatching(reason) },
    ]);
    expect(() => parseCoco(json)).toThrow(ConfigError);
    expect(() => parseCoco(json)).toThrow(new RegExp(`^parseCoco: expected annotation "${bad.id}" to be usable, but `));
  });

  it.each([
    [null, '#1'],
    ['text', '#1'],
    [[1], '#1'],
    [{ ...annotation, id: 'x' }, '#1'],
    [{ ...annotation, id: 1.5 }, '#1'],
    [{ ...annotation, id: undefined }, '#1'],
  ])('reports an annotation %j by its place', (bad, id) => {
    const { events } = parseSkipping(documentOf(annotation, bad));
    expect(events.map((event) => [event.kind, event.id])).toEqual([['annotation', id]]);
  });

  it.each<[Record<string, unknown>, RegExp]>([
    [{ file_name: '../a.png' }, /no plain path/],
    [{ file_name: 'a/../../b.png' }, /no plain path/],
    [{ file_name: '/etc/passwd' }, /no plain path/],
    [{ file_name: 'C:/b.png' }, /no plain path/],
    [{ file_name: '..\\b.png' }, /no plain path/],
    [{ file_name: 'b.png\u0000.jpg' }, /no plain path/],
    [{ file_name: '' }, /no plain path/],
    [{ file_name: './b.png' }, /no plain path/],
    [{ file_name: 'sub//b.png' }, /no plain path/],
    [{ file_name: 5 }, /file_name is 5/],
    [{ file_name: 'a.png' }, /"a.png" comes twice/],
    [{ height: 0 }, /height and width are 0 and 60/],
    [{ width: '60' }, /40 and "60"/],
    [{ width: 1e12 }, /1000000000000/],
    [{ id: 10 }, /id comes twice/],
  ])('reports an image with %j, and what is marked in it', (changes, reason) => {
    const bad = { id: 11, file_name: 'c.png', height: 40, width: 60, ...changes };
    const json = { categories, images: [...images, bad], annotations: [{ ...annotation, image_id: 11 }] };
    const { parsed, events } = parseSkipping(json);
    expect(parsed.images.map(({ id }) => id)).toEqual([10, 7]);
    expect(events.map(({ kind }) => kind)).toEqual(['image', 'annotation']);
    expect(events[0]).toMatchObject({ id: String(bad.id), reason: expect.stringMatching(reason) });
    expect(() => parseCoco(json)).toThrow(/expected image "1[01]" to be usable/);
  });

  it.each<[unknown, RegExp]>([
    [{ id: 90, name: 'other' }, /id comes twice/],
    [{ id: 2, name: 'person' }, /name "person" comes twice/],
    [{ id: 2, name: '' }, /not a text/],
    [{ id: 2 }, /name is nothing/],
    [{ name: 'x' }, /id is nothing/],
  ])('reports the category %j', (bad, reason) => {
    const { parsed, events } = parseSkipping({ images, annotations: [], categories: [...categories, bad] });
    expect(parsed.classes).toEqual(['toothbrush', 'person']);
    expect(events).toMatchObject([{ kind: 'category', reason: expect.stringMatching(reason) }]);
  });

  it.each<[unknown, RegExp]>([
    [null, /list of images, got null/],
    ['[]', /list of images/],
    [[], /list of images/],
    [{ images: {} }, /list of images, got a record/],
    [{ images, annotations: [] }, /list of categories, got nothing/],
    [{ images, categories, annotations: 3 }, /list of annotations, got 3/],
    [{ images, annotations: [], categories: [] }, /at least one usable category/],
  ])('refuses the document %j, whatever is skipped', (json, message) => {
    expect(() => parseSkipping(json)).toThrow(ConfigError);
    expect(() => parseSkipping(json)).toThrow(message);
  });

  it('is not upset by depth, length or names of prototypes', () => {
    let deep: unknown = [];
    for (let i = 0; i < 100_000; i++) deep = [deep];
    const long = 'x'.repeat(1_000_000);
    const { events, parsed } = parseSkipping({
      ...documentOf(
        { ...annotation, bbox: deep },
        { ...annotation, id: 2, iscrowd: long },
        { ...annotation, id: 3, bbox: [deep, 1, 1, 1] },
        JSON.parse('{"__proto__": {"id": 9}}'),
      ),
      categories: [
        { id: 90, name: '__proto__' },
        { id: 1, name: 'constructor' },
      ],
    });
    expect(parsed.classes).toEqual(['__proto__', 'constructor']);
    expect(events).toHaveLength(4);
    for (const { reason } of events) expect(reason.length).toBeLessThan(150);
  });

  it('takes many records in a moment', () => {
    const many = Array.from({ length: 50_000 }, (_, id) => ({ ...annotation, id }));
    const names = Array.from({ length: 20_000 }, (_, id) => ({ id, name: `class ${id}` }));
    expect(parseCoco({ ...documentOf(...many), categories: names }).images[0]?.annotations).toHaveLength(50_000);
  });
});
