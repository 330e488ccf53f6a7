import { createWindowGrid, keptWindowIdsOf } from '@sparsevit/windows';
import { describe, expect, it } from 'vitest';

const rules = {
  pad: 'after-norm',
  shift: 'pad-then-roll',
  shiftOff: 'never',
  lastStageShifts: true,
  imageRemainder: 'pad',
} as const;
const grid = createWindowGrid({ batch: 2, height: 14, width: 21, window: 7, isShifted: false, rules });
const block = { stage: 1, block: 3, grid };

describe('keptWindowIdsOf', () => {
  it('gives every window of each image where none was left out', () => {
    const all = [0, 1, 2, 3, 4, 5];
    const { ids, perImage, stage, block: number } = keptWindowIdsOf(block, 'all', null);
    expect([stage, number, ids]).toEqual([1, 3, null]);
    expect(perImage.map((of) => [...of])).toEqual([all, all]);
  });

  it('splits the ids of a ranking by image, in their order', () => {
    const { ids, perImage } = keptWindowIdsOf(block, 'topk', Int32Array.of(5, 1, 0, 2));
    expect(ids?.shape).toEqual([2, 2]);
    expect(perImage.map((of) => [...of])).toEqual([
      [5, 1],
      [0, 2],
    ]);
  });

  it('splits counted ids by what image they are of', () => {
    const { ids, perImage } = keptWindowIdsOf(block, 'counted', Int32Array.of(4, 0, 3, 11));
    expect(ids?.shape).toEqual([4]);
    expect(perImage.map((of) => [...of])).toEqual([[4, 0, 3], [5]]);
  });

  it('knows images without a window', () => {
    const none = new Int32Array(0);
    for (const kind of ['topk', 'counted'] as const) {
      expect(keptWindowIdsOf(block, kind, none).perImage.map((of) => [...of])).toEqual([[], []]);
    }
  });
});
