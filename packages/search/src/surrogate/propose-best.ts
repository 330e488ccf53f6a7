/** What models propose when there is one objective: what they expect to be best, and what may be best for all they know. */

import type { Random } from '@sparsevit/windows';
import type { Levels } from '../genome';
import { violationOf } from '../problem';
import type { Region } from '../region';
import type { Parent } from '../strategies/nsga2';
import type { NewLevels } from '../strategies/strategy';
import { negate } from './basis';
import { evolvedPool } from './drawn-pool';
import type { Models } from './models';
import type { Pool } from './pool';
import { placesOfSmallest } from './smallest';

/** What a proposal is made from. */
export interface ModelProposal {
  readonly models: Models;
  readonly parents: readonly Parent[];
  /** Everything that is allowed; null where the space is not enumerated. */
  readonly all: Pool | null;
  /** What is proposed is added here. */
  readonly gathered: NewLevels;
  readonly count: number;
  readonly region: Region;
  readonly random: Random;
}

/** Sparsities among which proposals are chosen. */
const shortlistSize = 96;
/** How much worse than the spread of the objective a broken told bound counts. */
const penalty = 10;

/** Adds `count` proposals, as far as there are new ones. */
export function proposeBest(proposal: ModelProposal): void {
  const { models, gathered, count, region, random } = proposal;
  const objective = region.problem.objectives[0];
  if (objective === undefined || count === 0) return;
  const pool = proposal.all ?? poolOf(proposal);
  const scores = scoresOf(pool, region, models);
  // those that are known are among the best: as many more are looked at
  const places = placesOfSmallest(scores, shortlistSize + proposal.parents.length);
  const shortlist = places
    .map((place) => ({ levels: pool.levelsAt(place), score: scores[place] ?? 0 }))
    .filter(({ levels }) => gathered.isNew(levels))
    .slice(0, shortlistSize);
  const model = models.get(objective.name);
  const wanted = gathered.levels.length + count;
  const expected = gathered.levels.length + (model === undefined ? count : Math.ceil(count / 2));
  for (const { levels } of shortlist) {
    if (gathered.levels.length >= expected) break;
    gathered.add(levels);
  }
  if (model === undefined) return;
  const sign = objective.direction === 'maximize' ? -1 : 1;
  const features = model.features(shortlist.map(({ levels }) => levels));
  const own = Float64Array.from(shortlist, ({ levels, score }) =>
    gathered.isNew(levels) ? score : Number.POSITIVE_INFINITY,
  );
  for (let left = wanted - gathered.levels.length; left > 0; left--) {
    const differences = model.drawDifferences(features, random);
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < own.length; i++) {
      const total = (own[i] ?? 0) + sign * (differences[i] ?? 0);
      if (total < least) [best, least] = [i, total];
    }
    const chosen = shortlist[best];
    if (chosen === undefined) return; // none is left
    gathered.add(chosen.levels);
    own[best] = Number.POSITIVE_INFINITY;
  }
}

function poolOf({ models, parents, region, random }: ModelProposal): Pool {
  const { problem } = region;
  const score = (levels: Levels): number => {
    const prunedRatios = region.prunedRatios(levels);
    const valueAt = (name: string): number =>
      problem.computed.includes(name) ? problem.compute(name, prunedRatios) : (models.get(name)?.predict(levels) ?? 0);
    const values = Object.fromEntries([...problem.told, ...problem.computed].map((name) => [name, valueAt(name)]));
    return (problem.minimized(values)[0] ?? 0) + penalty * problem.violation(values);
  };
  const from = parents.map(({ levels }) => levels);
  return evolvedPool(region, from, score, random);
}

/** The first objective to be made small, with a penalty for told bounds that are expected to be broken. */
function scoresOf(pool: Pool, { problem }: Region, models: Models): Float64Array {
  const objective = problem.objectives[0];
  const name = objective?.name ?? '';
  const sign = objective?.direction === 'maximize' ? -1 : 1;
  const model = models.get(name);
  const scores =
    model === undefined ? pool.computed(name, sign).slice() : pool.predict(sign === 1 ? model : negate(model), 0);
  const bounded = problem.constraints.filter((constraint) => problem.told.includes(constraint.name));
  if (bounded.length === 0) return scores;
  const spread = spreadOf(scores);
  for (const constraint of bounded) {
    const bound = models.get(constraint.name);
    if (bound === undefined) continue;
    const values = pool.predict(bound, 1);
    for (let i = 0; i < scores.length; i++) {
      scores[i] = (scores[i] ?? 0) + penalty * spread * violationOf(constraint, values[i] ?? 0);
    }
  }
  return scores;
}

function spreadOf(scores: Float64Array): number {
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  for (const score of scores) {
    if (score < least) least = score;
    if (score > greatest) greatest = score;
  }
  return greatest - least || 1;
}
