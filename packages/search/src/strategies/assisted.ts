/**
 * Evolution with a model beside it: an additive model of what is told, fitted to the evaluations so far, proposes a part of each generation;
 * the rest is evolution, which finds what the model misses. The model only proposes: what is said of a sparsity was evaluated.
 */

import type { Problem } from '../problem';
import type { Region } from '../region';
import { createModels } from '../surrogate/models';
import type { Pool } from '../surrogate/pool';
import { enumeratedPool } from '../surrogate/pool';
import { proposeBest } from '../surrogate/propose-best';
import { proposeFront } from '../surrogate/propose-front';
import { addTried } from './evolution';
import type { Parent } from './nsga2';
import { child, survivorsOf } from './nsga2';
import type { Strategy } from './strategy';
import { gatherNew } from './strategy';

/** Numbers of the assisted search. */
export interface AssistedPreset {
  readonly kind: 'assisted';
  /** Uniform draws of the first generation. */
  readonly first: number;
  /** Members of every later generation. */
  readonly generation: number;
  /** Members of a generation that the model proposes; the rest are children of the best so far. */
  readonly proposed: number;
  /** The best so far that children come from. */
  readonly parents: number;
}

/** Tries per child; a repeat does not count. */
const triesPerChild = 4;

/** An assisted search with these numbers. */
export function createAssisted(preset: AssistedPreset, problem: Problem, region: Region): Strategy {
  const models = createModels(region.genome, problem);
  const numbers = { crossoverProbability: 0.9, mutationProbability: 1 / region.genome.genes };
  const propose = problem.objectives.length === 1 ? proposeBest : proposeFront;
  let parents: readonly Parent[] = [];
  let all: Pool | null | undefined;
  return {
    propose(proposing) {
      const { random } = proposing;
      const gathered = gatherNew(proposing);
      const wanted = parents.length === 0 ? preset.first : preset.generation;
      if (parents.length > 0) {
        const evolved = Math.max(0, wanted - preset.proposed);
        all ??= enumeratedPool(region);
        propose({ models: models.fit(), parents, all, gathered, count: wanted - evolved, region, random });
        const draw = (): readonly number[] => region.drawAllowed(() => child(parents, numbers, proposing), random);
        addTried(gathered, draw, wanted, triesPerChild * evolved);
      }
      while (gathered.levels.length < wanted && gathered.addDrawn());
      return gathered.levels;
    },
    learn(members) {
      models.learn(members);
      parents = survivorsOf([...parents, ...members], preset.parents);
    },
  };
}
