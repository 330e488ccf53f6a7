/** How much each gene matters: by an additive model of what was evaluated. */

import type { Evaluation } from './candidate';
import type { Genome } from './genome';
import { levelsOf } from './genome';
import { fitToEvidence } from './surrogate/fit';

/** How much the ratio of one pair of blocks matters for a metric. */
export interface GeneImportance {
  readonly stage: number;
  /** Pair of blocks inside the stage. */
  readonly pair: number;
  /** Share of what the model explains: the variance of this gene's effect over the choices, of the sum over genes. */
  readonly share: number;
  /** The metric at each choice less that at the first, other genes alike; the order is that of the choices. */
  readonly effects: readonly number[];
}

/** Evaluations below which nothing is said. */
const leastEvaluations = 8;

/**
 * The importance of every gene for a told or computed quantity, after an additive model fitted to complete evaluations; empty below eight of
 * them. Where a choice was not evaluated it is what the model expects.
 *
 * Reference: functional analysis of variance, as in Hutter, Hoos, Leyton-Brown, An efficient approach for assessing hyperparameter
 * importance, 2014, with main effects only.
 */
export function importanceOf(genome: Genome, evaluations: readonly Evaluation[], name: string): GeneImportance[] {
  const complete = evaluations.filter(({ state }) => state === 'complete');
  if (complete.length < leastEvaluations) return [];
  const model = fitToEvidence(
    genome,
    complete.map(({ prunedRatios, values }) => ({ levels: levelsOf(genome, prunedRatios), value: values[name] ?? 0 })),
  );
  if (model === null) return [];
  const variances = model.effects.map((effect) => {
    const mean = effect.reduce((sum, value) => sum + value, 0) / effect.length;
    return effect.reduce((sum, value) => sum + (value - mean) ** 2, 0) / effect.length;
  });
  const total = variances.reduce((sum, variance) => sum + variance, 0);
  return genome.stageOf.map((stage, gene) => ({
    stage,
    pair: gene - (genome.stageStarts[stage] ?? 0),
    share: total > 0 ? (variances[gene] ?? 0) / total : 0,
    effects: Array.from(model.effects[gene] ?? [], (value, _level) => value - (model.effects[gene]?.[0] ?? 0)),
  }));
}
