/** COCO's average precision over a stream of images: of an image only a few bytes per detection are kept. */

import type { CocoBox, Rle } from '@sparsevit/data';
import { areaOf, boxIou, maskIou } from '@sparsevit/data';
import { ConfigError } from '@sparsevit/windows';
import type { CocoDetection, CocoKind, CocoTruth } from './coco-items';
import { checkDetection, checkId, checkTruth } from './coco-items';
import type { ClassMatches } from './coco-match';
import { matchDetections } from './coco-match';
import { maxDetections } from './coco-settings';
import type { CocoMetrics, MatchesOfImage } from './coco-summary';
import { summarize } from './coco-summary';

/** Takes images one by one; `result` can be asked for at any time. */
export interface CocoEvaluator {
  /**
   * Adds all objects and detections of an image. Equal scores rank by the order of detections, and of images by their id.
   *
   * @throws ConfigError, and nothing is added, when an image comes twice, a category is unknown, a score, area, box or mask is not valid
   */
  add(imageId: number, truths: readonly CocoTruth[], detections: readonly CocoDetection[]): void;
  result(): CocoMetrics;
}

/**
 * Creates an evaluator that equals pycocotools' `COCOeval`: 101 recall points, 100 detections of a class per image, crowds ignored.
 *
 * @param categories those that are evaluated, by id
 * @throws ConfigError when an id is not a whole number or comes twice, or the kind is none
 * @example
 * const evaluator = createCocoEvaluator([{ id: 1 }], { kind: 'box' });
 * evaluator.add(7, [{ categoryId: 1, area: 100, box: [0, 0, 10, 10] }], [{ categoryId: 1, score: 0.9, box: [0, 0, 10, 10] }]);
 * evaluator.result().stats.AP50; // 1
 */
export function createCocoEvaluator(
  categories: readonly { readonly id: number }[],
  options: { readonly kind: CocoKind },
): CocoEvaluator {
  const { kind } = options;
  if (kind !== 'box' && kind !== 'mask') {
    throw new ConfigError(`createCocoEvaluator: expected the kind 'box' or 'mask', got ${JSON.stringify(kind)}.`);
  }
  const byCategory = new Map<number, MatchesOfImage[]>();
  for (const { id } of categories) {
    checkId(id, 'createCocoEvaluator: expected the id of a category');
    if (byCategory.has(id))
      throw new ConfigError(`createCocoEvaluator: expected every category once, got ${id} twice.`);
    byCategory.set(id, []);
  }
  const imageIds = new Set<number>();

  return {
    add(imageId, truths, detections) {
      checkId(imageId, 'CocoEvaluator.add: expected the id of an image');
      if (imageIds.has(imageId)) {
        throw new ConfigError(
          `CocoEvaluator.add: expected every image once, got ${imageId} twice. Add all of it at once.`,
        );
      }
      const isKnown = (id: number): boolean => byCategory.has(id);
      for (const [index, truth] of truths.entries()) {
        checkTruth(truth, { kind, isKnown, name: `CocoEvaluator.add: truths[${index}] of image ${imageId}` });
      }
      for (const [index, detection] of detections.entries()) {
        checkDetection(detection, {
          kind,
          isKnown,
          name: `CocoEvaluator.add: detections[${index}] of image ${imageId}`,
        });
      }
      const truthsOf = groupByCategory(truths);
      const detectionsOf = groupByCategory(detections);
      // First all, then kept: an image of which a part cannot be compared leaves no other part behind.
      const added = [...new Set([...truthsOf.keys(), ...detectionsOf.keys()])].map((id) => ({
        id,
        matches: matchClass(truthsOf.get(id) ?? [], detectionsOf.get(id) ?? [], kind),
      }));
      for (const { id, matches } of added) byCategory.get(id)?.push({ imageId, matches });
      imageIds.add(imageId);
    },
    result() {
      return summarize(byCategory);
    },
  };
}

function matchClass(truths: readonly CocoTruth[], found: readonly CocoDetection[], kind: CocoKind): ClassMatches {
  // What is beyond the limit can be neither right nor wrong: it is not even compared.
  const detections = [...found].sort((a, b) => b.score - a.score).slice(0, maxDetections);
  const isCrowd = truths.map((truth) => truth.isCrowd === true);
  return matchDetections({
    scores: Float64Array.from(detections, ({ score }) => score),
    truthAreas: truths.map(({ area }) => area),
    isCrowd,
    ...(kind === 'box'
      ? {
          detectionAreas: boxesOf(detections).map((box) => box[2] * box[3]),
          overlaps: boxIou(boxesOf(detections), boxesOf(truths), isCrowd),
        }
      : {
          detectionAreas: masksOf(detections).map(areaOf),
          overlaps: maskIou(masksOf(detections), masksOf(truths), isCrowd),
        }),
  });
}

const boxesOf = (items: readonly { readonly box?: CocoBox }[]): CocoBox[] =>
  items.flatMap(({ box }) => (box === undefined ? [] : [box]));
const masksOf = (items: readonly { readonly mask?: Rle }[]): Rle[] =>
  items.flatMap(({ mask }) => (mask === undefined ? [] : [mask]));

function groupByCategory<Item extends { readonly categoryId: number }>(items: readonly Item[]): Map<number, Item[]> {
  const groups = new Map<number, Item[]>();
  for (const item of items) {
    const group = groups.get(item.categoryId);
    if (group === undefined) groups.set(item.categoryId, [item]);
    else group.push(item);
  }
  return groups;
}
