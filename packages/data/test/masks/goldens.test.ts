import { describeGolden, requireGolden } from '@sparsevit/testing';
import { beforeAll, expect, it } from 'vitest';
import type { CocoBox } from '../../src/index';
import { areaOf, boxIou, boxOf, compressRle, maskIou, parseRle, rleFromPolygons } from '../../src/index';

interface Masks {
  polygons: { height: number; width: number; polygons: number[][]; counts: string; area: number; box: CocoBox }[];
  overlaps: {
    size: [number, number];
    detections: string[];
    truths: string[];
    isCrowd: boolean[];
    mask: number[][];
    boxes: { detections: CocoBox[]; truths: CocoBox[]; iou: number[][] };
  };
}

interface Result {
  segmentation: { size: number[]; counts: string };
}

interface Annotation {
  area: number;
  bbox: CocoBox;
  image_id: number;
  segmentation: number[][] | { size: number[]; counts: number[] };
}

const parse = async <T>(name: string): Promise<T> => JSON.parse(new TextDecoder().decode(await requireGolden(name)));

describeGolden('masks equal pycocotools', ['coco-masks/masks.json'], () => {
  let golden: Masks;
  beforeAll(async () => {
    golden = await parse('coco-masks/masks.json');
  });

  it('polygons, to the bit', () => {
    for (const { height, width, polygons, counts, area, box } of golden.polygons) {
      const rle = rleFromPolygons(polygons, height, width);
      expect(compressRle(rle)).toBe(counts);
      expect(areaOf(rle)).toBe(area);
      expect(boxOf(rle)).toEqual(box);
    }
  });

  it('overlaps of masks and of boxes, with crowds', () => {
    const { size, detections, truths, isCrowd, mask, boxes } = golden.overlaps;
    const read = (counts: string) => parseRle({ size, counts });
    expect([...maskIou(detections.map(read), truths.map(read), isCrowd)]).toEqual(mask.flat());
    expect([...boxIou(boxes.detections, boxes.truths, isCrowd)]).toEqual(boxes.iou.flat());
  });
});

const files = ['coco-eval', 'coco-eval-crowded'].flatMap((folder) => [
  `${folder}/detections_segm.json`,
  `${folder}/ground_truth.json`,
]);

describeGolden('masks of the evaluation goldens', files, () => {
  it.each(['coco-eval', 'coco-eval-crowded'])('%s: strings come back as they were', async (folder) => {
    const results = await parse<Result[]>(`${folder}/detections_segm.json`);
    for (const { segmentation } of results) expect(compressRle(parseRle(segmentation))).toBe(segmentation.counts);
    expect(results.length).toBeGreaterThan(0);
  });

  it.each(['coco-eval', 'coco-eval-crowded'])('%s: areas and boxes of the annotations', async (folder) => {
    const truth = await parse<{ images: { id: number; height: number; width: number }[]; annotations: Annotation[] }>(
      `${folder}/ground_truth.json`,
    );
    for (const { area, bbox, image_id, segmentation } of truth.annotations) {
      const image = truth.images.find(({ id }) => id === image_id);
      const rle = Array.isArray(segmentation)
        ? rleFromPolygons(segmentation, image?.height ?? 0, image?.width ?? 0)
        : parseRle(segmentation);
      expect([areaOf(rle), boxOf(rle)]).toEqual([area, bbox]);
    }
  });
});
