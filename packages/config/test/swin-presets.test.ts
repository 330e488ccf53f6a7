import type { SwinArchitecture } from '@sparsevit/windows';
import { ConfigError, checkArchitecture, stageChannels, stagePairs } from '@sparsevit/windows';
import { describe, expect, expectTypeOf, test } from 'vitest';
import type { SwinPresetName } from '../src/presets';
import { imagenetNormalization, isSwinPresetName, swinPreset, swinPresetNames, swinPresets } from '../src/presets';
import { errorOf } from './error-of';

/** name, channels, depths, heads, window, channels of a head in every stage. */
const table: [SwinPresetName, number, number[], number[], number, number][] = [
  ['swin-t', 96, [2, 2, 6, 2], [3, 6, 12, 24], 7, 32],
  ['swin-s', 96, [2, 2, 18, 2], [3, 6, 12, 24], 7, 32],
  ['swin-b', 128, [2, 2, 18, 2], [4, 8, 16, 32], 7, 32],
  ['swin-l', 192, [2, 2, 18, 2], [6, 12, 24, 48], 7, 32],
  ['swin-b-384', 128, [2, 2, 18, 2], [4, 8, 16, 32], 12, 32],
  ['swin-l-384', 192, [2, 2, 18, 2], [6, 12, 24, 48], 12, 32],
  ['swin-t-0.9x', 84, [2, 2, 6, 2], [3, 6, 12, 24], 7, 28],
  ['swin-t-0.8x', 72, [2, 2, 6, 2], [3, 6, 12, 24], 7, 24],
  ['swin-t-0.6x', 60, [2, 2, 6, 2], [3, 6, 12, 24], 7, 20],
  ['swin-nano', 32, [2, 2, 2, 2], [1, 2, 4, 8], 7, 32],
];

describe('swin presets', () => {
  test('the table has every preset', () => {
    expect(table.map(([name]) => name)).toEqual(Object.keys(swinPresets));
    expect(swinPresetNames).toEqual(Object.keys(swinPresets));
  });

  test.each(table)('%s', (name, embedDim, depths, heads, window, headChannels) => {
    const architecture = swinPreset(name);
    expect(architecture).toEqual({ embedDim, depths, heads, window, mlpRatio: 4, patchSize: 4 });
    expect(checkArchitecture(architecture)).toBe(architecture);
    for (const [stage, count] of heads.entries()) {
      expect(stageChannels(architecture, stage) / count).toBe(headChannels);
      expect(stagePairs(architecture, stage)).toBe((depths[stage] ?? 0) / 2);
    }
  });

  test.each(['', 'swin', 'SWIN-T', 'swin-t ', 'swin-xxl', 'toString', '__proto__', 'constructor'])(
    'no preset is called %j',
    (name) => {
      expect(isSwinPresetName(name)).toBe(false);
      expect(() => swinPreset(name)).toThrow(ConfigError);
      expect(() => swinPreset(name)).toThrow(
        `swinPreset: expected one of ${swinPresetNames.join(', ')}, got ${JSON.stringify(name)}.`,
      );
    },
  );

  test('a hostile name stays one short line of printable characters', () => {
    const { message } = errorOf(() => swinPreset(`\u001b[31m\n\u009b\u2028${'x'.repeat(10_000)}`));
    expect(message).toMatch(/^[ -~]{1,400}$/);
    expect(message).toContain('\\u001b[31m\\n\\u009b\\u2028xxx');
  });

  test('types', () => {
    expectTypeOf(swinPreset).returns.toEqualTypeOf<SwinArchitecture>();
    expectTypeOf(swinPresets).toEqualTypeOf<Readonly<Record<SwinPresetName, SwinArchitecture>>>();
  });
});

test('the ImageNet normalisation is that of the 8-bit values', () => {
  const bytes = (values: readonly number[]) => values.map((value) => Number((255 * value).toFixed(3)));
  expect(bytes(imagenetNormalization.mean)).toEqual([123.675, 116.28, 103.53]);
  expect(bytes(imagenetNormalization.std)).toEqual([58.395, 57.12, 57.375]);
});
