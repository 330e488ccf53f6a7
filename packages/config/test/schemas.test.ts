import type { RatioSparsity, Sparsity, SwinArchitecture, ThresholdSparsity } from '@sparsevit/windows';
import { sparsityModes } from '@sparsevit/windows';
import { describe, expect, expectTypeOf, test } from 'vitest';
import type * as z from 'zod';
import type { Preprocessing, SparsityInput, SwinArchitectureInput } from '../src/index';
import {
  imagenetNormalization,
  preprocessingSchema,
  sparsitySchema,
  swinArchitectureSchema,
  swinPreset,
  swinPresetNames,
} from '../src/index';
import { describeZodError } from '../src/schemas/describe-error';

const messages = (schema: z.ZodType, value: unknown): string[] =>
  schema.safeParse(value).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];

describe('swinArchitectureSchema', () => {
  const shape = { embedDim: 96, depths: [2, 2, 6, 2], heads: [3, 6, 12, 24] };

  test('fills in the defaults', () => {
    expect(swinArchitectureSchema.parse(shape)).toEqual(swinPreset('swin-t'));
    expect(swinArchitectureSchema.parse({ ...shape, window: undefined })).toEqual(swinPreset('swin-t'));
  });

  test.each(swinPresetNames)('%s comes out as it went in', (name) => {
    expect(swinArchitectureSchema.parse(swinPreset(name))).toEqual(swinPreset(name));
  });

  test.each<[string, object, string[]]>([
    [
      'heads',
      { heads: [3, 6, 12, 25] },
      [': checkArchitecture: expected the heads of stage 3 to divide its 768 channels, got 25.'],
    ],
    [
      'stages',
      { depths: [2, 2] },
      [': checkArchitecture: expected one head count per stage, got 2 depths and 4 heads.'],
    ],
    [
      'mlp',
      { mlpRatio: 0.3 },
      [': checkArchitecture: expected embedDim * mlpRatio to be a whole number above 0, got 96 * 0.3.'],
    ],
    ['zero', { embedDim: 0 }, ['embedDim: Too small: expected number to be >=1']],
    ['fraction', { window: 3.5 }, ['window: Invalid input: expected int, received number']],
    ['NaN', { patchSize: Number.NaN }, ['patchSize: Invalid input: expected number, received NaN']],
    [
      'infinite',
      { mlpRatio: Number.POSITIVE_INFINITY },
      ['mlpRatio: Invalid input: expected number, received Infinity'],
    ],
    ['text', { embedDim: '96' }, ['embedDim: Invalid input: expected number, received string']],
    ['null', { window: null }, ['window: Invalid input: expected number, received null']],
    [
      'no stages',
      { depths: [], heads: [] },
      ['depths: Too small: expected array to have >=1 items', 'heads: Too small: expected array to have >=1 items'],
    ],
    ['endless', { depths: [2, 2, 1e15, 2] }, ['depths.2: Too big: expected number to be <=1024']],
    ['unknown key', { dropPath: 0.2 }, [': Unrecognized key: "dropPath"']],
  ])('refuses %s', (_, change, expected) => {
    expect(messages(swinArchitectureSchema, { ...shape, ...change })).toEqual(expected);
  });

  test('types agree with @sparsevit/windows', () => {
    expectTypeOf<z.output<typeof swinArchitectureSchema>>().toEqualTypeOf<SwinArchitecture>();
    expectTypeOf<SwinArchitecture>().toExtend<SwinArchitectureInput>();
    expectTypeOf<keyof SwinArchitectureInput>().toEqualTypeOf<keyof SwinArchitecture>();
  });
});

describe('sparsitySchema', () => {
  const prunedRatios = [[0.3], [0], [0.1, 0.2, 0.2], [0]];
  const thresholds = [0.5, null, 0, null];

  test('takes the rules of a mode, clean by default', () => {
    expect(sparsitySchema.parse({ prunedRatios })).toEqual({ prunedRatios, ...sparsityModes.clean });
    expect(sparsitySchema.parse({ mode: 'official', prunedRatios })).toEqual({
      prunedRatios,
      ...sparsityModes.official,
    });
    expect(sparsitySchema.parse({ mode: 'official', thresholds })).toEqual({ thresholds, ...sparsityModes.official });
  });

  test('single rules replace those of the mode', () => {
    const changed = {
      score: 'l2',
      padsInScore: 'left-out',
      rounding: 'nearest',
      minKept: 3,
      padding: 'family',
    } as const;
    expect(sparsitySchema.parse({ mode: 'official', prunedRatios, ...changed })).toEqual({ prunedRatios, ...changed });
    expect(sparsitySchema.parse({ prunedRatios, minKept: 0 })).toEqual({
      prunedRatios,
      ...sparsityModes.clean,
      minKept: 0,
    });
    expect(sparsitySchema.parse({ prunedRatios, score: undefined })).toEqual({ prunedRatios, ...sparsityModes.clean });
  });

  test.each([
    { prunedRatios, ...sparsityModes.clean },
    { prunedRatios, ...sparsityModes.official },
    { thresholds, ...sparsityModes.clean },
    { thresholds, ...sparsityModes.official, score: 'l2' as const },
  ])('a complete sparsity comes out as it went in: %j', (sparsity) => {
    expect(sparsitySchema.parse(sparsity)).toEqual(sparsity);
  });

  test.each<[unknown, string]>([
    [
      { prunedRatios: [[0.2, 0.1]] },
      'sparsity: expected ratios that do not decrease inside a stage, got 0.2 then 0.1 in stage 0. A pruned window cannot come back. @prunedRatios',
    ],
    [{ prunedRatios: [[0.96]] }, 'Too big: expected number to be <=0.95, got 0.96 @prunedRatios[0][0]'],
    [{ prunedRatios: [[-0.1]] }, 'Too small: expected number to be >=0, got -0.1 @prunedRatios[0][0]'],
    [{ prunedRatios: [[0, Number.NaN]] }, 'Invalid input: expected number, received NaN, got NaN @prunedRatios[0][1]'],
    [{ prunedRatios: [[]] }, 'Too small: expected array to have >=1 items @prunedRatios[0]'],
    [{ prunedRatios: [] }, 'Too small: expected array to have >=1 items @prunedRatios'],
    [{ prunedRatios: '.6' }, 'Invalid input: expected array, received string, got ".6" @prunedRatios'],
    [{ thresholds: [-1] }, 'Too small: expected number to be >=0, got -1 @thresholds[0]'],
    [{ thresholds: [] }, 'Too small: expected array to have >=1 items @thresholds'],
    [{ thresholds: ['1'] }, 'Invalid input: expected number, received string, got "1" @thresholds[0]'],
    [{ prunedRatios, minKept: -1 }, 'Too small: expected number to be >=0, got -1 @minKept'],
    [{ thresholds, minKept: 0.5 }, 'Invalid input: expected int, received number, got 0.5 @minKept'],
    [{ prunedRatios, thresholds }, 'Unrecognized key: "thresholds"'],
    [{ prunedRatios, mode: 'dirty' }, 'Invalid option: expected one of "clean"|"official", got "dirty" @mode'],
    [{}, 'Invalid input: expected array, received undefined @prunedRatios'],
    ['.6', 'Invalid input: expected an object with prunedRatios or thresholds, got ".6"'],
    [null, 'Invalid input: expected an object with prunedRatios or thresholds'],
  ])('refuses %j', (value, expected) => {
    const { error } = sparsitySchema.safeParse(value, { reportInput: true });
    expect(error && describeZodError(error).replace('\n  → at ', ' @')).toBe(`✖ ${expected}`);
  });

  test('types agree with @sparsevit/windows', () => {
    expectTypeOf<z.output<typeof sparsitySchema>>().toEqualTypeOf<Sparsity>();
    expectTypeOf<RatioSparsity>().toExtend<SparsityInput>();
    expectTypeOf<ThresholdSparsity>().toExtend<SparsityInput>();
    expectTypeOf<string>().not.toExtend<SparsityInput>();
  });
});

describe('preprocessingSchema', () => {
  test('defaults to the normalisation of ImageNet at the own size', () => {
    expect(preprocessingSchema.parse({})).toEqual({ ...imagenetNormalization, size: null });
  });

  test('a complete one comes out as it went in', () => {
    const value = { mean: [0.5, 0.5, 0], std: [1, 0.5, 0.25], size: { height: 672, width: 1 } };
    expect(preprocessingSchema.parse(value)).toEqual(value);
  });

  test.each<[unknown, string]>([
    [{ mean: [0.5, 0.5] }, 'mean'],
    [{ mean: [0.5, 0.5, 0.5, 0.5] }, 'mean'],
    [{ std: [0.5, 0, 0.5] }, 'std.1'],
    [{ std: [0.5, Number.NaN, 0.5] }, 'std.1'],
    [{ size: 672 }, 'size'],
    [{ size: { height: 0, width: 672 } }, 'size.height'],
    [{ size: { height: 10.5, width: 672 } }, 'size.height'],
    [{ size: { height: 672 } }, 'size.width'],
    [{ size: { height: 672, width: 672, depth: 3 } }, 'size'],
    [{ resize: null }, ''],
  ])('refuses %j', (value, path) => {
    const found = messages(preprocessingSchema, value);
    expect(found).toHaveLength(1);
    expect(found[0]?.split(':')[0]).toBe(path);
  });

  test('types', () => {
    expectTypeOf<z.output<typeof preprocessingSchema>>().toEqualTypeOf<Preprocessing>();
  });
});
