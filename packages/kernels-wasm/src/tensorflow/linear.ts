/** Linear layers and their gradients on the packed product. */

import type { kernelNames } from '@sparsevit/windows';
import type { KernelFunction } from './kernel-function';

/** Weights of a forward, [in, out] in panels. */
const forwardLayout = 'panels';
/** Weights of the input's gradient, their transpose in panels. */
const transposedLayout = 'panels of the transpose';

/** c = residual + scale * gelu(x W + b). */
export const linear: KernelFunction<typeof kernelNames.linear> = (
  heap,
  { x, weight, bias, residual, scale },
  { gelu },
) => {
  const { wasm } = heap;
  const [rows = 0, depth = 0] = x.shape;
  const columns = weight.shape[1] ?? 0;
  const packed = heap.packed(weight, forwardLayout, wasm.packedBytes(depth, columns), (target) =>
    wasm.packWeight(heap.address(weight), target, depth, columns, columns, 1),
  );
  return heap.withScratch(wasm.gemmScratchBytes(depth), (scratch) => {
    const y = heap.output([rows, columns]);
    wasm.gemm(
      heap.address(x),
      packed,
      heap.address(y),
      heap.address(bias),
      heap.address(residual),
      heap.address(scale),
      0,
      rows,
      depth,
      columns,
      gelu,
      scratch,
    );
    return y;
  });
};

/** dx = dy Wᵀ. */
export const linearInputGradient: KernelFunction<typeof kernelNames.linearInputGradient> = (heap, { dy, weight }) => {
  const { wasm } = heap;
  const [inputs = 0, outputs = 0] = weight.shape;
  const rows = dy.shape[0] ?? 0;
  const packed = heap.packed(weight, transposedLayout, wasm.packedBytes(outputs, inputs), (target) =>
    wasm.packWeight(heap.address(weight), target, outputs, inputs, 1, outputs),
  );
  return heap.withScratch(wasm.gemmScratchBytes(outputs), (scratch) => {
    const dx = heap.output([rows, inputs]);
    wasm.gemm(heap.address(dy), packed, heap.address(dx), 0, 0, 0, 0, rows, outputs, inputs, false, scratch);
    return dx;
  });
};

/** dW = xᵀ dy and db, the sum of dy over rows. */
export const linearWeightGradient: KernelFunction<typeof kernelNames.linearWeightGradient> = (heap, { x, dy }) => {
  const { wasm } = heap;
  const [rows = 0, inputs = 0] = x.shape;
  const outputs = dy.shape[1] ?? 0;
  return heap.withScratch(wasm.gemmTransposedScratchBytes(rows, outputs), (scratch) => {
    const dWeight = heap.output([inputs, outputs]);
    const dBias = heap.output([outputs]);
    wasm.gemmTransposed(
      heap.address(x),
      heap.address(dy),
      heap.address(dWeight),
      0,
      inputs,
      rows,
      inputs,
      outputs,
      scratch,
    );
    wasm.columnSums(heap.address(dy), heap.address(dBias), rows, outputs, 0, outputs);
    return [dWeight, dBias];
  });
};
