/** One additive model for each quantity that is told. */

import type { Genome } from '../genome';
import type { Problem } from '../problem';
import type { Member } from '../strategies/strategy';
import type { AdditiveModel } from './additive-model';
import { createObservations } from './additive-model';
import { createBasis } from './basis';
import { expectation, fitByEvidence } from './fit';

/** Models by the name of what they predict; nothing for a quantity that was never observed. */
export type Models = ReadonlyMap<string, AdditiveModel>;

/** Learns from evaluations. */
export interface ModelLearner {
  /** Complete evaluations are learnt from; those that were before are not again. */
  learn(members: readonly Member[]): void;
  fit(): Models;
}

/** Growth of the observations after which the noise is chosen anew. */
const growth = 1.5;

/** Nothing learnt yet. */
export function createModels(genome: Genome, problem: Problem): ModelLearner {
  const basis = createBasis(genome, expectation);
  const told = problem.told.map((name) => ({ name, observations: createObservations(basis) }));
  const seen = new Set<number>();
  const noises = new Map<string, number>();
  let chosenAt = 0;
  return {
    learn(members) {
      const fresh = members.filter(({ id, isComplete }) => isComplete && !seen.has(id));
      for (const { id } of fresh) seen.add(id);
      const levels = fresh.map((member) => member.levels);
      for (const { name, observations } of told) {
        observations.add(
          levels,
          fresh.map(({ values }) => values[name] ?? 0),
        );
      }
      // here and not where models are fitted: what a search that is resumed learns again has to lead to the same
      if (seen.size < growth * chosenAt || seen.size === 0) return;
      chosenAt = seen.size;
      for (const { name, observations } of told) noises.set(name, fitByEvidence(observations)?.noise ?? 1);
    },
    fit() {
      const models = new Map<string, AdditiveModel>();
      for (const { name, observations } of told) {
        const model = observations.fit(noises.get(name) ?? 1);
        if (model !== null) models.set(name, model);
      }
      return models;
    },
  };
}
