/** Linear layers and their gradients. */

import type { kernelNames } from '@sparsevit/windows';
import type { KernelFunction } from '../tensorflow/kernel-function';
import { withScratch } from '../tensorflow/program';
import { stepDepth } from '../wgsl/product';
import { multiply, tilesOf } from './product';
import { addSlices, columnSums } from './sums';
import { sidesOf } from './tensors';

/** residual + scale * gelu(x W + b). */
export const linear: KernelFunction<typeof kernelNames.linear> = (backend, inputs, { gelu }) => {
  const { x, weight, bias, residual, scale } = inputs;
  const [rows, depth] = sidesOf(x);
  const [, columns] = sidesOf(weight);
  const output = backend.makeTensorInfo([rows, columns], 'float32');
  multiply(backend, { rows, depth, columns, left: x, right: weight, bias, hasGelu: gelu, scale, residual, output });
  return output;
};

/** dx = dy Wᵀ. */
export const linearInputGradient: KernelFunction<typeof kernelNames.linearInputGradient> = (
  backend,
  { dy, weight },
) => {
  const [rows, depth] = sidesOf(dy);
  const [columns] = sidesOf(weight);
  const output = backend.makeTensorInfo([rows, columns], 'float32');
  multiply(backend, { rows, depth, columns, left: dy, right: weight, isRightTransposed: true, output });
  return output;
};

/** Workgroups that keep a device busy, and the least depth that is worth one of its own. */
const wantedWorkgroups = 512;
const leastSliceDepth = 16 * stepDepth;

/**
 * dW = xᵀ dy and db, the sum of dy over rows. The product is small and deep: its depth, the rows, is cut into slices that are added in a
 * fixed order. (A single slice is added up too, so that the number of rows does not decide which shaders there are.)
 */
export const linearWeightGradient: KernelFunction<typeof kernelNames.linearWeightGradient> = (backend, { x, dy }) => {
  const [depth, rows] = sidesOf(x);
  const [, columns] = sidesOf(dy);
  const most = Math.max(1, Math.ceil(wantedWorkgroups / tilesOf(rows, columns)));
  const steps = Math.ceil(Math.max(leastSliceDepth, depth / most) / stepDepth);
  const slices = Math.ceil(depth / (steps * stepDepth));
  const dWeight = backend.makeTensorInfo([rows, columns], 'float32');
  const size = rows * columns;
  withScratch(backend, [slices, size], (parts) => {
    multiply(backend, { rows, depth, columns, left: x, isLeftTransposed: true, right: dy, output: parts, slices });
    addSlices(backend, { parts, slices, stride: size, size, output: dWeight });
  });
  const dBias = backend.makeTensorInfo([columns], 'float32');
  columnSums(backend, { x: dy, rows: depth, columns, output: dBias });
  return [dWeight, dBias];
};
