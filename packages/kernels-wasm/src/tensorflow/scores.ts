/** Scoring and ranking windows. */

import type { kernelNames } from '@sparsevit/windows';
import type { KernelFunction } from './kernel-function';

/** Importance of tokens. */
export const magnitude: KernelFunction<typeof kernelNames.magnitude> = (heap, { x }, { score }) => {
  const [rows = 0, channels = 0] = x.shape;
  const y = heap.output([rows]);
  heap.wasm.magnitude(heap.address(x), heap.address(y), 0, rows, channels, score === 'l2');
  return y;
};

/** Scores of windows. */
export const windowScores: KernelFunction<typeof kernelNames.windowScores> = (heap, inputs, { grid, pads }) => {
  const { batch, windowsPerImage, height, width, window, shiftY, shiftX } = grid;
  const scores = heap.output([batch, windowsPerImage]);
  heap.wasm.windowScores(
    heap.address(inputs.magnitude),
    heap.address(scores),
    0,
    batch * windowsPerImage,
    height,
    width,
    window,
    shiftY,
    shiftX,
    grid.shift === 'roll-then-pad',
    pads === 'left-out',
  );
  return scores;
};

/** The best windows of each image. */
export const selectWindows: KernelFunction<typeof kernelNames.selectWindows> = (heap, { scores }, { keptPerImage }) => {
  const [batch = 0, windows = 0] = scores.shape;
  return heap.withScratch(windows * 8, (scratch) => {
    const ids = heap.output([batch, keptPerImage], 'int32');
    for (let image = 0; image < batch; image++) {
      const from = heap.address(scores) + image * windows * 4;
      heap.wasm.selectWindows(from, heap.address(ids) + image * keptPerImage * 4, windows, keptPerImage, scratch);
    }
    return ids;
  });
};
