/** COCO's twelve numbers from the matches of all images. */

import { curveOf } from './coco-curve';
import type { ClassMatches } from './coco-match';
import type { AreaName } from './coco-settings';
import { maxDetections } from './coco-settings';

/** COCO's twelve numbers, 0 to 1: average precision (AP) and average recall (AR); -1 where nothing is to be found. */
export interface CocoStats {
  /** Over the overlaps .50, .55, ..., .95. */
  readonly AP: number;
  readonly AP50: number;
  readonly AP75: number;
  /** Objects of up to 32 x 32 pixels. */
  readonly APsmall: number;
  /** Objects from 32 x 32 to 96 x 96 pixels. */
  readonly APmedium: number;
  /** Objects from 96 x 96 pixels on. */
  readonly APlarge: number;
  /** With at most 1 detection of a class per image. */
  readonly AR1: number;
  readonly AR10: number;
  readonly AR100: number;
  readonly ARsmall: number;
  readonly ARmedium: number;
  readonly ARlarge: number;
}

/** The result of an evaluation. */
export interface CocoMetrics {
  readonly stats: CocoStats;
  /** AP by the id of the category; -1 where no object is of it. */
  readonly perClassAP: Readonly<Record<string, number>>;
}

/** What is kept of a class in an image. */
export interface MatchesOfImage {
  readonly imageId: number;
  readonly matches: ClassMatches;
}

/** Position of the overlaps .50 and .75 among the thresholds. */
const at50 = 0;
const at75 = 5;

/** Computes the metrics of all classes: averages over classes that have an object of the size, -1 where none has. */
export function summarize(byCategory: ReadonlyMap<number, readonly MatchesOfImage[]>): CocoMetrics {
  // Equal scores rank by the id of the image, whatever the order in which images came.
  const classes = [...byCategory].map(([id, images]) => ({
    id,
    images: [...images].sort((a, b) => a.imageId - b.imageId).map(({ matches }) => matches),
  }));
  const curves = (area: AreaName, limit: number = maxDetections) =>
    classes.flatMap(({ images }) => curveOf(images, { area, limit }) ?? []);
  const all = curves('all');
  const sizes = { small: curves('small'), medium: curves('medium'), large: curves('large') };
  const averagePrecision = (of: typeof all): number => mean(of.flatMap(({ precision }) => [...precision]));
  const averageRecall = (of: typeof all): number => mean(of.flatMap(({ recall }) => [...recall]));
  return {
    stats: {
      AP: averagePrecision(all),
      AP50: mean(all.map(({ precision }) => precision[at50] ?? 0)),
      AP75: mean(all.map(({ precision }) => precision[at75] ?? 0)),
      APsmall: averagePrecision(sizes.small),
      APmedium: averagePrecision(sizes.medium),
      APlarge: averagePrecision(sizes.large),
      AR1: averageRecall(curves('all', 1)),
      AR10: averageRecall(curves('all', 10)),
      AR100: averageRecall(all),
      ARsmall: averageRecall(sizes.small),
      ARmedium: averageRecall(sizes.medium),
      ARlarge: averageRecall(sizes.large),
    },
    perClassAP: Object.fromEntries(
      classes.map(({ id, images }) => [
        id,
        mean([...(curveOf(images, { area: 'all', limit: maxDetections })?.precision ?? [])]),
      ]),
    ),
  };
}

const mean = (values: readonly number[]): number =>
  values.length === 0 ? -1 : values.reduce((sum, value) => sum + value, 0) / values.length;
