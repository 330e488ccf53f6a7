/** Precision and recall of one class over all images, from what became of its detections. */

import type { ClassMatches } from './coco-match';
import { outcomes } from './coco-match';
import type { AreaName } from './coco-settings';
import { areaNames, overlapThresholds, recallPoints } from './coco-settings';

/** A class at every threshold: precision averaged over the recall points, and the recall of all its detections. */
export interface ClassCurve {
  /** [thresholds] */
  readonly precision: Float64Array;
  /** [thresholds] */
  readonly recall: Float64Array;
}

/**
 * Computes the average precision and the recall of a class: detections of all images by falling score, precision made non-increasing
 * in recall, read at 101 recall points; null where no object is to be found.
 *
 * @param images in the order that decides between equal scores
 * @param options the size of objects, and the most detections per image
 * @example
 * curveOf(images, { area: 'all', limit: 100 })?.precision; // AP at .50, .55, ...
 */
export function curveOf(
  images: readonly ClassMatches[],
  options: { area: AreaName; limit: number },
): ClassCurve | null {
  const area = areaNames.indexOf(options.area);
  const truthCount = images.reduce((sum, { truthCounts }) => sum + (truthCounts[area] ?? 0), 0);
  if (truthCount === 0) return null;
  const ranked = rank(images, options.limit);
  const precision = new Float64Array(overlapThresholds.length);
  const recall = new Float64Array(overlapThresholds.length);
  for (const threshold of overlapThresholds.keys()) {
    const row = area * overlapThresholds.length + threshold;
    const results = ranked.map(({ image, detection }) => image.outcomes[row * image.scores.length + detection] ?? 0);
    const curve = precisionByRecall(Uint8Array.from(results), truthCount);
    precision[threshold] = curve.precision;
    recall[threshold] = curve.recall;
  }
  return { precision, recall };
}

interface Ranked {
  readonly image: ClassMatches;
  readonly detection: number;
  readonly score: number;
}

function rank(images: readonly ClassMatches[], limit: number): Ranked[] {
  const all = images.flatMap((image) =>
    Array.from(image.scores.subarray(0, limit), (score, detection) => ({ image, detection, score })),
  );
  // The sort is stable, as pycocotools' is: equal scores stay in the order of images.
  return all.sort((a, b) => b.score - a.score);
}

function precisionByRecall(results: Uint8Array, truthCount: number): { precision: number; recall: number } {
  const precisions = new Float64Array(results.length);
  const recalls = new Float64Array(results.length);
  let [right, wrong] = [0, 0];
  for (const [position, result] of results.entries()) {
    if (result === outcomes.right) right++;
    else if (result === outcomes.wrong) wrong++;
    recalls[position] = right / truthCount;
    precisions[position] = right === 0 ? 0 : right / (right + wrong);
  }
  for (let at = results.length - 2; at >= 0; at--) {
    precisions[at] = Math.max(precisions[at] ?? 0, precisions[at + 1] ?? 0);
  }
  let sum = 0;
  let at = 0;
  for (const point of recallPoints) {
    while (at < recalls.length && (recalls[at] ?? 0) < point) at++;
    sum += precisions[at] ?? 0;
  }
  return { precision: sum / recallPoints.length, recall: right / truthCount };
}
