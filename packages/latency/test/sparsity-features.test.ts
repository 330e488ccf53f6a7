import { swinPreset } from '@sparsevit/config/presets';
import type { SparsityMode } from '@sparsevit/windows';
import { checkSparsity, createRandom, createSparsitySpace, drawUniformly, sparsityModes } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import { countMacs } from '../src/index';
import { createSparsityFeatures, physicalNames } from '../src/predictors/sparsity-features';
import { wholeSubject } from '../src/predictors/subject';

const swinT = swinPreset('swin-t');
const featuresOf = (subject: Parameters<typeof wholeSubject>[0]) => {
  const features = createSparsityFeatures(wholeSubject(subject));
  return (prunedRatios: readonly (readonly number[])[]): { all: number[]; named: (name: string) => number } => {
    const row = new Float64Array(features.columns.count);
    features.write(prunedRatios, row);
    const physical = Object.fromEntries(
      physicalNames.map((name, i) => [name, row[features.columns.physical[i] ?? 0] ?? 0]),
    );
    return { all: Array.from(row), named: (name) => physical[name] ?? Number.NaN };
  };
};

describe.each<[string, SparsityMode, number, number, number]>([
  ['clean at 672', 'clean', 672, 672, 1],
  ['official at 224, where blocks may keep nothing', 'official', 224, 224, 2],
  ['clean at 300x500, with pads', 'clean', 300, 500, 3],
])('features of Swin-T, %s', (_, mode, height, width, batch) => {
  const sparsity = sparsityModes[mode];
  const features = featuresOf({ architecture: swinT, height, width, batch, sparsity });
  const space = createSparsitySpace(swinT);
  const random = createRandom(1);
  const drawn = [
    ...Array.from({ length: 12 }, () => drawUniformly(space, random)),
    [[0], [0], [0, 0.33, 0.501], [0.95]],
  ];

  test.each(drawn.map((ratios) => [ratios]))('%j: multiply-accumulates are those that are counted', (prunedRatios) => {
    const { totalMacs, stages } = countMacs(swinT, {
      height,
      width,
      batch,
      accounting: 'fair',
      sparsity: checkSparsity(swinT, { ...sparsity, prunedRatios }),
    });
    const attention = stages.reduce((sum, { parts }) => sum + parts.attention, 0);
    const { all, named } = features(prunedRatios);
    expect(all[0]).toBeCloseTo(totalMacs / 1e9, 9);
    expect(named('attentionGigamacs')).toBeCloseTo(attention / 1e9, 9);
  });
});

test('of Swin-T at 672: windows, flags, moved and scored values, calls', () => {
  // maps of 168, 84, 42, 21 tokens a side: 576, 144, 36, 9 windows
  const { all, named } = featuresOf({ architecture: swinT, height: 672, width: 672 })([
    [0.5],
    [0],
    [0, 0.25, 0.5],
    [0],
  ]);
  expect(all.slice(1, 7)).toEqual([288, 144, 36, 27, 18, 9]);
  expect(all.slice(7, 13)).toEqual([1, 0, 0, 1, 1, 0]);
  // rows are gathered and scattered in two blocks of a pair: 2 * 2 * windows * 49 * channels
  expect(named('movedMegavalues')).toBeCloseTo((4 * 49 * (288 * 96 + 45 * 384)) / 1e6, 9);
  expect(named('scoredMegavalues')).toBeCloseTo((168 * 168 * 96 + 42 * 42 * 384) / 1e6, 9);
  expect([named('runningBlocks'), named('prunedBlocks'), named('scoringStages')]).toEqual([12, 6, 2]);
});

test('an odd depth ends with half a pair', () => {
  const odd = { ...swinT, depths: [1, 2, 3, 2] };
  const { all, named } = featuresOf({ architecture: odd, height: 224, width: 224 })([[0.5], [0], [0, 0.5], [0]]);
  expect(all).toHaveLength(1 + 2 * 5 + physicalNames.length);
  expect([named('runningBlocks'), named('prunedBlocks')]).toEqual([8, 2]);
});

test('ratios that the architecture cannot run are refused', () => {
  const features = featuresOf({ architecture: swinT, height: 224, width: 224 });
  expect(() => features([[0], [0], [0, 0, 0]])).toThrow(/4 stages, got 3/);
  expect(() => features([[0], [0], [0, 0], [0]])).toThrow(/3 ratios in stage 2, got 2/);
  expect(() => features([[0], [0], [0.2, 0.1, 0.3], [0]])).toThrow(/from 0.2 to 0.95 .* stage 2, got 0.1/);
  expect(() => features([[0.99], [0], [0, 0, 0], [0]])).toThrow(/got 0.99/);
  expect(() => features([[Number.NaN], [0], [0, 0, 0], [0]])).toThrow(/got NaN/);
  expect(() => features('dense' as unknown as number[][])).toThrow(/got string/);
});
