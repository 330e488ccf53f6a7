/** Attention inside windows and its gradient. */

import type { kernelNames, WindowAttentionAttributes } from '@sparsevit/windows';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelHeap } from './heap';
import type { KernelFunction } from './kernel-function';

/** Bias and masks in the kernel's layout; the masks of a grid are made once, the bias once per table. */
function prepare(
  heap: KernelHeap,
  biasTable: TensorInfo,
  classes: TensorInfo | undefined,
  { window, shiftY, shiftX }: WindowAttentionAttributes,
): { bias: number; masks: number; heads: number } {
  const { wasm } = heap;
  const heads = biasTable.shape[1] ?? 0;
  const bias = heap.packed(biasTable, 'bias', wasm.attentionBiasBytes(window, heads), (target) =>
    wasm.prepareAttentionBias(heap.address(biasTable), target, window, heads),
  );
  const masks =
    classes === undefined
      ? 0
      : heap.constant(`masks ${window} ${shiftY} ${shiftX}`, wasm.attentionMaskBytes(window), (target) =>
          wasm.prepareAttentionMasks(target, window, shiftY, shiftX),
        );
  return { bias, masks, heads };
}

/** Windows of a batch: one per window * window slots. */
const windowsOf = (rows: number, slots: TensorInfo | undefined, window: number): number =>
  (slots?.shape[0] ?? rows) / (window * window);

/** softmax(q kᵀ / sqrt(d) + bias + mask) v. */
export const windowAttention: KernelFunction<typeof kernelNames.windowAttention> = (heap, inputs, attributes) => {
  const { wasm } = heap;
  const { qkv, biasTable, slots, classes } = inputs;
  const { window, tokens } = attributes;
  const [rows = 0, width = 0] = qkv.shape;
  const channels = width / 3;
  const { bias, masks, heads } = prepare(heap, biasTable, classes, attributes);
  return heap.withScratch(wasm.attentionScratchBytes(window, channels / heads), (scratch) => {
    const y = heap.output([tokens, channels]);
    const operands = [heap.address(qkv), bias, masks, heap.address(slots), heap.address(classes)] as const;
    const windows = windowsOf(rows, slots, window);
    wasm.windowAttention(...operands, heap.address(y), 0, windows, window, heads, channels, tokens, scratch);
    return y;
  });
};

/** The gradients of qkv and of the bias table. */
export const windowAttentionGradient: KernelFunction<typeof kernelNames.windowAttentionGradient> = (
  heap,
  inputs,
  attributes,
) => {
  const { wasm } = heap;
  const { qkv, biasTable, slots, classes, dy } = inputs;
  const { window, tokens } = attributes;
  const [rows = 0, width = 0] = qkv.shape;
  const channels = width / 3;
  const { bias, masks, heads } = prepare(heap, biasTable, classes, attributes);
  return heap.withScratch(wasm.attentionGradientScratchBytes(window, channels / heads), (scratch) => {
    const dqkv = heap.zeros(qkv.shape); // the row of all pads is added to
    const dTable = heap.zeros(biasTable.shape);
    const operands = [heap.address(qkv), bias, masks, heap.address(slots), heap.address(classes)] as const;
    const results = [heap.address(dqkv), heap.address(dTable)] as const;
    const windows = windowsOf(rows, slots, window);
    wasm.windowAttentionGradient(
      ...operands,
      heap.address(dy),
      ...results,
      0,
      windows,
      window,
      heads,
      channels,
      tokens,
      scratch,
    );
    return [dqkv, dTable];
  });
};
