/** The losses of a centre detector. Source: Zhou et al., Objects as Points, equations 1 to 3. */

import { ShapeError } from '@sparsevit/windows';
import type { Scalar, Tensor } from './tensor';
import { abs, add, customGrad, exp, log, minimum, mul, neg, sigmoid, sign, square, sub, sum, tidy } from './tensor';

type Save = (tensors: Tensor[]) => void;

/**
 * -1/N * sum of (1 - p)^2 log p at centres, and of (1 - y)^4 p^2 log(1 - p) elsewhere, with p = sigmoid(logits), y the heatmap that is wanted
 * (1 at centres, falling around them), and N the number of centres, at least 1.
 *
 * @param logits any shape
 * @param wanted the same shape, 0 to 1
 * @param centres number of values of 1 in `wanted`
 * @throws ShapeError when the shapes differ
 * @example
 * const loss = focalLoss(output.heatmap, wanted, 3);
 */
export function focalLoss(logits: Tensor, wanted: Tensor, centres: number): Scalar {
  checkSame('focalLoss', logits, wanted);
  const share = 1 / Math.max(1, centres);
  return tidy(
    () =>
      customGrad((x, save) => {
        (save as Save)([x as Tensor, wanted]);
        const { p, logP, logQ, atCentre, elsewhere } = terms(x as Tensor, wanted);
        const near = mul(atCentre, mul(square(sub(1, p)), logP));
        const far = mul(elsewhere, mul(square(p), logQ));
        return {
          value: mul(neg(sum(add(near, far))), share),
          gradFunc: (dy: Tensor, saved: Tensor[]) => {
            const [logits, y] = saved as [Tensor, Tensor];
            const { p, logP, logQ, atCentre, elsewhere } = terms(logits, y);
            const q = sub(1, p);
            const near = mul(mul(atCentre, square(q)), sub(mul(2, mul(p, logP)), q));
            const far = mul(mul(elsewhere, square(p)), sub(p, mul(2, mul(q, logQ))));
            return mul(add(near, far), mul(dy, share));
          },
        };
      })(logits) as Scalar,
  );
}

/** p, its logarithms without cancellation, and the weights of centres (1 there) and of the rest ((1 - y)^4, 0 at centres). */
function terms(
  x: Tensor,
  wanted: Tensor,
): { p: Tensor; logP: Tensor; logQ: Tensor; atCentre: Tensor; elsewhere: Tensor } {
  const rest = log(add(1, exp(neg(abs(x))))); // log(1 + e^-|x|)
  const elsewhere = square(square(sub(1, wanted)));
  return {
    p: sigmoid(x),
    logP: sub(minimum(x, 0), rest),
    logQ: sub(minimum(neg(x), 0), rest),
    // y is 1 only at centres: a heatmap of distances is below it by more than rounding
    atCentre: sub(1, sign(sub(1, wanted))),
    elsewhere,
  };
}

/**
 * 1/N * sum of weights * |values - wanted|, N being the number of centres, at least 1.
 *
 * @param values [B, h, w, k]
 * @param wanted the same shape
 * @param weights [B, h, w, k] or [B, h, w, 1]: 0 where there is no centre
 * @throws ShapeError when the shapes do not fit
 * @example
 * const loss = weightedL1(output.box, wanted, weights, 3);
 */
export function weightedL1(values: Tensor, wanted: Tensor, weights: Tensor, centres: number): Scalar {
  checkSame('weightedL1', values, wanted);
  const share = 1 / Math.max(1, centres);
  return tidy(
    () =>
      customGrad((x, save) => {
        const difference = sub(x as Tensor, wanted);
        (save as Save)([difference, weights]);
        return {
          value: mul(sum(mul(abs(difference), weights)), share),
          gradFunc: (dy: Tensor, saved: Tensor[]) => {
            const [kept, factors] = saved as [Tensor, Tensor];
            return mul(mul(sign(kept), factors), mul(dy, share));
          },
        };
      })(values) as Scalar,
  );
}

function checkSame(name: string, a: Tensor, b: Tensor): void {
  if (a.shape.join() !== b.shape.join()) {
    throw new ShapeError(
      `${name}: expected two equal shapes, got [${a.shape.join(', ')}] and [${b.shape.join(', ')}].`,
    );
  }
}
