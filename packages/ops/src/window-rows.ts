/** What a body does with the rows of its windows before and beside attention: the first norm with its pad rule, and factors per image. */

import type { NormWeights, WindowBatch, WindowGrid } from '@sparsevit/windows';
import { checkLayerNormShape, checkPerImageFactors } from '@sparsevit/windows';
import { gatheredLayerNorm, hasLayerNormKernel, layerNorm, paddedLayerNorm } from './linear';
import type { Tensor, Tensor2D } from './tensor';
import { mul, tidy } from './tensor';
import type { TensorWindows } from './window-batch';

/**
 * The first norm of a block on the rows that attention reads: a pad becomes norm(0) = bias when the grid pads before the norm (the
 * published SparseViT code), 0 when it pads after (every Swin).
 */
export function normWindows(batch: WindowBatch<Tensor>, weights: NormWeights<Tensor>): Tensor {
  const windows = batch as TensorWindows;
  const tokens = windows.tokens as Tensor2D;
  const padRow = padRows[windows.grid.pad];
  checkLayerNormShape(tokens.shape, weights.weight.shape, weights.bias.shape);
  if (windows.slots !== null) return paddedLayerNorm(tokens, weights, padRow);
  if (windows.mayPad && hasLayerNormKernel()) return gatheredLayerNorm(windows.map, windows.index, weights, padRow);
  const { isReal } = windows;
  if (isReal === null || padRow === 'bias') return layerNorm(tokens, weights); // rows of pads are zeros, whose norm is the bias
  return tidy(() => mul(layerNorm(tokens, weights), isReal));
}

const padRows: Record<WindowGrid['pad'], 'bias' | 'zero'> = { 'before-norm': 'bias', 'after-norm': 'zero' };

/**
 * One factor per image [B] -> the factor of the image of each row [tokens, 1].
 *
 * @throws ShapeError when there is not one finite factor per image
 */
export function expandPerImage(windows: WindowBatch<Tensor>, factors: Float32Array): Tensor {
  checkPerImageFactors(factors, windows.grid);
  return tidy(() => (windows as TensorWindows).factorsOf(factors));
}
