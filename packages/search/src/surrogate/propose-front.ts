/** What models propose when there are several objectives: what would add most to the front, if they are right. */

import { frontOf } from '../hypervolume';
import type { Objectives } from '../pareto';
import { crowdingDistances } from '../pareto';
import { violationOf } from '../problem';
import type { Region } from '../region';
import type { AdditiveEffects } from './basis';
import { negate } from './basis';
import { childrenPool, thinnedPool } from './drawn-pool';
import { gainsMost } from './gain';
import { lowering } from './order';
import type { Pool } from './pool';

import type { ModelProposal } from './propose-best';

/** Predicted front members that are looked at more closely. */
const mostConsidered = 128;

/** Adds `count` proposals, as far as there are new ones: by the models, or, every other time, by models drawn from those that the evaluations leave possible. */
export function proposeFront(proposal: ModelProposal): void {
  const { models, count, gathered, random } = proposal;
  if (count === 0) return;
  const isDrawn = random.integer(0, 2) === 1;
  const taken = isDrawn ? new Map([...models].map(([name, model]) => [name, model.draw(random)])) : models;
  addFront(proposal, poolOf(proposal), taken, gathered.levels.length + count);
}

function poolOf({ all, region, parents, random }: ModelProposal): Pool {
  const from = parents.map(({ levels }) => levels);
  if (all === null) return childrenPool(region, from, random);
  return region.problem.objectives.length === 2 ? all : thinnedPool(region, all, random);
}

function addFront(
  { gathered, parents, region }: ModelProposal,
  pool: Pool,
  models: ReadonlyMap<string, AdditiveEffects>,
  wanted: number,
): void {
  const axes = axesOf(pool, region, models);
  const isOut = outsideOf(pool, region, models);
  const pointOf = (place: number): Objectives => axes.map((axis) => axis[place] ?? Number.NaN);
  const isNew = (place: number): boolean => !isOut(place) && gathered.isNew(pool.levelsAt(place));
  const found = axes.length === 2 ? sweep(pool, axes, region, isNew) : frontAmong(pool.size, pointOf, isNew);
  const reached = parents.filter(({ violation }) => violation <= 0).map(({ minimized }) => minimized);
  const candidates = thin(found, mostConsidered).map((place) => ({ place, point: pointOf(place) }));
  if (axes.length === 2) {
    const room = Math.max(0, wanted - gathered.levels.length);
    for (const { place } of gainsMost(reached, candidates, room)) gathered.add(pool.levelsAt(place));
    return;
  }
  const crowding = crowdingDistances(candidates.map(({ point }) => point));
  const order = [...candidates.keys()].sort((a, b) =>
    crowding[a] === crowding[b] ? a - b : (crowding[b] ?? 0) - (crowding[a] ?? 0),
  );
  for (const at of order) {
    if (gathered.levels.length >= wanted) break;
    gathered.add(pool.levelsAt(candidates[at]?.place ?? 0));
  }
}

/** The objectives to be made small, at every place. */
function axesOf(pool: Pool, { problem }: Region, models: ReadonlyMap<string, AdditiveEffects>): Float64Array[] {
  return problem.objectives.map(({ name, direction }, axis) => {
    const sign = direction === 'maximize' ? -1 : 1;
    const model = models.get(name);
    if (model === undefined) return pool.computed(name, sign);
    return pool.predict(sign === 1 ? model : negate(model), axis);
  });
}

/** Whether a told bound is expected to be broken. */
function outsideOf(
  pool: Pool,
  { problem }: Region,
  models: ReadonlyMap<string, AdditiveEffects>,
): (place: number) => boolean {
  const bounded = problem.constraints.flatMap((constraint, i) => {
    const model = models.get(constraint.name);
    return model === undefined ? [] : [{ constraint, values: pool.predict(model, problem.objectives.length + i) }];
  });
  return (place) => bounded.some(({ constraint, values }) => violationOf(constraint, values[place] ?? 0) > 0);
}

/** The front of what is new, with two axes: in rising order of one of them, what lowers the other. */
function sweep(
  pool: Pool,
  axes: readonly Float64Array[],
  { problem }: Region,
  isNew: (place: number) => boolean,
): number[] {
  // along a computed axis, whose order stays
  const along = Math.max(
    0,
    problem.objectives.findIndex(({ name }) => problem.computed.includes(name)),
  );
  const none = new Float64Array(0);
  return lowering(pool.order(axes[along] ?? none), axes[1 - along] ?? none, isNew);
}

function frontAmong(size: number, pointOf: (place: number) => Objectives, isNew: (place: number) => boolean): number[] {
  const places = Array.from({ length: size }, (_, place) => place).filter(isNew);
  return frontOf(places.map(pointOf)).map((at) => places[at] ?? 0);
}

/** At most `most` of a list, evenly. */
function thin<Item>(list: readonly Item[], most: number): readonly Item[] {
  if (list.length <= most) return list;
  return Array.from({ length: most }, (_, i) => list[Math.floor((i * list.length) / most)] as Item);
}
