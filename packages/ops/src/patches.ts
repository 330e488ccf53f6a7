/** The dense layers around the stages: patch embedding and patch merging, as a rearrangement and a linear layer (no convolution: its wasm gradient is missing, tfjs#8082). */

import type { PatchEmbedWeights, PatchMergingWeights } from '@sparsevit/windows';
import { checkPatchEmbedShape, checkPatchMergingShape } from '@sparsevit/windows';
import { layerNorm, linear } from './linear';
import { gatherRows, inRowChunks } from './rows';
import type { Tensor, Tensor2D, Tensor4D } from './tensor';
import { pad, reshape, slice, tensor1d, tidy } from './tensor';

/**
 * Image [B, H, W, 3] -> map [B, h, w, C]: a linear layer over the pixels of each patch, then a norm.
 *
 * @param options.remainder pixels beyond whole patches: completed with zeros (`pad`) or left out (`crop`)
 * @param options.maxRows patches taken together, a bound on memory
 * @throws ShapeError for an image smaller than a patch, or weights of another patch
 */
export function patchEmbed(
  image: Tensor,
  weights: PatchEmbedWeights<Tensor>,
  options: { patchSize: number; remainder: 'pad' | 'crop'; maxRows: number },
): Tensor {
  const { patchSize: patch, maxRows } = options;
  const shape = checkPatchEmbedShape(image.shape, weights.projection.weight.shape, options);
  const [batch, rows, columns] = shape;
  return tidy(() => {
    const fitted = fitTo(image as Tensor4D, rows * patch, columns * patch);
    const lines = reshape(fitted, [batch * rows * patch * columns, patch * 3]) as Tensor2D; // one line of one patch
    const index = tensor1d(patchLines(batch * rows, columns, patch), 'int32');
    const patches = reshape(gatherRows(lines, index, { mayPad: false }), [batch * rows * columns, patch * patch * 3]);
    const embedded = inRowChunks(
      patches as Tensor2D,
      maxRows,
      (part) => layerNorm(linear(part, weights.projection), weights.norm) as Tensor2D,
    );
    return reshape(embedded, shape);
  });
}

/**
 * Map [B, H, W, C] -> [B, ceil(H/2), ceil(W/2), 2C]: norm over each 2x2 neighbourhood, then a linear layer. Odd sides get a row or column
 * of zeros first.
 *
 * @throws ShapeError when the weights have another width
 */
export function patchMerging(x: Tensor, weights: PatchMergingWeights<Tensor>, options: { maxRows: number }): Tensor {
  const shape = checkPatchMergingShape(x.shape, weights.reduction.weight.shape);
  const [batch, rows, columns] = shape;
  const channels = x.shape[3] ?? 0;
  return tidy(() => {
    const tokens = reshape(x, [x.size / channels, channels]) as Tensor2D;
    const index = tensor1d(neighbours(x.shape as [number, number, number, number]), 'int32');
    const mayPad = rows * 2 !== x.shape[1] || columns * 2 !== x.shape[2];
    const merged = reshape(gatherRows(tokens, index, { mayPad }), [batch * rows * columns, 4 * channels]);
    const reduced = inRowChunks(
      merged as Tensor2D,
      options.maxRows,
      (part) => linear(layerNorm(part, weights.norm), weights.reduction) as Tensor2D,
    );
    return reshape(reduced, shape);
  });
}

/** For each line of each patch, patch after patch, which of the lines [patchRows * patch, columns] of the image it is. */
function patchLines(patchRows: number, columns: number, patch: number): Int32Array {
  const index = new Int32Array(patchRows * columns * patch);
  let at = 0;
  for (let row = 0; row < patchRows; row++) {
    for (let column = 0; column < columns; column++) {
      for (let line = 0; line < patch; line++) index[at++] = (row * patch + line) * columns + column;
    }
  }
  return index;
}

/** The tokens of each 2x2 neighbourhood in the order (row, column) = (0,0), (1,0), (0,1), (1,1); -1 beyond an odd side. */
function neighbours([batch, height, width]: readonly [number, number, number, number]): Int32Array {
  const [rows, columns] = [Math.ceil(height / 2), Math.ceil(width / 2)];
  const index = new Int32Array(batch * rows * columns * 4);
  let at = 0;
  for (let image = 0; image < batch; image++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        for (let neighbour = 0; neighbour < 4; neighbour++) {
          const y = 2 * row + (neighbour & 1);
          const x = 2 * column + (neighbour >> 1);
          index[at++] = y < height && x < width ? (image * height + y) * width + x : -1;
        }
      }
    }
  }
  return index;
}

/** Pads with zeros or crops at the bottom and right to height x width. */
function fitTo(x: Tensor4D, height: number, width: number): Tensor4D {
  const [batch, h, w, channels] = x.shape;
  if (height === h && width === w) return x;
  if (height < h || width < w) return slice(x, [0, 0, 0, 0], [batch, height, width, channels]);
  return pad(x, [
    [0, 0],
    [0, height - h],
    [0, width - w],
    [0, 0],
  ]);
}
