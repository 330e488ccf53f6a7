import { createWindowGrid } from '@sparsevit/windows';
import { expect, test } from 'vitest';
import { hostWindowIds } from '../src/index';

const rules = { pad: 'after-norm', shift: 'pad-then-roll', shiftOff: 'never' } as const;
const grid = createWindowGrid({ batch: 2, height: 8, width: 8, window: 4, isShifted: false, rules });
const where = { stage: 0, block: 0, grid };

test('a dense block keeps all windows, a pruned one those of its ids, a skipped one none', () => {
  const values = Int32Array.of(3, 1, 0, 2);
  const perImage = (selection: Parameters<typeof hostWindowIds>[0]['selection']): number[][] =>
    hostWindowIds({ ...where, selection }).perImage.map((ids) => [...ids]);
  expect(perImage({ kind: 'all' })).toEqual([
    [0, 1, 2, 3],
    [0, 1, 2, 3],
  ]);
  expect(perImage({ kind: 'topk', ids: { values, shape: [2, 2] } })).toEqual([
    [3, 1],
    [0, 2],
  ]);
  expect(perImage({ kind: 'topk', ids: null })).toEqual([[], []]);
  expect(perImage({ kind: 'counted', ids: null })).toEqual([[], []]);
});
