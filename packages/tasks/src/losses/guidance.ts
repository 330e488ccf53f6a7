/** A loss that teaches the norms of activations where the objects are, so that windows ranked by them keep the objects. */

import { ConfigError, ShapeError } from '@sparsevit/windows';
import { objectTokens } from '../object-tokens';
import type { TargetBox } from '../targets';
import type { Scalar, Tensor, Tensor2D } from './tensor';
import { add, div, log, matMul, mul, pad, reshape, slice, softplus, square, sub, sum, tensor, tidy } from './tensor';

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
 * et al., Learning to Rank using Gradient Descent (2005). A window has an object when a box overlaps one of its tokens.
 * Windows are those of the regular grid, pads left out. Images and stages without both kinds count nothing.
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
    if (parts.length > 0) return meanOf(parts);
    // 0, but of the maps: a gradient of it alone is 0 and no error
    return importance.length === 0 ? tensor(0) : (mul(sum(square(importance[0] as Tensor)), 0) as Scalar);
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
  const whole = pad(square(map), [
    [0, 0],
    [0, rows * window - height],
    [0, columns * window - width],
  ]);
  const sums = sum(reshape(whole, [batch, rows, window, columns, window]), [2, 4]);
  const tokens = realTokens({ height, width, window, rows, columns });
  const means = div(reshape(sums, [batch, windows]), tensor(tokens, [1, windows]));
  const logs = log(add(means, 1e-12));
  const parts: Scalar[] = [];
  for (let image = 0; image < batch; image++) {
    const part = lossOfPairs(
      slice(logs, [image, 0], [1, windows]),
      isObject.subarray(image * windows, (image + 1) * windows),
    );
    if (part !== null) parts.push(part);
  }
  return parts.length === 0 ? null : meanOf(parts);
}

/** Mean over the pairs of one image, from the logarithms [1, windows]; null without a pair. */
function lossOfPairs(logs: Tensor, isObject: Uint8Array): Scalar | null {
  const windows = isObject.length;
  const objects = Array.from(isObject.keys()).filter((id) => isObject[id] === 1);
  const pairs = objects.length * (windows - objects.length);
  if (pairs === 0) return null;
  // a product picks the objects: its gradient is another product, and [windows, objects] stays small where the square of all windows would not
  const picks = new Float32Array(windows * objects.length);
  for (const [place, id] of objects.entries()) picks[id * objects.length + place] = 1;
  const ofObjects = matMul(logs as Tensor2D, tensor(picks, [windows, objects.length]) as Tensor2D);
  const each = softplus(mul(sub(reshape(logs, [windows, 1]), ofObjects), sharpness));
  const isBackground = tensor(
    Float32Array.from(isObject, (is) => 1 - is),
    [windows, 1],
  );
  return mul(sum(mul(each, isBackground)), 1 / (sharpness * pairs)) as Scalar;
}

const meanOf = (parts: readonly Scalar[]): Scalar =>
  mul(
    parts.reduce((total, part) => add(total, part) as Scalar),
    1 / parts.length,
  ) as Scalar;

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

/** [B, windows]: 1 where a box overlaps a token of the window. */
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
