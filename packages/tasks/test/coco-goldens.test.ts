import { areaOf, parseCoco, parseRle, rleFromSegmentation } from '@sparsevit/data';
import { describeGolden, requireGolden } from '@sparsevit/testing';
import { expect, it } from 'vitest';
import type { CocoDocument, CocoMetrics, CocoResult } from '../src/index';
import { createCocoEvaluator, evaluateCoco } from '../src/index';

const folders = ['coco-eval', 'coco-eval-crowded'];
const files = folders.flatMap((folder) =>
  ['ground_truth', 'detections_bbox', 'detections_segm', 'expected'].map((file) => `${folder}/${file}.json`),
);
/** Both sides add some thousand numbers, in another order. */
const tolerance = 1e-9;

const parse = async <T>(name: string): Promise<T> => JSON.parse(new TextDecoder().decode(await requireGolden(name)));

describeGolden('evaluateCoco equals pycocotools', files, () => {
  it.each(
    folders.flatMap((folder) => [
      { folder, kind: 'box' as const, name: 'bbox' as const },
      { folder, kind: 'mask' as const, name: 'segm' as const },
    ]),
  )('$folder, $name', async ({ folder, kind, name }) => {
    const document = await parse<CocoDocument>(`${folder}/ground_truth.json`);
    const results = await parse<CocoResult[]>(`${folder}/detections_${name}.json`);
    const expected = (await parse<Record<'bbox' | 'segm', CocoMetrics>>(`${folder}/expected.json`))[name];
    expectEqual(evaluateCoco(document, results, { kind }), expected);
  });

  it.each(folders)('%s, with the masks that the reader of data sets gives', async (folder) => {
    const { images, categoryIds } = parseCoco(await parse(`${folder}/ground_truth.json`), { masks: true });
    const results = await parse<CocoResult[]>(`${folder}/detections_segm.json`);
    const evaluator = createCocoEvaluator(
      categoryIds.map((id) => ({ id })),
      { kind: 'mask' },
    );
    for (const image of images) {
      const truths = image.annotations.map(({ box, segmentation }) => {
        const mask = rleFromSegmentation(segmentation, image);
        const categoryId = categoryIds[box.label] ?? Number.NaN;
        return { categoryId, area: areaOf(mask), isCrowd: box.isCrowd === true, mask };
      });
      const found = results
        .filter(({ image_id: id }) => id === image.id)
        .map(({ category_id: categoryId, score, segmentation = { size: [], counts: '' } }) => {
          return { categoryId, score, mask: parseRle(segmentation) };
        });
      evaluator.add(image.id, truths, found);
    }
    expectEqual(evaluator.result(), (await parse<Record<'segm', CocoMetrics>>(`${folder}/expected.json`)).segm);
  });

  function expectEqual(actual: CocoMetrics, expected: CocoMetrics): void {
    for (const part of ['stats', 'perClassAP'] as const) {
      const [values, goals] = [Object.entries(actual[part]), new Map(Object.entries(expected[part]))];
      expect(values.map(([key]) => key)).toEqual([...goals.keys()]);
      for (const [key, value] of values) {
        expect(Math.abs(value - (goals.get(key) ?? Number.NaN)), key).toBeLessThanOrEqual(tolerance);
      }
    }
  }
});
