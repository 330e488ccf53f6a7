/** A search without a model: a metric that falls with every pruned window, with noise that the candidate's seed fixes. */

import type { EvaluationSubject } from '@sparsevit/config';
import type { Candidate, Search } from '@sparsevit/search';
import { createSearch } from '@sparsevit/search';
import { createRandom, publishedChoices } from '@sparsevit/windows';

export const evaluations = 60;

export const subject: EvaluationSubject = {
  format: 'sparsevit-evaluation-subject',
  version: 1,
  files: { weights: { path: 'adapted.safetensors', sha256: 'a'.repeat(64) } },
  settings: { task: { kind: 'semantic' } },
};

export function accuracyOf({ prunedRatios, seed }: Pick<Candidate, 'prunedRatios' | 'seed'>): number {
  const loss = prunedRatios.flatMap((ratios, stage) => ratios.map((ratio) => (4 - stage) * ratio ** 2));
  return 80 - loss.reduce((sum, part) => sum + part, 0) + 0.01 * createRandom(seed).normal();
}

export function syntheticSearch(): Search {
  return createSearch({
    space: { pairsPerStage: [1, 1, 3, 1], choices: publishedChoices },
    objectives: [{ name: 'accuracy', direction: 'maximize' }],
    preset: 'small',
    seed: 11,
    maxEvaluations: evaluations,
    attempts: 1,
  });
}
