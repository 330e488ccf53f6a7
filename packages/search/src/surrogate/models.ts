/** One additive model for each quantity that is told. */

import type { Genome } from '../genome';
import type { Problem } from '../problem';
import type { Member } from '../strategies/strategy';
import type { AdditiveModel, Observations } from './additive-model';
import { createObservations } from './additive-model';
import { createBasis } from './basis';
import { expectation, fitByEvidence } from './fit';

/** Models by the name of what they predict; nothing for a quantity that was never observed. */
export type Models = ReadonlyMap<string, AdditiveModel>;

/** Learns from evaluations. */
export interface ModelLearner {
  /** Complete evaluations are learnt from, each once. */
  learn(members: readonly Member[]): void;
  fit(): Models;
}

/** Growth of the observations after which the noise is chosen anew. */
const growth = 1.25;

/** Nothing learnt yet. */
export function createModels(genome: Genome, problem: Problem): ModelLearner {
  const basis = createBasis(genome, expectation);
  const told = problem.told.map((name) => ({ name, observations: createObservations(basis), noise: 0, chosenAt: 0 }));
  const seen = new Set<number>();
  const fitOne = (one: { observations: Observations; noise: number; chosenAt: number }): AdditiveModel | null => {
    const count = one.observations.count();
    if (count < growth * one.chosenAt) return one.observations.fit(one.noise);
    const chosen = fitByEvidence(one.observations);
    if (chosen === null) return null;
    one.noise = chosen.noise;
    one.chosenAt = count;
    return chosen.model;
  };
  return {
    learn(members) {
      for (const { id, isComplete, levels, values } of members) {
        if (!isComplete || seen.has(id)) continue;
        seen.add(id);
        for (const { name, observations } of told) observations.add(levels, values[name] ?? 0);
      }
    },
    fit() {
      const models = new Map<string, AdditiveModel>();
      for (const one of told) {
        const model = fitOne(one);
        if (model !== null) models.set(one.name, model);
      }
      return models;
    },
  };
}
