/** Scoring, ranking and choosing windows: which ones are kept is data, found while a plan runs. */

import type { WindowOps } from '@sparsevit/windows';
import { checkGivenWindows, checkSelectWindowsShape, checkWindowScoresShape } from '@sparsevit/windows';
import type { Heap } from '../memory';
import { registers } from '../program';
import { at, kernelScratch } from '../task';
import type { EngineValue } from '../value';
import { sizeOf } from '../value';
import { begin, end, tokensPerChunk } from './calls';
import type { Tape } from './tape';

/** The operations that choose windows. */
export function createSelectionOps(
  { recording, address, bufferOf, makeBuffer, makeValue, addTask, evenChunks }: Tape,
  heap: Heap,
): Pick<WindowOps<EngineValue>, 'magnitude' | 'windowScores' | 'selectWindows' | 'prefix' | 'givenWindows'> {
  return {
    magnitude(x, score) {
      const [batch = 0, height = 0, width = 0, channels = 0] = x.shape;
      const importance = makeValue('importance', [batch, height, width]);
      const tokens = batch * height * width;
      addTask({
        name: 'magnitude',
        calls: [
          {
            kernel: 'magnitude',
            operands: [address(x), address(importance), begin, end, channels, score === 'l2' ? 1 : 0],
          },
        ],
        count: tokens,
        ...evenChunks(tokens, tokensPerChunk, 1),
      });
      return importance;
    },

    windowScores(importance, grid, pads) {
      const shape = checkWindowScoresShape(importance.shape, grid);
      const scores = makeValue('scores', shape);
      const { height, width, window, shiftY, shiftX, shift } = grid;
      addTask({
        name: 'windowScores',
        calls: [
          {
            kernel: 'windowScores',
            operands: [
              address(importance),
              address(scores),
              begin,
              end,
              height,
              width,
              window,
              shiftY,
              shiftX,
              shift === 'roll-then-pad' ? 1 : 0,
              pads === 'left-out' ? 1 : 0,
            ],
          },
        ],
        count: sizeOf(shape),
        ...evenChunks(sizeOf(shape), 1024, 1),
      });
      return scores;
    },

    selectWindows(scores, grid, budget) {
      const { batch, windowsPerImage } = grid;
      if (budget.kind === 'threshold') {
        checkSelectWindowsShape(scores.shape, grid, 0);
        const total = makeBuffer('kept', 4);
        const ids: EngineValue = {
          place: makeBuffer('ids', batch * windowsPerImage * 4),
          shape: [batch * windowsPerImage],
          type: 'int32',
          count: total,
        };
        addTask({
          name: 'selectWindows',
          calls: [
            {
              kernel: 'windowsAboveThreshold',
              operands: [
                address(scores),
                address(ids),
                batch,
                windowsPerImage,
                budget.threshold,
                grid.window,
                budget.minKept,
                at(total),
                kernelScratch,
              ],
              scratchBytes: 3 * windowsPerImage * 4,
            },
          ],
          count: 1,
        });
        return { kind: 'counted', ids };
      }
      const { keptPerImage } = budget;
      const shape = checkSelectWindowsShape(scores.shape, grid, keptPerImage);
      if (keptPerImage === 0) return { kind: 'topk', ids: null, keptPerImage };
      const ids = makeValue('ids', shape, 'int32');
      addTask({
        name: 'selectWindows',
        calls: [
          {
            kernel: 'selectWindows',
            operands: [
              at(bufferOf(scores), { register: registers.begin, scale: windowsPerImage * 4 }),
              at(bufferOf(ids), { register: registers.begin, scale: keptPerImage * 4 }),
              windowsPerImage,
              keptPerImage,
              kernelScratch,
            ],
            scratchBytes: 2 * windowsPerImage * 4,
          },
        ],
        count: batch,
        chunk: 1,
      });
      return { kind: 'topk', ids, keptPerImage };
    },

    prefix(selection, keptPerImage) {
      if (selection.kind !== 'topk' || keptPerImage >= selection.keptPerImage) return selection;
      const { ids } = selection;
      if (ids === null || keptPerImage === 0) return { kind: 'topk', ids: null, keptPerImage: 0 };
      const [batch = 0, kept = 0] = ids.shape;
      const first: EngineValue = { ...ids, shape: [batch, keptPerImage], rowStride: ids.rowStride ?? kept };
      return { kind: 'topk', ids: first, keptPerImage };
    },

    givenWindows(ids, grid, keptPerImage) {
      const shape = checkGivenWindows(ids, grid, keptPerImage);
      if (keptPerImage === 0) return { kind: 'topk', ids: null, keptPerImage };
      const block = heap.allocate(ids.length * 4);
      recording().constants.push(block);
      heap.int32(block, ids.length).set(ids);
      return { kind: 'topk', ids: { place: { kind: 'constant', address: block }, shape, type: 'int32' }, keptPerImage };
    },
  };
}
