import { describe, expect, it } from 'vitest';
import type { SparsitySpace } from '../src';
import {
  checkInSpace,
  createRandom,
  createSparsitySpace,
  drawSorted,
  drawUniformly,
  everySparsity,
  placeOfPrunedRatios,
  prunedRatiosAt,
  publishedChoices,
  sparsitySpaceSize,
} from '../src';

const swinTiny = { patchSize: 4, embedDim: 96, depths: [2, 2, 6, 2], heads: [3, 6, 12, 24], window: 7, mlpRatio: 4 };
const small: SparsitySpace = { pairsPerStage: [1, 3, 2], choices: [0, 0.2, 0.5, 0.8] };

/** All lists by plain loops, those that fall left out. */
function byLoops({ pairsPerStage, choices }: SparsitySpace): number[][][] {
  const lists = (pairs: number): number[][] =>
    pairs === 0 ? [[]] : choices.flatMap((first) => lists(pairs - 1).map((rest) => [first, ...rest]));
  const rising = (list: readonly number[]): boolean => list.every((ratio, i) => i === 0 || ratio >= (list[i - 1] ?? 0));
  return pairsPerStage.reduce<number[][][]>(
    (all, pairs) =>
      all.flatMap((before) =>
        lists(pairs)
          .filter(rising)
          .map((list) => [...before, list]),
      ),
    [[]],
  );
}

describe('the space of sparsities', () => {
  it('has the size that the publication states for Swin-T', () => {
    const space = createSparsitySpace(swinTiny);
    expect(space).toEqual({ pairsPerStage: [1, 1, 3, 1], choices: publishedChoices });
    expect(sparsitySpaceSize(space)).toBe(120_285);
    expect(sparsitySpaceSize(createSparsitySpace({ ...swinTiny, depths: [2, 2, 18, 2] }))).toBe(9 ** 3 * 24_310);
  });

  it('is what plain loops find, in lexicographic order', () => {
    const expected = byLoops(small);
    expect([...everySparsity(small)]).toEqual(expected);
    expect(sparsitySpaceSize(small)).toBe(expected.length);
    expected.forEach((prunedRatios, index) => {
      expect(prunedRatiosAt(small, index)).toEqual(prunedRatios);
      expect(placeOfPrunedRatios(small, prunedRatios)).toBe(index);
    });
  });

  it('numbers all of Swin-T once', () => {
    const space = createSparsitySpace(swinTiny);
    let place = 0;
    for (const prunedRatios of everySparsity(space)) {
      if (place % 997 === 0) expect(placeOfPrunedRatios(space, prunedRatios)).toBe(place);
      place++;
    }
    expect(place).toBe(120_285);
  });

  it('draws uniformly: each sparsity as often as any other', () => {
    const random = createRandom(3);
    const space: SparsitySpace = { pairsPerStage: [2, 1], choices: [0, 0.3, 0.6] };
    const counts = new Array<number>(sparsitySpaceSize(space)).fill(0);
    const draws = 18_000;
    for (let i = 0; i < draws; i++) {
      const place = placeOfPrunedRatios(space, drawUniformly(space, random));
      counts[place] = (counts[place] ?? 0) + 1;
    }
    const expected = draws / counts.length;
    const chiSquared = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    expect(chiSquared).toBeLessThan(40.8); // 17 degrees of freedom, p = 0.001
  });

  it('draws as the published code does: a repeated value is rarer than two different ones', () => {
    const random = createRandom(4);
    const space: SparsitySpace = { pairsPerStage: [2], choices: [0, 0.5] };
    let mixed = 0;
    for (let i = 0; i < 4000; i++) mixed += placeOfPrunedRatios(space, drawSorted(space, random)) === 1 ? 1 : 0;
    expect(mixed / 4000).toBeGreaterThan(0.46);
    expect(mixed / 4000).toBeLessThan(0.54);
  });

  it('draws from a space that is too large to number', () => {
    const space: SparsitySpace = { pairsPerStage: Array.from({ length: 12 }, () => 9), choices: publishedChoices };
    const drawn = drawUniformly(space, createRandom(0));
    checkInSpace(space, drawn);
    expect(() => prunedRatiosAt(space, 0)).toThrow(/at most 2\^53/);
  });

  it('refuses what is not in it', () => {
    expect(() => createSparsitySpace(swinTiny, [])).toThrow(/at least one choice/);
    expect(() => createSparsitySpace(swinTiny, [0, 0.96])).toThrow(/from 0 to 0.95, got 0.96/);
    expect(() => prunedRatiosAt(small, -1)).toThrow(/place from 0 to 799/);
    expect(() => prunedRatiosAt(small, 1.5)).toThrow(/place from/);
    expect(() => placeOfPrunedRatios(small, [[0], [0, 0, 0.3], [0, 0]])).toThrow(/pair 2 of stage 1, got 0.3/);
    expect(() => placeOfPrunedRatios(small, [[0], [0.5, 0.2, 0.5], [0, 0]])).toThrow(/do not fall inside stage 1/);
    expect(() => placeOfPrunedRatios(small, [[0], [0.5]])).toThrow(/3 stages, got 2/);
  });

  it('drops doubles and sorts the choices', () => {
    expect(createSparsitySpace(swinTiny, [0.5, 0, 0.5]).choices).toEqual([0, 0.5]);
  });
});
