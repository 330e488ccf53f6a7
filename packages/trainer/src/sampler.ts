/** Which sparsities a step is trained at. Source: the published code's `tools/train.py`; the others are for comparison. */

import type { PrunedRatios, Random, RatioSparsity, SparsityRules, SwinArchitecture } from '@sparsevit/windows';
import { checkSparsity, createRandom, createSparsitySpace, drawSorted, publishedChoices } from '@sparsevit/windows';

/** How sparsities are drawn. */
export type SamplerKind = 'paper' | 'uniform' | 'sandwich';

/** What the sampler may draw. */
export interface SamplerOptions {
  readonly kind?: SamplerKind;
  /** The published choices: 0, 0.1 … 0.8. */
  readonly choices?: readonly number[];
  readonly seed: number;
  /** Rules of scoring and counting, of every sparsity drawn. */
  readonly rules: SparsityRules;
}

/** Steps done -> the sparsities of the step; their losses are averaged. */
export type SparsitySampler = (step: number) => readonly RatioSparsity[];

/** Keeps the streams of different uses of one seed apart. */
const streamOf = (seed: number, step: number): Random => createRandom(Math.imul(seed ^ 0x5a17, 0x9e3779b1) + step);

/**
 * A sampler of layerwise sparsity. `paper`: in each stage a draw per pair of blocks, independent and uniform over the choices, sorted, so
 * that ratios do not fall inside a stage. `uniform`: one draw for all. `sandwich`: dense, the largest choice everywhere, and one draw of
 * `paper`, at each step. What a step draws depends on seed and step alone, so that a run that is resumed draws the same.
 *
 * @throws ConfigError for choices outside of what a sparsity may be, or none
 * @example
 * const sample = createSampler(architecture, { seed: 0, rules: sparsityModes.clean });
 * const [sparsity] = sample(0);
 */
export function createSampler(architecture: SwinArchitecture, options: SamplerOptions): SparsitySampler {
  const { kind = 'paper', choices = publishedChoices, seed, rules } = options;
  const space = createSparsitySpace(architecture, choices);
  const sparsityOf = (prunedRatios: PrunedRatios): RatioSparsity =>
    checkSparsity(architecture, { ...rules, prunedRatios });
  const everywhere = (ratio: number): RatioSparsity =>
    sparsityOf(space.pairsPerStage.map((pairs) => Array.from({ length: pairs }, () => ratio)));
  const largest = space.choices.at(-1) ?? 0;
  const pick = (random: Random): number => space.choices[random.integer(0, space.choices.length)] ?? 0;
  return (step) => {
    const random = streamOf(seed, step);
    switch (kind) {
      case 'uniform':
        return [everywhere(pick(random))];
      case 'sandwich':
        return [everywhere(0), everywhere(largest), sparsityOf(drawSorted(space, random))];
      default:
        return [sparsityOf(drawSorted(space, random))];
    }
  };
}
