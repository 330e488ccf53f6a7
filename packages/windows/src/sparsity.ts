/**
 * A sparsity is a value: which share of the windows each pair of blocks leaves out, and how that is decided. It is validated once,
 * passed to `forward` and saved beside the weights; a model has no sparsity state of its own.
 */

import type { SwinArchitecture } from './architecture';
import { stagePairs } from './architecture';
import { ConfigError } from './errors';

/** How large the importance of a token is: mean over channels of |x| (the published code), or the L2 norm (the paper's text). */
export type TokenScore = 'l1-mean' | 'l2';

/** The rules of scoring and counting; `sparsityModes` has the two named sets. */
export interface SparsityRules {
  /** Importance of a token; a window's score is the L2 norm of it over the window's tokens. */
  readonly score: TokenScore;
  /** `counted`: pads lower a window's score as zeros do. `left-out`: the norm is scaled by sqrt(tokens / real tokens), so that border windows compare fairly. */
  readonly padsInScore: 'counted' | 'left-out';
  /** Kept windows: `truncate` is `int(windows * (1 - ratio))` in doubles, `nearest` is exact decimal rounding, halves up. */
  readonly rounding: 'truncate' | 'nearest';
  /** The least number of windows kept per image; 0 lets a whole block be skipped. */
  readonly minKept: number;
  /** Pads enter the attention before `norm1`, as in the published code, or by the rules of the checkpoint's family. All other rules are the family's. */
  readonly padding: 'before-norm' | 'family';
}

/** A share of pruned windows for every pair of blocks (stage -> pair), each in [0, 0.95] and non-decreasing inside a stage. */
export interface RatioSparsity extends SparsityRules {
  readonly prunedRatios: readonly (readonly number[])[];
}

/**
 * A score below which a window is pruned, per stage; `null` leaves a stage dense. The number of kept windows then depends on the image.
 * The score compared is that of the window divided by sqrt(tokens of a window): the root mean square of its tokens' importance.
 */
export interface ThresholdSparsity extends SparsityRules {
  readonly thresholds: readonly (number | null)[];
}

/** What `forward` takes. */
export type Sparsity = RatioSparsity | ThresholdSparsity;

/** The two sets of rules: `official` is the published SparseViT code, `clean` is what a new model should use. */
export type SparsityMode = 'official' | 'clean';

/** The rules behind each mode's name. */
export const sparsityModes: Readonly<Record<SparsityMode, SparsityRules>> = {
  official: { score: 'l1-mean', padsInScore: 'counted', rounding: 'truncate', minKept: 0, padding: 'before-norm' },
  clean: { score: 'l1-mean', padsInScore: 'left-out', rounding: 'nearest', minKept: 1, padding: 'family' },
};

/** The values that the named rules may have. */
const ruleNames: Record<'score' | 'padsInScore' | 'rounding' | 'padding', readonly string[]> = {
  score: ['l1-mean', 'l2'],
  padsInScore: ['counted', 'left-out'],
  rounding: ['truncate', 'nearest'],
  padding: ['before-norm', 'family'],
};

/** The largest share of windows that a pair may leave out. */
export const maxPrunedRatio = 0.95;

/** True for a sparsity with a fixed share per pair. */
export function hasRatios(sparsity: Sparsity): sparsity is RatioSparsity {
  return 'prunedRatios' in sparsity;
}

/**
 * The same share of pruned windows in every pair of blocks.
 *
 * @param prunedRatio share in [0, 0.95]
 * @throws ConfigError when the share is out of range
 * @example
 * const sparsity = uniformSparsity(architecture, 0.6); // clean mode
 */
export function uniformSparsity(
  architecture: SwinArchitecture,
  prunedRatio: number,
  mode: SparsityMode = 'clean',
): RatioSparsity {
  const prunedRatios = architecture.depths.map((_, stage) =>
    Array.from({ length: stagePairs(architecture, stage) }, () => prunedRatio),
  );
  const sparsity: RatioSparsity = { prunedRatios, ...sparsityModes[mode] };
  checkSparsity(architecture, sparsity);
  return sparsity;
}

/**
 * Returns the sparsity if this architecture can run it.
 *
 * @throws ConfigError for a wrong number of stages or pairs, a ratio outside [0, 0.95], ratios that shrink inside a stage (a pruned
 * window cannot come back), a threshold that is not a number, or a negative `minKept`
 * @example
 * checkSparsity(architecture, { prunedRatios: [[0.3], [0], [0.1, 0.2, 0.2], [0]], ...sparsityModes.official });
 */
export function checkSparsity<S extends Sparsity>(architecture: SwinArchitecture, sparsity: S): S {
  const stages = architecture.depths.length;
  for (const [field, names] of Object.entries(ruleNames)) {
    const value = sparsity[field as keyof typeof ruleNames];
    if (!names.includes(value)) {
      throw new ConfigError(`sparsity: expected ${field} to be ${names.join(' or ')}, got ${value}.`);
    }
  }
  if (!Number.isInteger(sparsity.minKept) || sparsity.minKept < 0) {
    throw new ConfigError(`sparsity: expected minKept to be a whole number of at least 0, got ${sparsity.minKept}.`);
  }
  if (!hasRatios(sparsity)) {
    const { thresholds } = sparsity as ThresholdSparsity;
    checkIsList('thresholds', thresholds);
    checkStageCount(thresholds.length, stages);
    thresholds.forEach((threshold, stage) => {
      if (threshold !== null && !(Number.isFinite(threshold) && threshold >= 0)) {
        throw new ConfigError(
          `sparsity: expected the threshold of stage ${stage} to be a number of at least 0 or null, got ${threshold}.`,
        );
      }
    });
    return sparsity;
  }
  checkIsList('prunedRatios', sparsity.prunedRatios);
  checkStageCount(sparsity.prunedRatios.length, stages);
  sparsity.prunedRatios.forEach((ratios, stage) => {
    checkIsList(`prunedRatios of stage ${stage}`, ratios);
    const pairs = stagePairs(architecture, stage);
    if (ratios.length !== pairs) {
      throw new ConfigError(
        `sparsity: expected ${pairs} ${pairs === 1 ? 'ratio' : 'ratios'} in stage ${stage} (one per pair of its ${architecture.depths[stage]} blocks), got ${ratios.length}.`,
      );
    }
    ratios.forEach((ratio, pair) => {
      if (typeof ratio !== 'number' || !(ratio >= 0 && ratio <= maxPrunedRatio)) {
        throw new ConfigError(`sparsity: expected ratios from 0 to ${maxPrunedRatio}, got ${ratio} in stage ${stage}.`);
      }
      const previous = ratios[pair - 1];
      if (previous !== undefined && ratio < previous) {
        throw new ConfigError(
          `sparsity: expected ratios that do not decrease inside a stage, got ${previous} then ${ratio} in stage ${stage}. A pruned window cannot come back.`,
        );
      }
    });
  });
  return sparsity;
}

function checkIsList(name: string, value: unknown): void {
  if (!Array.isArray(value)) {
    throw new ConfigError(
      `sparsity: expected ${name} to be a list, got ${value === null ? 'null' : typeof value}. uniformSparsity(architecture, 0.6) makes one.`,
    );
  }
}

function checkStageCount(got: number, expected: number): void {
  if (got !== expected) {
    throw new ConfigError(`sparsity: expected ${expected} stages separated by "|", got ${got}.`);
  }
}

/**
 * How many of `windows` windows are kept: `int(windows * (1 - prunedRatio))` in doubles, or the exact decimal product rounded to the
 * nearest integer (halves up), never less than `minKept` and never more than `windows`.
 *
 * The doubles matter: `1 - 0.8` is 0.19999999999999996, so that the published code keeps 12 of 65 windows, not 13.
 *
 * @example
 * keptWindows(65, 0.8, sparsityModes.official); // 12
 * keptWindows(65, 0.8, sparsityModes.clean); // 13
 */
export function keptWindows(
  windows: number,
  prunedRatio: number,
  rules: Pick<SparsityRules, 'rounding' | 'minKept'>,
): number {
  const kept =
    rules.rounding === 'truncate' ? Math.trunc(windows * (1 - prunedRatio)) : nearestShare(windows, prunedRatio);
  return Math.min(windows, Math.max(rules.minKept, kept));
}

/** `round(windows * (1 - ratio))` on the ratio as a decimal of nine digits: whole numbers below 2^53, so that no double rounding decides. */
function nearestShare(windows: number, ratio: number): number {
  const scale = 1e9;
  const kept = scale - Math.round(ratio * scale);
  return Math.floor((2 * windows * kept + scale) / (2 * scale));
}
