/** What a body does with the rows of its windows before and beside attention: the first norm with its pad rule, and factors per image. */

import type { NormWeights, WindowBatch } from '@sparsevit/windows';
import { checkPerImageFactors, layerNormEpsilon } from '@sparsevit/windows';
import { hasKernel, kernelNames, runKernel } from './kernels';
import { layerNorm } from './linear';
import type { Tensor } from './tensor';
import { mul, tidy } from './tensor';
import type { TensorWindows } from './window-batch';

/**
 * The first norm of a block on all rows of its windows: a pad becomes norm(0) = bias when the grid pads before the norm (the published
 * SparseViT code), 0 when it pads after (every Swin).
 */
export function normWindows(windows: WindowBatch<Tensor>, weights: NormWeights<Tensor>): Tensor {
  const { grid, map, ids, rows, isReal } = windows as TensorWindows;
  if (hasKernel(kernelNames.normWindows)) {
    return runKernel(kernelNames.normWindows, { x: map, ids, ...weights }, { grid, epsilon: layerNormEpsilon });
  }
  if (isReal === null) return layerNorm(rows, weights);
  return tidy(() =>
    grid.pad === 'before-norm' ? layerNorm(mul(rows, isReal), weights) : mul(layerNorm(rows, weights), isReal),
  );
}

/**
 * One factor per image [B] -> the factor of the image of each row [tokens, 1].
 *
 * @throws ShapeError when there is not one finite factor per image
 */
export function expandPerImage(windows: WindowBatch<Tensor>, factors: Float32Array): Tensor {
  checkPerImageFactors(factors, windows.grid);
  return tidy(() => (windows as TensorWindows).factorsOf(factors));
}
