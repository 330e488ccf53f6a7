/** Fits an additive model under the noise that the observations speak for. */

import type { Genome, Levels } from '../genome';
import type { AdditiveModel, Observations } from './additive-model';
import { createObservations } from './additive-model';
import type { Expectation } from './basis';
import { createBasis } from './basis';

/** What is expected of a metric before anything is known: mostly a slope per gene, somewhat bent, and products of half its size. */
export const expectation: Expectation = { curve: [1, 0.5, 0.2, 0.1, 0.05], interaction: 0.5 };

/** What a model may miss, in standard deviations of the metric. */
const noises = [0.01, 0.02, 0.05, 0.1, 0.2];

/** The model under the noise with the largest evidence; null without observations. */
export function fitByEvidence(
  observations: Observations,
): { readonly model: AdditiveModel; readonly noise: number } | null {
  let best: { readonly model: AdditiveModel; readonly noise: number } | null = null;
  for (const noise of noises) {
    const model = observations.fit(noise);
    if (model !== null && (best === null || model.logEvidence > best.model.logEvidence)) best = { model, noise };
  }
  return best;
}

/** The model of a list of observations. */
export function fitToEvidence(
  genome: Genome,
  rows: readonly { readonly levels: Levels; readonly value: number }[],
): AdditiveModel | null {
  const observations = createObservations(createBasis(genome, expectation));
  observations.add(
    rows.map(({ levels }) => levels),
    rows.map(({ value }) => value),
  );
  return fitByEvidence(observations)?.model ?? null;
}
