/** Classification: how often the right class is among the k largest logits. */

import { ConfigError, ShapeError } from '@sparsevit/windows';

/**
 * Counts the images whose class is among their k largest logits; sums of batches over the count of images are the accuracy of a set.
 *
 * Of equal logits the lower class ranks first (`torch.topk` leaves that open), so that equal logits throughout are right for the first k classes only.
 *
 * @param logits [batch, classes], row-major
 * @param labels [batch], the right classes
 * @param k 1 for top-1, 5 for top-5
 * @throws ShapeError when logits are not a row for each label; ConfigError when k or a label is not of the classes, or a logit is NaN
 * @example
 * countTopK(Float32Array.of(0.1, 0.9, 0.5), [2], 2); // 1
 */
export function countTopK(logits: ArrayLike<number>, labels: ArrayLike<number>, k: number): number {
  const classCount = checkTopK({ logits, labels, k }, 'countTopK');
  let hits = 0;
  for (let image = 0; image < labels.length; image++) {
    const label = labels[image] ?? 0;
    const own = logits[image * classCount + label] ?? 0;
    let ahead = 0;
    for (let other = 0; other < classCount; other++) {
      const value = logits[image * classCount + other] ?? 0;
      if (value > own || (value === own && other < label)) ahead++;
    }
    if (ahead < k) hits++;
  }
  return hits;
}

/**
 * Share of images whose class is among their k largest logits: {@link countTopK} over the batch.
 *
 * @throws as countTopK does
 * @example
 * topKAccuracy(Float32Array.of(0.1, 0.9, 0.8, 0.2), [1, 1], 1); // 0.5
 */
export function topKAccuracy(logits: ArrayLike<number>, labels: ArrayLike<number>, k: number): number {
  return countTopK(logits, labels, k) / labels.length;
}

/** Checks logits and labels and returns the count of classes. */
function checkTopK(
  { logits, labels, k }: { logits: ArrayLike<number>; labels: ArrayLike<number>; k: number },
  caller: string,
): number {
  const classCount = logits.length / labels.length;
  if (labels.length === 0 || !Number.isInteger(classCount) || classCount === 0) {
    throw new ShapeError(
      `${caller}: expected logits [batch, classes] and labels [batch], got ${logits.length} logits and ${labels.length} labels.`,
    );
  }
  if (!Number.isInteger(k) || k < 1 || k > classCount) {
    throw new ConfigError(`${caller}: expected k from 1 to the ${classCount} classes, got ${k}.`);
  }
  for (let image = 0; image < labels.length; image++) {
    const label = labels[image];
    if (label === undefined || !Number.isInteger(label) || label < 0 || label >= classCount) {
      throw new ConfigError(`${caller}: expected labels from 0 to ${classCount - 1}, got ${label} for image ${image}.`);
    }
  }
  for (let at = 0; at < logits.length; at++) {
    if (typeof logits[at] !== 'number' || Number.isNaN(logits[at])) {
      throw new ConfigError(
        `${caller}: expected logits that are numbers, got ${logits[at]} for class ${at % classCount} of image ${Math.floor(at / classCount)}.`,
      );
    }
  }
  return classCount;
}
