/** COCO's evaluation of a whole set: annotations and results as they are in COCO's files. */

import { ConfigError } from '@sparsevit/windows';
import type { CocoDocument, CocoResult } from './coco-document';
import { readItems } from './coco-document';
import { createCocoEvaluator } from './coco-evaluator';
import type { CocoKind } from './coco-items';
import type { CocoMetrics } from './coco-summary';

/**
 * Computes COCO's average precision and recall, equal to pycocotools' `COCOeval`: `iouType` is 'bbox' for boxes and 'segm' for masks.
 *
 * The size of an object is the `area` of its annotation; that of a detection is what is compared, of its box or its mask.
 *
 * @param document images, annotations and categories
 * @param detections the lines of a file of results; more than 100 of a class in an image are cut to the best
 * @throws ConfigError when an id of an image or a category is unknown, or a score, an area, a box or a mask is not valid; it says where
 * @example
 * const { stats, perClassAP } = evaluateCoco(JSON.parse(annotations), JSON.parse(results), { kind: 'box' });
 */
export function evaluateCoco(
  document: CocoDocument,
  detections: readonly CocoResult[],
  options: { readonly kind: CocoKind },
): CocoMetrics {
  const { kind } = options;
  if (kind !== 'box' && kind !== 'mask') {
    throw new ConfigError(`evaluateCoco: expected the kind 'box' or 'mask', got ${JSON.stringify(kind)}.`);
  }
  const items = readItems(document, detections, kind);
  const evaluator = createCocoEvaluator(document.categories, { kind });
  for (const [imageId, image] of items) evaluator.add(imageId, image.truths, image.detections);
  return evaluator.result();
}
