/** A loss that teaches the norms of activations where the objects are, so that windows ranked by them keep the objects. */

import { ConfigError, ShapeError } from '@sparsevit/windows';
import { objectTokens } from '../object-tokens';
import type { TargetBox } from '../targets';
import type { Scalar, Tensor } from './tensor';
import { add, div, log, mul, pad, reshape, softplus, square, sub, sum, tensor, tidy } from './tensor';

/** How steep a pair's loss is: a window whose mean square is a fifth larger is well above another. */
const sharpness = 10;

/** What the loss must know of the model: sides of patches in pixels, and of windows in tokens. */
export interface GuidanceGeometry {
  readonly patchSize: number;
  readonly window: number;
}

/**
 * Mean over stages, images and pairs of a window with an object (o) and one without (b) of `softplus(s (log m_b - log m_o)) / s`, m being the mean
 * over a window's tokens of their squared importance, and s 10: how badly the ranking of windows puts background before objects. Pairs as in Burges
 * et al., Learning to Rank using Gradient Descent (2005). A window has an object when the centre of one of its tokens lies in a box. Windows
 * are those of the regular grid. A stage in which no image has both kinds counts nothing.
 *
 * @param importance per stage [B, h, w], as a forward with `wantsImportance` gives it
 * @param boxes per image, in pixels
 * @throws ConfigError for a window or patch that is none
 * @throws ShapeError when images and boxes are not as many
 * @example
 * const { importance } = task.forward(image, { sparsity, wantsImportance: true });
 * const loss = guidanceLoss(importance, boxes, task.architecture);
 */
export function guidanceLoss(
  importance: readonly Tensor[],
  boxes: readonly (readonly TargetBox[])[],
  { patchSize, window }: GuidanceGeometry,
): Scalar {
  if (!(Number.isInteger(patchSize) && patchSize > 0 && Number.isInteger(window) && window > 0)) {
    throw new ConfigError(
      `guidanceLoss: expected a patch size and a window of at least 1, got ${patchSize} and ${window}.`,
    );
  }
  return tidy(() => {
    const parts: Scalar[] = [];
    for (const [stage, map] of importance.entries()) {
      const part = lossOfStage(map, boxes, { window, pixelsPerToken: patchSize * 2 ** stage });
      if (part !== null) parts.push(part);
    }
    if (parts.length === 0) return tensor(0) as Scalar;
    return mul(
      parts.reduce((total, part) => add(total, part) as Scalar),
      1 / parts.length,
    ) as Scalar;
  });
}

function lossOfStage(
  map: Tensor,
  boxes: readonly (readonly TargetBox[])[],
  { window, pixelsPerToken }: { readonly window: number; readonly pixelsPerToken: number },
): Scalar | null {
  const [batch = 0, height = 0, width = 0] = map.shape;
  if (map.rank !== 3 || batch !== boxes.length) {
    throw new ShapeError(
      `guidanceLoss: expected maps [${boxes.length}, h, w], one for the boxes of each image, got [${map.shape.join(', ')}].`,
    );
  }
  const rows = Math.ceil(height / window);
  const columns = Math.ceil(width / window);
  const windows = rows * columns;
  const isObject = objectWindows(boxes, { height, width, window, pixelsPerToken });
  const pairs = new Float32Array(batch * windows * windows); // [B, without, with]: shares that sum up to 1
  const counts = Array.from({ length: batch }, (_, image) => {
    const objects = isObject.subarray(image * windows, (image + 1) * windows).reduce((total, is) => total + is, 0);
    return objects * (windows - objects);
  });
  const images = counts.filter((count) => count > 0).length;
  if (images === 0) return null;
  for (const [image, count] of counts.entries()) {
    if (count === 0) continue;
    const at = image * windows;
    for (let without = 0; without < windows; without++) {
      if (isObject[at + without] !== 0) continue;
      for (let having = 0; having < windows; having++) {
        if (isObject[at + having] !== 0) pairs[(at + without) * windows + having] = 1 / (count * images);
      }
    }
  }
  const whole = pad(square(map), [
    [0, 0],
    [0, rows * window - height],
    [0, columns * window - width],
  ]);
  const sums = sum(reshape(whole, [batch, rows, window, columns, window]), [2, 4]);
  const tokens = realTokens({ height, width, window, rows, columns });
  const means = div(reshape(sums, [batch, windows]), tensor(tokens, [1, windows]));
  const logs = log(add(means, 1e-12));
  const differences = sub(reshape(logs, [batch, windows, 1]), reshape(logs, [batch, 1, windows]));
  const each = softplus(mul(differences, sharpness));
  return mul(sum(mul(each, tensor(pairs, [batch, windows, windows]))), 1 / sharpness) as Scalar;
}

/** Tokens of each window that are no pads. */
function realTokens(grid: {
  readonly height: number;
  readonly width: number;
  readonly window: number;
  readonly rows: number;
  readonly columns: number;
}): Float32Array {
  const { height, width, window, rows, columns } = grid;
  return Float32Array.from({ length: rows * columns }, (_, id) => {
    const top = Math.floor(id / columns) * window;
    const left = (id % columns) * window;
    return Math.min(window, height - top) * Math.min(window, width - left);
  });
}

/** [B, windows]: 1 where a token of the window has its centre in a box. */
function objectWindows(
  boxes: readonly (readonly TargetBox[])[],
  map: { readonly height: number; readonly width: number; readonly window: number; readonly pixelsPerToken: number },
): Uint8Array {
  const { height, width, window } = map;
  const columns = Math.ceil(width / window);
  const windows = Math.ceil(height / window) * columns;
  const found = new Uint8Array(boxes.length * windows);
  for (const [image, ofImage] of boxes.entries()) {
    for (const [token, isObject] of objectTokens(ofImage, map).entries()) {
      if (isObject === 0) continue;
      const row = Math.floor(Math.floor(token / width) / window);
      found[image * windows + row * columns + Math.floor((token % width) / window)] = 1;
    }
  }
  return found;
}
