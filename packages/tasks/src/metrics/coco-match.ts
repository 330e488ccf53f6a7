/** Which detections of a class in one image found an object, by COCO's rules, for every threshold and size of objects. */

import { areaNames, areaRanges, overlapThresholds } from './coco-settings';

/** The objects and detections of one class in one image; detections by falling score, at most 100. */
export interface ClassOfImage {
  /** [detections] */
  readonly scores: Float64Array;
  /** [detections], in pixels */
  readonly detectionAreas: readonly number[];
  /** [truths], in pixels */
  readonly truthAreas: readonly number[];
  /** [truths] */
  readonly isCrowd: readonly boolean[];
  /** [detections, truths] */
  readonly overlaps: Float64Array;
}

/** What became of the detections: all that an evaluation keeps of an image. */
export interface ClassMatches {
  /** [detections], falling */
  readonly scores: Float64Array;
  /** [areas, thresholds, detections] of {@link outcomes} */
  readonly outcomes: Uint8Array;
  /** [areas]: objects that are to be found */
  readonly truthCounts: readonly number[];
}

/** Wrong, right, or left out of the count: matched to an ignored object, or unmatched and of another size. */
export const outcomes = { wrong: 0, right: 1, ignored: 2 } as const;

/**
 * Matches detections to objects: by falling score, each takes the object that it overlaps most, from the threshold on, of those not
 * taken; an ignored object (a crowd, or one of another size) only where no other is there. A crowd can be taken any number of times.
 *
 * @example
 * matchDetections({ scores, detectionAreas, truthAreas, isCrowd, overlaps }).truthCounts;
 */
export function matchDetections(image: ClassOfImage): ClassMatches {
  const { scores, truthAreas, isCrowd } = image;
  const result = new Uint8Array(areaNames.length * overlapThresholds.length * scores.length);
  const truthCounts = areaNames.map((name, area) => {
    const [least, most] = areaRanges[name];
    const isIgnored = truthAreas.map((size, t) => isCrowd[t] === true || size < least || size > most);
    for (const [threshold, overlap] of overlapThresholds.entries()) {
      const offset = (area * overlapThresholds.length + threshold) * scores.length;
      const target = result.subarray(offset, offset + scores.length);
      matchAt(image, { isIgnored, least, most, overlap }, target);
    }
    return isIgnored.filter((ignored) => !ignored).length;
  });
  return { scores, outcomes: result, truthCounts };
}

interface MatchOptions {
  readonly isIgnored: readonly boolean[];
  readonly least: number;
  readonly most: number;
  readonly overlap: number;
}

function matchAt(image: ClassOfImage, options: MatchOptions, target: Uint8Array): void {
  const { detectionAreas, truthAreas, isCrowd } = image;
  const { isIgnored, least, most, overlap } = options;
  const isTaken = truthAreas.map(() => false);
  for (const [detection, size] of detectionAreas.entries()) {
    const row = image.overlaps.subarray(detection * truthAreas.length, (detection + 1) * truthAreas.length);
    const isFree = (t: number): boolean => !isTaken[t] || isCrowd[t] === true;
    let found = bestOf(row, overlap, (t) => isFree(t) && !isIgnored[t]);
    if (found < 0) found = bestOf(row, overlap, (t) => isFree(t) && isIgnored[t] === true);
    if (found >= 0) {
      isTaken[found] = true;
      target[detection] = isIgnored[found] ? outcomes.ignored : outcomes.right;
    } else target[detection] = size < least || size > most ? outcomes.ignored : outcomes.wrong;
  }
}

/** Finds the largest overlap of at least `atLeast`; of equal ones the last, or -1 where there is none. */
function bestOf(row: Float64Array, atLeast: number, isAllowed: (truth: number) => boolean): number {
  let best = -1;
  let largest = atLeast;
  for (let truth = 0; truth < row.length; truth++) {
    const overlap = row[truth] ?? 0;
    if (overlap < largest || !isAllowed(truth)) continue;
    largest = overlap;
    best = truth;
  }
  return best;
}
