/** The schemas of a sparsity: ratios or thresholds, and the rules of a mode with single rules replaced where asked. */

import type { RatioSparsity, Sparsity, SparsityMode, SparsityRules, ThresholdSparsity } from '@sparsevit/windows';
import { checkSparsity, maxPrunedRatio, sparsityModes } from '@sparsevit/windows';
import * as z from 'zod';
import { swinPresets } from '../swin-presets';
import { checkInside } from './config-issue';

/** How scoring and counting are written in a document: a mode, and the rules in which this sparsity differs from it. */
export type SparsityRulesInput = {
  readonly [Rule in keyof SparsityRules]?: SparsityRules[Rule] | undefined;
} & {
  /** The named set of rules; default `clean`. */
  readonly mode?: SparsityMode | undefined;
};

/** Ratios as they are written in a document. */
export type RatioSparsityInput = SparsityRulesInput & Pick<RatioSparsity, 'prunedRatios'>;

/** Thresholds as they are written in a document. */
export type ThresholdSparsityInput = SparsityRulesInput & Pick<ThresholdSparsity, 'thresholds'>;

/** A sparsity as it is written in a document; one that `forward` takes is one of these as well. */
export type SparsityInput = RatioSparsityInput | ThresholdSparsityInput;

const ruleFields = {
  mode: z.enum(['clean', 'official']).default('clean').meta({
    description: 'The rules below as a set: clean for a new model, official for the published SparseViT code.',
  }),
  score: z.enum(['l1-mean', 'l2']).optional().meta({
    description: "Importance of a token: mean of |x| over its channels, or their L2 norm. Default: the mode's.",
  }),
  padsInScore: z.enum(['counted', 'left-out']).optional().meta({
    description: "Whether pads lower the score of a window as zeros do, or are left out of it. Default: the mode's.",
  }),
  rounding: z.enum(['truncate', 'nearest']).optional().meta({
    description: "How windows * (1 - ratio) becomes a whole number of kept windows. Default: the mode's.",
  }),
  minKept: z.int().min(0).optional().meta({
    description: "The least number of windows kept per image; 0 lets a whole block be skipped. Default: the mode's.",
  }),
  padding: z.enum(['before-norm', 'family']).optional().meta({
    description: "Pads before the first norm, or by the rules of the checkpoint's family. Default: the mode's.",
  }),
} satisfies Record<keyof SparsityRulesInput, z.ZodType>;

function resolveRules({ mode = 'clean', ...rules }: SparsityRulesInput): SparsityRules {
  const named = sparsityModes[mode];
  return {
    score: rules.score ?? named.score,
    padsInScore: rules.padsInScore ?? named.padsInScore,
    rounding: rules.rounding ?? named.rounding,
    minKept: rules.minKept ?? named.minKept,
    padding: rules.padding ?? named.padding,
  };
}

/** `checkSparsity` against an architecture made to measure: the rules that hold whatever the architecture is. */
function checkRatiosAlone(sparsity: RatioSparsity): RatioSparsity {
  const depths = sparsity.prunedRatios.map((pairs) => 2 * pairs.length);
  return checkSparsity({ ...swinPresets['swin-t'], depths }, sparsity);
}

/** Ratios of pruned windows for every pair of blocks, with the rules of a mode. */
export const ratioSparsitySchema: z.ZodType<RatioSparsity, RatioSparsityInput> = z
  .strictObject({
    prunedRatios: z
      .array(z.array(z.number().min(0).max(maxPrunedRatio)).min(1))
      .min(1)
      .meta({
        description: `Share of pruned windows, 0 to ${maxPrunedRatio}: one list per stage, one number per pair of blocks, not decreasing inside a stage.`,
      }),
    ...ruleFields,
  })
  .transform(({ prunedRatios, ...rules }, context) =>
    checkInside(context, ['prunedRatios'], () => checkRatiosAlone({ prunedRatios, ...resolveRules(rules) })),
  )
  .meta({ description: 'A fixed share of pruned windows for every pair of blocks.' });

/** A score per stage below which a window is pruned, with the rules of a mode. */
export const thresholdSparsitySchema: z.ZodType<ThresholdSparsity, ThresholdSparsityInput> = z
  .strictObject({
    thresholds: z.array(z.number().min(0).nullable()).min(1).meta({
      description:
        'Per stage the root mean square importance of its tokens below which a window is pruned; null leaves a stage dense.',
    }),
    ...ruleFields,
  })
  .transform(({ thresholds, ...rules }) => ({ thresholds, ...resolveRules(rules) }))
  .meta({ description: 'A score below which a window is pruned: how many are kept depends on the image.' });

/**
 * A `Sparsity`: its rules are those of `mode` (default `clean`) with single rules replaced. A sparsity that is complete comes out as it is.
 * What depends on the architecture (numbers of stages and pairs) is checked by `modelConfigSchema`.
 *
 * @example
 * sparsitySchema.parse({ mode: 'official', prunedRatios: [[0.3], [0], [0.1, 0.2, 0.2], [0]] });
 */
export const sparsitySchema: z.ZodType<Sparsity, SparsityInput> = z.union(
  [ratioSparsitySchema, thresholdSparsitySchema],
  { error: 'Invalid input: expected an object with prunedRatios or thresholds' },
);
