import type { RatioSparsity, SparsityMode, SwinArchitecture } from '@sparsevit/windows';
import {
  ConfigError,
  checkSparsity,
  createRandom,
  maxPrunedRatio,
  sparsityModes,
  stagePairs,
  uniformSparsity,
} from '@sparsevit/windows';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { formatSparsity, parseSparsity, swinPreset } from '../src/presets';
import { errorOf } from './error-of';

const swinT = swinPreset('swin-t');
const withDepths = (depths: number[]): SwinArchitecture => ({ ...swinT, depths });

describe('parseSparsity', () => {
  test.each<[string, number[][]]>([
    ['.3|0|.1,.2,.2|0', [[0.3], [0], [0.1, 0.2, 0.2], [0]]],
    ['0.30|0.0|0.1,00.2,.20|0', [[0.3], [0], [0.1, 0.2, 0.2], [0]]],
    ['.95|.95|.95,.95,.95|.95', [[0.95], [0.95], [0.95, 0.95, 0.95], [0.95]]],
    ['0', [[0], [0], [0, 0, 0], [0]]],
    ['.6', [[0.6], [0.6], [0.6, 0.6, 0.6], [0.6]]],
    ['0.95', [[0.95], [0.95], [0.95, 0.95, 0.95], [0.95]]],
  ])('%s', (text, prunedRatios) => {
    expect(parseSparsity(text, swinT)).toEqual({ prunedRatios, ...sparsityModes.clean });
    expect(parseSparsity(text, swinT, 'official')).toEqual({ prunedRatios, ...sparsityModes.official });
  });

  test('an odd depth ends with half a pair, which has a ratio too', () => {
    expect(parseSparsity('.1|.2,.3', withDepths([1, 3])).prunedRatios).toEqual([[0.1], [0.2, 0.3]]);
  });

  test('of one stage: a list, or one number for all its pairs', () => {
    expect(parseSparsity('.1,.2', withDepths([4])).prunedRatios).toEqual([[0.1, 0.2]]);
    expect(parseSparsity('.1', withDepths([4])).prunedRatios).toEqual([[0.1, 0.1]]);
  });

  const notNumbers = [
    [
      '',
      ' ',
      'a',
      'NaN',
      'Infinity',
      '1e9',
      '1e-1',
      '0x1',
      '0b1',
      '1_0',
      '.',
      '0.',
      '..3',
      '.3.',
      '0.3.1',
      '1/2',
      '30%',
    ],
    ['-0', '-.1', '--1', '+.3', ' .3', '.3 ', '.3\n', '\u0663', '\uff10', '.3;0', 'null', '[.3]', '.3\u0000', 'Object'],
  ].flat();
  test.each(notNumbers)('refuses the number %j', (number) => {
    const line = (stage: number, text: string) =>
      `parseSparsity: expected a number from 0 to 0.95 such as .3, got ${ascii(number)} in stage ${stage} of ${ascii(text)}. ` +
      'Write stages separated by "|" and the pairs of a stage by ",".';
    for (const [stage, text] of [number, `.3|0|.1,${number},.2|0`, `.3|0|.1,.2,.2|${number}`].entries()) {
      const error = errorOf(() => parseSparsity(text, swinT));
      expect(error).toBeInstanceOf(ConfigError);
      expect(error.message).toBe(line([0, 2, 3][stage] ?? 0, text));
    }
  });

  test.each<[string, string]>([
    ['.3|', 'parseSparsity: expected a number from 0 to 0.95 such as .3, got "" in stage 1 of ".3|".'],
    ['|', 'got "" in stage 0 of "|"'],
    [',', 'got "" in stage 0 of ","'],
    ['.3||.1,.2,.2|0', 'got "" in stage 1'],
    ['.3|0|.1,,.2|0', 'got "" in stage 2'],
    ['.3|0|.1,.2,.2,|0', 'got "" in stage 2'],
    ['.3|0|.1,.2,.2|0|', 'got "" in stage 4'],
    ['.3|0', 'sparsity: expected 4 stages separated by "|", got 2.'],
    ['.3,0', 'sparsity: expected 4 stages separated by "|", got 1.'],
    ['.3|0|.1,.2,.2|0|0', 'sparsity: expected 4 stages separated by "|", got 5.'],
    ['.3|0|.2|0', 'sparsity: expected 3 ratios in stage 2 (one per pair of its 6 blocks), got 1.'],
    ['.3|0|.1,.2|0', 'sparsity: expected 3 ratios in stage 2 (one per pair of its 6 blocks), got 2.'],
    ['.3,.3|0|.1,.2,.2|0', 'sparsity: expected 1 ratio in stage 0 (one per pair of its 2 blocks), got 2.'],
    ['.3|0|.2,.1,.2|0', 'sparsity: expected ratios that do not decrease inside a stage, got 0.2 then 0.1 in stage 2.'],
    ['.3|0|.1,.2,.2|.951', 'sparsity: expected ratios from 0 to 0.95, got 0.951 in stage 3.'],
    ['1', 'sparsity: expected ratios from 0 to 0.95, got 1 in stage 0.'],
    ['60', 'sparsity: expected ratios from 0 to 0.95, got 60 in stage 0.'],
    ['9'.repeat(400), 'sparsity: expected ratios from 0 to 0.95, got Infinity in stage 0.'],
  ])('refuses %s', (text, message) => {
    const error = errorOf(() => parseSparsity(text, swinT));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toContain(message);
    expect(error.message).not.toContain('\n');
  });

  test('long hostile text gives a short line', () => {
    const error = errorOf(() => parseSparsity(`\u001b]0;${'x'.repeat(100_000)}|`.repeat(3), swinT));
    expect(error.message).toMatch(/^[ -~]{1,400}$/);
  });

  test('refuses what is no text and no mode', () => {
    expect(() => parseSparsity(0.6 as unknown as string, swinT)).toThrow(
      'parseSparsity: expected a text such as ".3|0|.1,.2,.2|0", got "0.6".',
    );
    for (const mode of ['dirty', 'toString', '']) {
      expect(() => parseSparsity('.6', swinT, mode as SparsityMode)).toThrow(
        `parseSparsity: expected mode to be "clean" or "official", got "${mode}".`,
      );
    }
  });

  test('types', () => {
    expectTypeOf(parseSparsity).parameters.toEqualTypeOf<[string, SwinArchitecture, SparsityMode?]>();
    expectTypeOf(parseSparsity).returns.toEqualTypeOf<RatioSparsity>();
  });
});

describe('formatSparsity', () => {
  test.each(['.3|0|.1,.2,.2|0', '0|0|0,0,0|0', '.95|.05|.125,.3333333333333333,.9|.000001'])('%s', (text) => {
    expect(formatSparsity(parseSparsity(text, swinT))).toBe(text);
  });

  test('prints a uniform sparsity in full', () => {
    expect(formatSparsity(uniformSparsity(swinT, 0.6))).toBe('.6|.6|.6,.6,.6|.6');
  });

  test.each<[number, string]>([
    [1e-6, '.000001'],
    [1e-7, '.0000001'],
    [1.5e-7, '.00000015'],
    [1.234e-10, '.0000000001234'],
    [5e-324, `.${'0'.repeat(323)}5`],
    [2.2250738585072014e-308, `.${'0'.repeat(307)}22250738585072014`],
    [-0, '0'],
  ])('%d has no exponent and no sign', (ratio, text) => {
    expect(formatSparsity({ prunedRatios: [[ratio]] })).toBe(text);
    expect(Number(text)).toBe(ratio === 0 ? 0 : ratio);
  });

  test.each([[Number.NaN], [Number.POSITIVE_INFINITY], [-0.1], [0.951], [0.1, 2], []])('refuses [%d]', (...ratios) => {
    const error = errorOf(() => formatSparsity({ prunedRatios: [[0.1], ratios] }));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toBe(
      `formatSparsity: expected ratios from 0 to 0.95 in stage 1, got [${ratios.map(String).join(', ')}].`,
    );
  });

  test('parse(format(x)) equals x for every legal sparsity', () => {
    const random = createRandom(20230622);
    const drawRatio = (): number => {
      const kind = random.integer(0, 4);
      if (kind === 0) return random.integer(0, 20) / 20;
      if (kind === 1) return random.uniform() * maxPrunedRatio;
      if (kind === 2) return random.uniform() * 10 ** -random.integer(1, 320);
      return [0, maxPrunedRatio, Number.MIN_VALUE, 0.1 + 0.2, 1 / 3][random.integer(0, 5)] ?? 0;
    };
    for (let draw = 0; draw < 2000; draw++) {
      const architecture = withDepths(Array.from({ length: random.integer(1, 6) }, () => random.integer(1, 20)));
      const mode = random.integer(0, 2) === 0 ? 'clean' : 'official';
      const prunedRatios = architecture.depths.map((_, stage) =>
        Array.from({ length: stagePairs(architecture, stage) }, drawRatio).sort((a, b) => a - b),
      );
      const sparsity = checkSparsity(architecture, { prunedRatios, ...sparsityModes[mode] });
      const text = formatSparsity(sparsity);
      expect(text).toMatch(/^[\d.,|]+$/);
      expect(parseSparsity(text, architecture, mode)).toEqual(sparsity);
    }
  });
});

/** Text as messages quote it: printable ASCII, at most 60 characters. */
function ascii(text: string): string {
  const cut = text.length > 60 ? `${text.slice(0, 60)}...` : text;
  return JSON.stringify(cut).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
