/** The sparsity that a sampler draws on average: what adaptation is judged at, beside dense and one half. */

import type { RatioSparsity, SparsityRules, SwinArchitecture } from '@sparsevit/windows';
import { checkSparsity, createSparsitySpace, publishedChoices } from '@sparsevit/windows';

/**
 * The mean of the paper's sampler: in each stage the means of its sorted independent draws, E[X(k)] = sum over choices of P(X(k) >= choice) * gap.
 *
 * @throws ConfigError for choices outside of what a sparsity may be
 * @example
 * expectedSparsity(architecture, sparsityModes.clean).prunedRatios; // [[0.4], [0.4], [0.2, 0.4, 0.6], [0.4]] for swin-t, rounded
 */
export function expectedSparsity(
  architecture: SwinArchitecture,
  rules: SparsityRules,
  choices: readonly number[] = publishedChoices,
): RatioSparsity {
  const space = createSparsitySpace(architecture, choices);
  const prunedRatios = space.pairsPerStage.map((draws) =>
    Array.from({ length: draws }, (_, k) => meanOfOrder(space.choices, draws, k)),
  );
  return checkSparsity(architecture, { ...rules, prunedRatios });
}

/** Mean of the k-th smallest (from 0) of independent uniform draws. */
function meanOfOrder(sorted: readonly number[], draws: number, k: number): number {
  let mean = sorted[0] ?? 0;
  for (let i = 1; i < sorted.length; i++) {
    const below = i / sorted.length; // of one draw
    // the k-th smallest is below when more than k draws are
    let share = 0;
    for (let count = k + 1; count <= draws; count++) {
      share += binomial(draws, count) * below ** count * (1 - below) ** (draws - count);
    }
    mean += (1 - share) * ((sorted[i] ?? 0) - (sorted[i - 1] ?? 0));
  }
  return mean;
}

function binomial(n: number, k: number): number {
  let value = 1;
  for (let i = 0; i < k; i++) value = (value * (n - i)) / (i + 1);
  return value;
}
