/** Semantic segmentation: which class each pixel is and which it was taken for, counted over a set of images. */

import { ConfigError, ShapeError } from '@sparsevit/windows';

/** Pixels by class: `counts` is [truth, predicted]; whole numbers, exact up to 2^53. */
export interface ConfusionMatrix {
  readonly classCount: number;
  readonly counts: Float64Array;
}

/** Keeps the matrix below 512 MiB. */
const maxClasses = 8192;

/**
 * Creates a matrix without a pixel, for {@link addToConfusion}.
 *
 * @throws ConfigError when the count is not a whole number from 1 to 8192
 * @example
 * const matrix = createConfusion(19); // Cityscapes
 */
export function createConfusion(classCount: number): ConfusionMatrix {
  if (!Number.isInteger(classCount) || classCount < 1 || classCount > maxClasses) {
    throw new ConfigError(`createConfusion: expected 1 to ${maxClasses} classes, got ${classCount}.`);
  }
  return { classCount, counts: new Float64Array(classCount * classCount) };
}

/**
 * Adds the pixels of an image to a matrix; a pixel with the ignored label is left out, whatever was predicted there.
 *
 * @param matrix is changed in place
 * @param image labels of all pixels, `truth` and `predicted` in the same order; `ignoredLabel` is 255 unless told
 * @throws ShapeError when the lengths differ; ConfigError when a label is not of a class, and then nothing is added
 * @example
 * addToConfusion(matrix, { truth: labels, predicted });
 */
export function addToConfusion(
  matrix: ConfusionMatrix,
  image: { readonly truth: ArrayLike<number>; readonly predicted: ArrayLike<number>; readonly ignoredLabel?: number },
): void {
  const { classCount, counts } = matrix;
  const { truth, predicted, ignoredLabel = 255 } = image;
  if (truth.length !== predicted.length) {
    throw new ShapeError(
      `addToConfusion: expected a predicted label for each of ${truth.length} pixels, got ${predicted.length}.`,
    );
  }
  const isClass = (label: number | undefined): label is number =>
    Number.isInteger(label) && Number(label) >= 0 && Number(label) < classCount;
  const fail = (name: string, label: number | undefined, pixel: number): never => {
    throw new ConfigError(
      `addToConfusion: expected ${name} labels from 0 to ${classCount - 1}, got ${label} at pixel ${pixel}.${name === 'true' ? ` Only ${ignoredLabel} is ignored.` : ''}`,
    );
  };
  for (let pixel = 0; pixel < truth.length; pixel++) {
    if (truth[pixel] === ignoredLabel) continue;
    if (!isClass(truth[pixel])) fail('true', truth[pixel], pixel);
    if (!isClass(predicted[pixel])) fail('predicted', predicted[pixel], pixel);
  }
  for (let pixel = 0; pixel < truth.length; pixel++) {
    if (truth[pixel] === ignoredLabel) continue;
    const at = (truth[pixel] ?? 0) * classCount + (predicted[pixel] ?? 0);
    counts[at] = (counts[at] ?? 0) + 1;
  }
}

/**
 * Intersection over union of each class, `right / (truth + predicted - right)` in pixels; null for a class that neither has.
 *
 * @example
 * classIou(matrix); // [0.5, null, 0.75]
 */
export function classIou(matrix: ConfusionMatrix): (number | null)[] {
  const { classCount, counts } = matrix;
  return Array.from({ length: classCount }, (_, label) => {
    let either = 0;
    for (let other = 0; other < classCount; other++) {
      either += counts[label * classCount + other] ?? 0;
      if (other !== label) either += counts[other * classCount + label] ?? 0;
    }
    return either === 0 ? null : (counts[label * classCount + label] ?? 0) / either;
  });
}

/**
 * Mean of {@link classIou} over the classes that truth or prediction has, as Cityscapes counts it.
 *
 * @throws ConfigError when no pixel was counted
 * @example
 * meanIou(matrix); // 0.625
 */
export function meanIou(matrix: ConfusionMatrix): number {
  const values = classIou(matrix).filter((value) => value !== null);
  if (values.length === 0) throw noPixel('meanIou');
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * Share of pixels whose class was found: `sum of the diagonal / sum`.
 *
 * @throws ConfigError when no pixel was counted
 * @example
 * pixelAccuracy(matrix); // 0.9
 */
export function pixelAccuracy(matrix: ConfusionMatrix): number {
  const { classCount, counts } = matrix;
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) throw noPixel('pixelAccuracy');
  let right = 0;
  for (let label = 0; label < classCount; label++) right += counts[label * (classCount + 1)] ?? 0;
  return right / total;
}

const noPixel = (caller: string): ConfigError =>
  new ConfigError(
    `${caller}: expected a matrix with a pixel, got none. Every label was the ignored one, or no image was added.`,
  );
