/** Classification of images and of pixels. */

import { ShapeError } from '@sparsevit/windows';
import type { Scalar, Tensor, Tensor2D } from './tensor';
import { customGrad, exp, log, max, mul, neg, softmax, sub, sum, tensor, tidy } from './tensor';

type Save = (tensors: Tensor[]) => void;

/** The label of what is not to be learnt from. */
export const ignoredLabel = 255;

/**
 * Mean over rows of -sum over classes of q * log softmax(logits), with q = (1 - s) * oneHot(label) + s / classes; rows of the ignored label are
 * left out. 0 when all are.
 *
 * @param logits [n, classes]
 * @param labels n class ids; `ignored` (255) is left out
 * @param options `smoothing`: s; default 0
 * @throws ShapeError for another number of labels, or one that is no class
 * @example
 * const loss = crossEntropy(logits, Uint8Array.of(0, 2, 255));
 */
export function crossEntropy(
  logits: Tensor2D,
  labels: ArrayLike<number>,
  { smoothing = 0, ignored = ignoredLabel }: { smoothing?: number; ignored?: number } = {},
): Scalar {
  const [rows, classes] = logits.shape;
  if (labels.length !== rows) {
    throw new ShapeError(`crossEntropy: expected ${rows} labels, one per row of logits, got ${labels.length}.`);
  }
  // q of each row; a row that is left out is all zeros, and so is its part of the loss and of the gradient
  const wanted = new Float32Array(rows * classes);
  let count = 0;
  for (let row = 0; row < rows; row++) {
    const label = labels[row] ?? ignored;
    if (label === ignored) continue;
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      throw new ShapeError(`crossEntropy: expected labels from 0 to ${classes - 1} or ${ignored}, got ${label}.`);
    }
    count++;
    if (smoothing > 0) wanted.fill(smoothing / classes, row * classes, (row + 1) * classes);
    wanted[row * classes + label] = (wanted[row * classes + label] ?? 0) + 1 - smoothing;
  }
  const share = count === 0 ? 0 : 1 / count;
  return tidy(() => {
    const targets = tensor(wanted, [rows, classes]);
    const loss = customGrad((logits, save) => {
      const x = logits as Tensor2D;
      (save as Save)([x, targets]);
      const shifted = sub(x, max(x, 1, true));
      const logSum = log(sum(exp(shifted), 1, true));
      return {
        value: mul(neg(sum(mul(targets, sub(shifted, logSum)))), share),
        gradFunc: (dy: Tensor, saved: Tensor[]) => {
          const [kept, q] = saved as [Tensor2D, Tensor2D];
          // rows of q add up to 1, or to 0 where they are left out
          return mul(sub(mul(softmax(kept), sum(q, 1, true)), q), mul(dy, share));
        },
      };
    })(logits);
    return loss as Scalar;
  });
}
