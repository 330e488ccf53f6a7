/** Which sparsity a command works with: the notation that was typed, the one saved with the weights, or 60 % everywhere. */

import { notationOf, parseSparsity } from '@sparsevit/config/presets';
import type { Sparsity, SparsityMode, SparsityRules, SwinArchitecture } from '@sparsevit/windows';
import { hasRatios, sparsityModes, uniformSparsity } from '@sparsevit/windows';
import { parseChoice } from './values';

/** The names of the modes. */
export const modeNames: readonly SparsityMode[] = Object.keys(sparsityModes) as SparsityMode[];

/** The share of windows that `run` leaves out when nobody says otherwise. */
const defaultPrunedRatio = 0.6;

/**
 * Decides on the sparsity. The ratios are the typed ones, else the saved ones, else 0.6; the rules those of the typed mode, else the
 * saved ones, else those of `clean`.
 *
 * @throws ConfigError for ratios that do not fit the architecture
 */
export function chooseSparsity(
  architecture: SwinArchitecture,
  options: { text?: string | undefined; mode?: string | undefined; saved: Sparsity | null },
): Sparsity {
  const { text, saved } = options;
  const mode = options.mode === undefined ? undefined : parseChoice(options.mode, '--mode', modeNames);
  const chosen =
    text !== undefined
      ? parseSparsity(text, architecture)
      : (saved ?? uniformSparsity(architecture, defaultPrunedRatio));
  if (mode !== undefined) return { ...chosen, ...sparsityModes[mode] };
  return saved === null ? chosen : { ...chosen, ...rulesOf(saved) };
}

/** What the sparsity is compared with: nothing pruned, under the same rules of padding. */
export function denseCounterpart(architecture: SwinArchitecture, sparsity: Sparsity): Sparsity | null {
  return sparsity.padding === 'family' ? null : { ...uniformSparsity(architecture, 0), ...rulesOf(sparsity) };
}

/** The rules of a sparsity, without its ratios or thresholds. */
export function rulesOf({ score, padsInScore, rounding, minKept, padding }: SparsityRules): SparsityRules {
  return { score, padsInScore, rounding, minKept, padding };
}

/** The mode whose rules these are; `custom` for others. */
export function modeOf(sparsity: SparsityRules): SparsityMode | 'custom' {
  const facts = (rules: SparsityRules): string => Object.values(rulesOf(rules)).join();
  return modeNames.find((name) => facts(sparsityModes[name]) === facts(sparsity)) ?? 'custom';
}

/** What is pruned, in words: `.3|0|.1,.2,.2|0 pruned`, or `windows below thresholds 0.2|none|0.5|1 pruned`. */
export function prunedOf(sparsity: Sparsity): string {
  return `${hasRatios(sparsity) ? '' : 'windows below '}${notationOf(sparsity)} pruned`;
}
