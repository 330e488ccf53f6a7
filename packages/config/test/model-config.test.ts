import { ConfigError, SparseViTError, sparsityModes, uniformSparsity } from '@sparsevit/windows';
import { describe, expect, expectTypeOf, test } from 'vitest';
import * as z from 'zod';
import type { ModelConfig, ModelConfigInput } from '../src/index';
import {
  defineModelConfig,
  imagenetNormalization,
  type modelConfigSchema,
  parseModelConfig,
  parseSparsity,
  swinPreset,
  swinPresetNames,
} from '../src/index';
import { errorOf } from './error-of';

const swinT = swinPreset('swin-t');
const prunedRatios = [[0.3], [0], [0.1, 0.2, 0.2], [0]];

describe('parseModelConfig', () => {
  test('the least document is a dense model on ImageNet pixels', () => {
    expect(parseModelConfig({ version: 1, architecture: 'swin-t' })).toEqual({
      version: 1,
      architecture: swinT,
      sparsity: uniformSparsity(swinT, 0),
      preprocessing: { ...imagenetNormalization, size: null },
    });
  });

  test('resolves presets, notations and modes, and leaves $schema out', () => {
    const config = parseModelConfig({
      $schema: './schema.json',
      version: 1,
      architecture: { embedDim: 60, depths: [2, 2, 6, 2], heads: [3, 6, 12, 24] },
      sparsity: '.3|0|.1,.2,.2|0',
      preprocessing: { size: { height: 672, width: 800 } },
    });
    expect(config).toEqual({
      version: 1,
      architecture: swinPreset('swin-t-0.6x'),
      sparsity: { prunedRatios, ...sparsityModes.clean },
      preprocessing: { ...imagenetNormalization, size: { height: 672, width: 800 } },
    });
    const official = { version: 1, architecture: 'swin-t', sparsity: { mode: 'official', prunedRatios } };
    expect(parseModelConfig(official).sparsity).toEqual({ prunedRatios, ...sparsityModes.official });
  });

  test.each(swinPresetNames)('what comes out for %s is a document again', (architecture) => {
    const config = parseModelConfig({ version: 1, architecture, sparsity: '.6' });
    expect(config.architecture).toEqual(swinPreset(architecture));
    expect(config.sparsity).toEqual(parseSparsity('.6', config.architecture));
    expect(parseModelConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
  });

  test('thresholds', () => {
    const thresholds = [0.5, null, 0, 2];
    expect(parseModelConfig({ version: 1, architecture: 'swin-t', sparsity: { thresholds } }).sparsity).toEqual({
      thresholds,
      ...sparsityModes.clean,
    });
  });

  const valid = { version: 1, architecture: 'swin-t' };
  test.each<[string, unknown, string[]]>([
    ['no object', '.6', ['✖ Invalid input: expected object, received string, got ".6"']],
    ['null', null, ['✖ Invalid input: expected object, received null']],
    ['an array', [], ['✖ Invalid input: expected object, received array']],
    ['another version', { ...valid, version: 2 }, ['✖ Invalid input: expected 1, got 2', '  → at version']],
    [
      'an empty document',
      {},
      [
        '✖ Invalid input: expected 1',
        '  → at version',
        '✖ Invalid option: expected one of "swin-t"|"swin-s"|"swin-b"|"swin-l"|"swin-b-384"|"swin-l-384"|"swin-t-0.9x"|"swin-t-0.8x"|"swin-t-0.6x"|"swin-nano"',
        '  → at architecture',
      ],
    ],
    [
      'an unknown preset',
      { ...valid, architecture: 'swin-xl' },
      [
        '✖ Invalid option: expected one of "swin-t"|"swin-s"|"swin-b"|"swin-l"|"swin-b-384"|"swin-l-384"|"swin-t-0.9x"|"swin-t-0.8x"|"swin-t-0.6x"|"swin-nano", got "swin-xl"',
        '  → at architecture',
      ],
    ],
    [
      'a field of an architecture',
      { ...valid, architecture: { ...swinT, embedDim: 'wide' } },
      ['✖ Invalid input: expected number, received string, got "wide"', '  → at architecture.embedDim'],
    ],
    [
      'heads that do not divide',
      { ...valid, architecture: { ...swinT, heads: [5, 6, 12, 24] } },
      ['✖ checkArchitecture: expected the heads of stage 0 to divide its 96 channels, got 5.', '  → at architecture'],
    ],
    [
      'a number as sparsity',
      { ...valid, sparsity: 0.6 },
      [
        '✖ Invalid input: expected a text such as ".3|0|.1,.2,.2|0" or ".6", or an object with prunedRatios or thresholds, got 0.6',
        '  → at sparsity',
      ],
    ],
    [
      'a malformed notation',
      { ...valid, sparsity: '.3|' },
      [
        '✖ parseSparsity: expected a number from 0 to 0.95 such as .3, got "" in stage 1 of ".3|". Write stages separated by "|" and the pairs of a stage by ",".',
        '  → at sparsity',
      ],
    ],
    [
      'ratios of another architecture',
      { ...valid, architecture: 'swin-s', sparsity: { prunedRatios } },
      ['✖ sparsity: expected 9 ratios in stage 2 (one per pair of its 18 blocks), got 3.', '  → at sparsity'],
    ],
    [
      'thresholds of another architecture',
      { ...valid, sparsity: { thresholds: [1] } },
      ['✖ sparsity: expected 4 stages separated by "|", got 1.', '  → at sparsity'],
    ],
    [
      'ratios that decrease',
      { ...valid, sparsity: { prunedRatios: [[0.3], [0], [0.3, 0.2, 0.2], [0]] } },
      [
        '✖ sparsity: expected ratios that do not decrease inside a stage, got 0.3 then 0.2 in stage 2. A pruned window cannot come back.',
        '  → at sparsity.prunedRatios',
      ],
    ],
    [
      'a ratio that is text',
      { ...valid, sparsity: { prunedRatios: [['.3'], [0], [0.1, 0.2, 0.2], [0]] } },
      ['✖ Invalid input: expected number, received string, got ".3"', '  → at sparsity.prunedRatios[0][0]'],
    ],
    [
      'a threshold that is text',
      { ...valid, sparsity: { thresholds: [null, 'x', 1, 1], mode: 'clean' } },
      ['✖ Invalid input: expected number, received string, got "x"', '  → at sparsity.thresholds[1]'],
    ],
    [
      'an unknown mode',
      { ...valid, sparsity: { prunedRatios, mode: 'dirty' } },
      ['✖ Invalid option: expected one of "clean"|"official", got "dirty"', '  → at sparsity.mode'],
    ],
    ['a misspelt field', { ...valid, preprocesing: {} }, ['✖ Unrecognized key: "preprocesing"']],
    [
      'a size that is a number',
      { ...valid, preprocessing: { size: 672 } },
      ['✖ Invalid input: expected object, received number, got 672', '  → at preprocessing.size'],
    ],
    [
      'a key of the prototype',
      JSON.parse('{"version":1,"architecture":"swin-t","__proto__":{}}'),
      ['✖ Unrecognized key: "__proto__"'],
    ],
  ])('refuses %s', (_, document, lines) => {
    const error = errorOf(() => parseModelConfig(document));
    expect(error.message.split('\n')).toEqual(['parseModelConfig: expected a valid model config, got', ...lines]);
  });

  test('the error is typed and keeps its cause', () => {
    const error = errorOf(() => parseModelConfig({}));
    expect(error).toBeInstanceOf(ConfigError);
    expect(SparseViTError.isInstance(error) && error.code).toBe('config');
    expect(error.cause).toBeInstanceOf(z.ZodError);
  });

  test('many problems give few short lines, whatever the keys and values are', () => {
    const hostile = '\u001b[2J\n\u009b'.repeat(1000);
    const depths = Array.from({ length: 16 }, () => hostile);
    const document = { version: hostile, architecture: { ...swinT, depths }, sparsity: hostile };
    const lines = errorOf(() => parseModelConfig(document)).message.split('\n');
    expect(lines).toHaveLength(1 + 2 * 8 + 1);
    for (const line of lines) expect(line).toMatch(/^[ -~✖→]{1,500}$/);
    expect(lines.at(-1)).toBe('... and 9 more');

    const keys = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`${i}${hostile}`, i]));
    const [, keyLine, ...rest] = errorOf(() => parseModelConfig({ ...valid, ...keys })).message.split('\n');
    expect(keyLine).toMatch(/^✖ Unrecognized keys: "0[ -~]{1,3000}, "7[^"]*", \.\.\.$/);
    expect(rest).toEqual([]);
  });

  test('a document cannot ask for more memory than it has text', () => {
    const document = { ...valid, architecture: { ...swinT, depths: [2, 2, 4e9, 2] } };
    expect(() => parseModelConfig(document)).toThrow('expected number to be <=1024, got 4000000000');
  });
});

describe('types', () => {
  test('defineModelConfig returns its argument and checks it', () => {
    const config = defineModelConfig({ version: 1, architecture: 'swin-nano', sparsity: '.6' });
    expect(parseModelConfig(config).architecture.embedDim).toBe(32);
    // @ts-expect-error: no preset has this name
    expect(() => parseModelConfig(defineModelConfig({ version: 1, architecture: 'swin-xl' }))).toThrow(ConfigError);
    // @ts-expect-error: no such field
    expect(() => parseModelConfig(defineModelConfig({ version: 1, architecture: 'swin-t', size: 7 }))).toThrow(
      ConfigError,
    );
  });

  test('what is read can be written', () => {
    expectTypeOf<z.output<typeof modelConfigSchema>>().toEqualTypeOf<ModelConfig>();
    expectTypeOf<z.input<typeof modelConfigSchema>>().toEqualTypeOf<ModelConfigInput>();
    expectTypeOf<ModelConfig>().toExtend<ModelConfigInput>();
    expectTypeOf(parseModelConfig).returns.toEqualTypeOf<ModelConfig>();
  });

  test('every field that the types allow is one that the schema takes', () => {
    const everything: Required<ModelConfigInput> = {
      $schema: 'schema.json',
      version: 1,
      architecture: { embedDim: 32, depths: [2], heads: [1], window: 5, mlpRatio: 2, patchSize: 2 },
      sparsity: {
        mode: 'official',
        prunedRatios: [[0.5]],
        score: 'l2',
        padsInScore: 'counted',
        rounding: 'nearest',
        minKept: 2,
        padding: 'family',
      },
      preprocessing: { mean: [0, 0, 0], std: [1, 1, 1], size: null },
    };
    const { $schema, sparsity, ...rest } = everything;
    const { mode, ...rules } = sparsity as Exclude<typeof sparsity, string | undefined>;
    expect(parseModelConfig(everything)).toEqual({ ...rest, sparsity: rules });
  });
});
