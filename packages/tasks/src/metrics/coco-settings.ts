/** What COCO fixes for its evaluation of boxes and masks (https://cocodataset.org/#detection-eval). */

/** Overlaps from which a detection counts as found: .50, .55, ..., .95; spaced as numpy's `linspace` rounds them. */
export const overlapThresholds: Float64Array = Float64Array.from({ length: 10 }, (_, i) =>
  i === 9 ? 0.95 : 0.5 + i * ((0.95 - 0.5) / 9),
);

/** Recalls at which the precision is read: 0, .01, ..., 1. */
export const recallPoints: Float64Array = Float64Array.from({ length: 101 }, (_, i) => i * 0.01);

/** A size of objects. */
export type AreaName = 'all' | 'small' | 'medium' | 'large';

/** Sizes of objects in pixels, both ends included. */
export const areaRanges: Readonly<Record<AreaName, readonly [least: number, most: number]>> = {
  all: [0, 1e5 ** 2],
  small: [0, 32 ** 2],
  medium: [32 ** 2, 96 ** 2],
  large: [96 ** 2, 1e5 ** 2],
};

/** The sizes in the order in which matches are stored. */
export const areaNames: readonly AreaName[] = ['all', 'small', 'medium', 'large'];

/** The most detections of a class in one image that are looked at. */
export const maxDetections = 100;
