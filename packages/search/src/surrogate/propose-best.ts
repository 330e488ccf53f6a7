/** What models propose when there is one objective: what they expect to be best, and what may be best for all they know. */

import type { Random } from '@sparsevit/windows';
import { violationOf } from '../problem';
import type { Region } from '../region';
import type { Parent } from '../strategies/nsga2';
import type { NewLevels } from '../strategies/strategy';
import type { AdditiveEffects } from './basis';
import { sumEffects } from './basis';
import type { Models } from './models';
import type { Pool } from './pool';
import { enumeratedPool, evolvedPool } from './pool';
import { placesOfSmallest } from './smallest';

/** What a proposal is made from. */
export interface ModelProposal {
  readonly models: Models;
  readonly parents: readonly Parent[];
  /** What is proposed is added here. */
  readonly gathered: NewLevels;
  readonly count: number;
  readonly region: Region;
  readonly random: Random;
}

/** Sparsities among which proposals are chosen. */
const shortlistSize = 256;
/** How much worse than the spread of the objective a broken told bound counts. */
const penalty = 10;

/** Adds `count` proposals, as far as there are new ones. */
export function proposeBest(proposal: ModelProposal): void {
  const { models, gathered, count, region, random } = proposal;
  const objective = region.problem.objectives[0];
  if (objective === undefined || count === 0) return;
  const model = models.get(objective.name);
  const pool = poolOf(proposal);
  const scores = scoresOf(pool, region, models);
  const places = placesOfSmallest(scores, shortlistSize, () => false);
  const shortlist = places.map((place) => ({ levels: pool.levelsAt(place), score: scores[place] ?? 0 }));
  const wanted = gathered.levels.length + count;
  const greedy = gathered.levels.length + (model === undefined ? count : Math.ceil(count / 2));
  for (const { levels } of shortlist) {
    if (gathered.levels.length >= greedy) break;
    gathered.add(levels);
  }
  if (model === undefined) return;
  const sign = objective.direction === 'maximize' ? -1 : 1;
  for (let tries = 0; tries < 2 * count && gathered.levels.length < wanted; tries++) {
    const drawn = model.draw(random);
    const ranked = shortlist
      .map(({ levels, score }) => ({
        levels,
        score: score + sign * (sumEffects(drawn, levels) - model.predict(levels)),
      }))
      .sort((a, b) => a.score - b.score);
    for (const { levels } of ranked) if (gathered.add(levels)) break;
  }
}

function poolOf({ models, parents, region, random }: ModelProposal): Pool {
  const enumerated = enumeratedPool(region);
  if (enumerated !== null) return enumerated;
  const { problem } = region;
  const score = (levels: readonly number[]): number => {
    const prunedRatios = region.prunedRatios(levels);
    const valueAt = (name: string): number =>
      problem.computed.includes(name) ? problem.compute(name, prunedRatios) : (models.get(name)?.predict(levels) ?? 0);
    const values = Object.fromEntries([...problem.told, ...problem.computed].map((name) => [name, valueAt(name)]));
    return (problem.minimized(values)[0] ?? 0) + penalty * problem.violation(values);
  };
  return evolvedPool(
    region,
    parents.map(({ levels }) => levels),
    score,
    random,
  );
}

/** The first objective to be made small, with a penalty for told bounds that are expected to be broken. */
function scoresOf(pool: Pool, { problem }: Region, models: Models): Float64Array {
  const valuesOf = (name: string): Float64Array => {
    const model: AdditiveEffects | undefined = models.get(name);
    if (model !== undefined) return pool.predict(model);
    return problem.computed.includes(name) ? pool.computed(name) : new Float64Array(pool.size);
  };
  const objective = problem.objectives[0];
  const scores = Float64Array.from(valuesOf(objective?.name ?? ''));
  if (objective?.direction === 'maximize') for (let i = 0; i < scores.length; i++) scores[i] = -(scores[i] ?? 0);
  const bounded = problem.constraints.filter(({ name }) => problem.told.includes(name));
  if (bounded.length === 0) return scores;
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  for (const score of scores) [least, greatest] = [Math.min(least, score), Math.max(greatest, score)];
  for (const constraint of bounded) {
    const values = valuesOf(constraint.name);
    for (let i = 0; i < scores.length; i++) {
      scores[i] = (scores[i] ?? 0) + penalty * (greatest - least || 1) * violationOf(constraint, values[i] ?? 0);
    }
  }
  return scores;
}
