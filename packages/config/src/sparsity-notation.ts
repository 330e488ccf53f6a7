/**
 * The ratios of a sparsity as one line of text, `.3|0|.1,.2,.2|0`: stages are separated by `|`, the pairs of blocks of a stage by `,`.
 * A number is digits with an optional fraction; no sign, no exponent, no blanks. The text holds ratios only, not the mode.
 */

import type { RatioSparsity, Sparsity, SparsityMode, SwinArchitecture } from '@sparsevit/windows';
import {
  ConfigError,
  checkSparsity,
  hasRatios,
  maxPrunedRatio,
  sparsityModes,
  uniformSparsity,
} from '@sparsevit/windows';
import { quote } from './quote';

const decimalNumber = /^(?:\d+|\d*\.\d+)$/;

/**
 * Reads a notation: every pair of every stage, or one number for all of them.
 *
 * A stage of several pairs needs a ratio for each, even where they are equal: `.3|0|.2|0` is refused for depths 2, 2, 6, 2.
 *
 * @throws ConfigError when a number is malformed, or the ratios do not fit the architecture (`checkSparsity`)
 * @example
 * const { prunedRatios } = parseSparsity('.3|0|.1,.2,.2|0', swinPreset('swin-t')); // [[0.3], [0], [0.1, 0.2, 0.2], [0]]
 * parseSparsity('.6', swinPreset('swin-t'), 'official').prunedRatios; // [[0.6], [0.6], [0.6, 0.6, 0.6], [0.6]]
 */
export function parseSparsity(
  text: string,
  architecture: SwinArchitecture,
  mode: SparsityMode = 'clean',
): RatioSparsity {
  if (!Object.hasOwn(sparsityModes, mode)) {
    throw new ConfigError(`parseSparsity: expected mode to be "clean" or "official", got ${quote(mode)}.`);
  }
  if (typeof text !== 'string') {
    throw new ConfigError(`parseSparsity: expected a text such as ".3|0|.1,.2,.2|0", got ${quote(text)}.`);
  }
  const stages = text.split('|').map((stage) => stage.split(','));
  const prunedRatios = stages.map((pairs, stage) => pairs.map((pair) => readRatio(pair, stage, text)));
  const [[first] = []] = prunedRatios;
  if (first !== undefined && !/[|,]/.test(text)) return uniformSparsity(architecture, first, mode);
  return checkSparsity(architecture, { prunedRatios, ...sparsityModes[mode] });
}

function readRatio(pair: string, stage: number, text: string): number {
  if (!decimalNumber.test(pair)) {
    throw new ConfigError(
      `parseSparsity: expected a number from 0 to ${maxPrunedRatio} such as .3, got ${quote(pair)} in stage ${stage} of ${quote(text)}. Write stages separated by "|" and the pairs of a stage by ",".`,
    );
  }
  return Number(pair);
}

/**
 * Prints the ratios of a sparsity, all pairs of all stages: `parseSparsity(formatSparsity(s), architecture)` has the same ratios, to the last bit.
 *
 * @throws ConfigError when a ratio is not one, or a stage has none
 * @example
 * formatSparsity(uniformSparsity(swinPreset('swin-t'), 0.6)); // '.6|.6|.6,.6,.6|.6'
 */
export function formatSparsity(sparsity: Pick<RatioSparsity, 'prunedRatios'>): string {
  return sparsity.prunedRatios
    .map((pairs, stage) => {
      if (pairs.length === 0 || !pairs.every((ratio) => ratio >= 0 && ratio <= maxPrunedRatio)) {
        throw new ConfigError(
          `formatSparsity: expected ratios from 0 to ${maxPrunedRatio} in stage ${stage}, got [${pairs.join(', ')}].`,
        );
      }
      return pairs.map(formatRatio).join(',');
    })
    .join('|');
}

/** The shortest digits that read back as the same double, without the exponent in which JavaScript prints very small numbers. */
function formatRatio(ratio: number): string {
  const [digits = '', exponent] = String(ratio).split('e-');
  if (exponent === undefined) return digits.replace(/^0\./, '.');
  return `.${'0'.repeat(Number(exponent) - 1)}${digits.replace('.', '')}`;
}

/**
 * What a sparsity is in a line of text: the ratios in the notation of `parseSparsity`, or the thresholds by stage.
 *
 * @example
 * notationOf(uniformSparsity(swinPreset('swin-t'), 0.6)); // '.6|.6|.6,.6,.6|.6'
 */
export function notationOf(sparsity: Sparsity): string {
  if (hasRatios(sparsity)) return formatSparsity(sparsity);
  return `thresholds ${sparsity.thresholds.map((threshold) => threshold ?? 'none').join('|')}`;
}
