import { swinPreset } from '@sparsevit/config/presets';
import type { SwinArchitecture } from '@sparsevit/windows';
import { checkSparsity, sparsityModes } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import { countMacs } from '../src/index';

const swinT = swinPreset('swin-t');
const narrow = (embedDim: number): SwinArchitecture => ({ ...swinT, embedDim });
const searched = (prunedRatios: number[][]) => checkSparsity(swinT, { prunedRatios, ...sparsityModes.official });

/** The paper's tables (SparseViT, CVPR 2023, Tables 1 and 2); COCO counts a batch of 4, nuScenes 6 cameras. GMACs as recomputed in the specification. */
const published: [string, number, SwinArchitecture, number, number, number, number[][] | null][] = [
  ['COCO 576', 149.46, swinT, 4, 576, 576, null],
  ['COCO 544', 119.8, swinT, 4, 544, 544, null],
  ['COCO 512', 117.45, swinT, 4, 512, 512, null],
  ['COCO 640, 60 channels', 63.37, narrow(60), 4, 640, 640, null],
  ['COCO 640, 72 channels', 90.43, narrow(72), 4, 640, 640, null],
  ['COCO 640, 84 channels', 122.29, narrow(84), 4, 640, 640, null],
  ['COCO 672, first searched', 139.46, swinT, 4, 672, 672, [[0.3], [0], [0.1, 0.2, 0.2], [0]]],
  ['COCO 672, second searched', 116.43, swinT, 4, 672, 672, [[0.6], [0], [0.2, 0.4, 0.5], [0]]],
  ['nuScenes 256x704', 140.71, swinT, 6, 256, 704, null],
  ['nuScenes 224x616', 78.43, swinT, 6, 224, 616, null],
  ['nuScenes 192x528', 67.08, swinT, 6, 192, 528, null],
  ['nuScenes 256x704, 60 channels', 55.98, narrow(60), 6, 256, 704, null],
  ['COCO 672 dense', 161.79, swinT, 4, 672, 672, null],
  ['COCO 672, deleted config', 105.9, swinT, 4, 672, 672, [[0.7], [0], [0.3, 0.4, 0.7], [0]]],
  ['COCO 672, third searched', 113.7, swinT, 4, 672, 672, [[0.7], [0], [0.2, 0.4, 0.5], [0]]],
];

test.each(published)('published accounting: %s is %d GMACs', (_, gmacs, architecture, batch, height, width, ratios) => {
  const sparsity = ratios && searched(ratios);
  const { totalMacs } = countMacs(architecture, { height, width, batch, sparsity, accounting: 'published' });
  expect(Math.abs(totalMacs / 1e9 / gmacs - 1)).toBeLessThan(1e-3);
});

const fair: [string, number, number, number, number][] = [
  ['nuScenes 256x704', 112.0, 6, 256, 704],
  ['COCO 576', 129.4, 4, 576, 576],
  ['COCO 544', 110.7, 4, 544, 544],
  ['COCO 512', 102.0, 4, 512, 512],
  ['nuScenes 192x528', 59.0, 6, 192, 528],
  ['COCO 672', 161.6, 4, 672, 672],
];

test.each(fair)('fair accounting: %s is %d GMACs', (_, gmacs, batch, height, width) => {
  const { totalMacs } = countMacs(swinT, { height, width, batch, accounting: 'fair' });
  expect(Math.abs(totalMacs / 1e9 - gmacs)).toBeLessThan(0.0501); // the figures are printed with one decimal
});

describe('the split of Swin-T at 672x672', () => {
  const { stages } = countMacs(swinT, { height: 672, width: 672, accounting: 'published' });
  const blocks = stages.map(({ parts }) => parts.qkv + parts.attention + parts.projection + parts.mlp);
  test.each([
    [0, 6.77],
    [1, 6.51],
    [2, 19.13],
    [3, 6.31],
  ])('stage %d has %d GMACs in its blocks', (stage, gmacs) => {
    expect(Math.abs((blocks[stage] ?? 0) / 1e9 - gmacs)).toBeLessThan(0.0051);
  });
});

describe('properties', () => {
  test('a batch counts as its images', () => {
    const one = countMacs(swinT, { height: 100, width: 130, accounting: 'published' });
    const three = countMacs(swinT, { height: 100, width: 130, batch: 3, accounting: 'published' });
    expect(three.totalMacs).toBe(3 * one.totalMacs);
  });

  test('more pruning never costs more', () => {
    let previous = Number.POSITIVE_INFINITY;
    for (const ratio of [0, 0.2, 0.4, 0.6, 0.8]) {
      const sparsity = searched([[ratio], [ratio], [ratio, ratio, ratio], [ratio]]);
      const { totalMacs } = countMacs(swinT, { height: 320, width: 448, sparsity, accounting: 'fair' });
      expect(totalMacs).toBeLessThan(previous);
      previous = totalMacs;
    }
  });

  test('a block without kept windows costs nothing', () => {
    const sparsity = searched([[0], [0], [0, 0, 0], [0.8]]);
    const { stages } = countMacs(swinT, { height: 224, width: 224, sparsity, accounting: 'fair' });
    expect(stages[3]?.parts).toMatchObject({ qkv: 0, attention: 0, projection: 0, mlp: 0 });
  });

  test('bad requests say what is wrong', () => {
    expect(() => countMacs(swinT, { height: 3, width: 64, accounting: 'fair' })).toThrow(
      /at least one patch .* got 3x64/,
    );
    expect(() => searched([[0.5]])).toThrow(/expected 4 stages/);
    const thresholds = { thresholds: [0.1, null, null, null], ...sparsityModes.clean };
    expect(() => countMacs(swinT, { height: 64, width: 64, sparsity: thresholds, accounting: 'fair' })).toThrow(
      /threshold/,
    );
  });
});
