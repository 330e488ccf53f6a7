/** Layer norm, GELU, and the moves of rows. */

import type { kernelNames, LayerNormAttributes } from '@sparsevit/windows';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelFunction } from './kernel-function';

const padCodes: Record<LayerNormAttributes['padRow'], number> = { none: 0, bias: 1, zero: 2 };

/** The norm of rows, of rows by index, or of rows and one more for pads. */
export const layerNorm: KernelFunction<typeof kernelNames.layerNorm> = (heap, inputs, { epsilon, padRow }) => {
  const { x, weight, bias, index } = inputs;
  const [count = 0, channels = 0] = x.shape;
  const rows = index?.shape[0] ?? count;
  const hasPadRow = index === undefined && padRow !== 'none';
  const y = heap.output([rows + (hasPadRow ? 1 : 0), channels]);
  const operands = [heap.address(x), heap.address(weight), heap.address(bias), heap.address(index)] as const;
  heap.wasm.layerNorm(...operands, heap.address(y), 0, rows, channels, epsilon, padCodes[padRow]);
  if (hasPadRow) heap.wasm.padRow(heap.address(y) + rows * channels * 4, operands[2], channels, padCodes[padRow]);
  return y;
};

/** Its gradients: of x, weight and bias. */
export const layerNormGradient: KernelFunction<typeof kernelNames.layerNormGradient> = (
  heap,
  inputs,
  { epsilon, padRow },
) => {
  const { x, weight, dy, index } = inputs;
  const [count = 0, channels = 0] = x.shape;
  const rows = index?.shape[0] ?? count;
  const dx = index === undefined ? heap.output(x.shape) : heap.zeros(x.shape);
  const [dWeight, dBias] = [heap.zeros([channels]), heap.zeros([channels])];
  const operands = [heap.address(x), heap.address(weight), heap.address(dy), heap.address(index)] as const;
  const results = [heap.address(dx), heap.address(dWeight), heap.address(dBias)] as const;
  heap.wasm.layerNormGradient(...operands, ...results, 0, rows, channels, epsilon, padCodes[padRow]);
  if (index === undefined && padRow === 'bias') {
    heap.wasm.addRow(operands[2] + rows * channels * 4, results[2], channels * 4);
  }
  return [dx, dWeight, dBias];
};

const size = (tensor: TensorInfo): number => tensor.shape.reduce((product, side) => product * side, 1);

/** GELU of every value. */
export const gelu: KernelFunction<typeof kernelNames.gelu> = (heap, { x }) => {
  const y = heap.output(x.shape);
  heap.wasm.gelu(heap.address(x), heap.address(y), 0, size(x));
  return y;
};

/** Its gradient. */
export const geluGradient: KernelFunction<typeof kernelNames.geluGradient> = (heap, { x, dy }) => {
  const dx = heap.output(x.shape);
  heap.wasm.geluGradient(heap.address(x), heap.address(dy), heap.address(dx), 0, size(x));
  return dx;
};

/** Rows by index. */
export const gatherRows: KernelFunction<typeof kernelNames.gatherRows> = (heap, { x, index }) => {
  const channels = x.shape[1] ?? 0;
  const rows = index.shape[0] ?? 0;
  const y = heap.output([rows, channels]);
  heap.wasm.gatherRows(heap.address(x), heap.address(index), heap.address(y), 0, rows, channels);
  return y;
};

/** Rows written by index. */
export const scatterRows: KernelFunction<typeof kernelNames.scatterRows> = (heap, inputs, { count, inPlace }) => {
  const { x, rows, index } = inputs;
  const channels = (x ?? rows)?.shape[1] ?? 0;
  const written = index.shape[0] ?? 0;
  const mayTakeOver = inPlace && rows?.dataId !== x?.dataId; // rows that are the map itself are still to be read
  const y = x === undefined ? heap.zeros([count, channels]) : ((mayTakeOver ? heap.takeOver(x) : null) ?? heap.copy(x));
  heap.wasm.scatterRows(heap.address(rows), heap.address(index), heap.address(y), 0, written, channels);
  return y;
};

/** The 3 x 3 neighbours of some tokens of a map. */
export const neighbourhoodRows: KernelFunction<typeof kernelNames.neighbourhoodRows> = (
  heap,
  { x },
  { begin, end },
) => {
  const [, height = 0, width = 0, channels = 0] = x.shape;
  const y = heap.output([end - begin, 9 * channels]);
  // the kernel writes where the token would lie among all
  const origin = heap.address(y) - begin * 9 * channels * 4;
  heap.wasm.neighbourhoodRows(heap.address(x), origin, begin, end, height, width, channels);
  return y;
};
