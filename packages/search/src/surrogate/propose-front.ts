/** What models propose when there are several objectives: what would add most to the front, if they are right. */

import { frontOf } from '../hypervolume';
import type { Objectives } from '../pareto';
import { crowdingDistances } from '../pareto';
import { violationOf } from '../problem';
import type { Region } from '../region';
import type { AdditiveEffects } from './basis';
import { gainsMost } from './gain';
import type { Pool } from './pool';
import { childrenPool, enumeratedPool, thinnedPool } from './pool';
import type { ModelProposal } from './propose-best';

/** Predicted front members that are looked at more closely. */
const mostConsidered = 256;

/** Adds `count` proposals, as far as there are new ones: half by the models, half by models drawn from those that the evaluations leave possible. */
export function proposeFront(proposal: ModelProposal): void {
  const { models, count, gathered, random } = proposal;
  if (count === 0) return;
  const pool = poolOf(proposal);
  const wanted = gathered.levels.length + count;
  const expected: ReadonlyMap<string, AdditiveEffects> = models;
  addFront(proposal, pool, expected, gathered.levels.length + Math.ceil(count / 2));
  const drawn = new Map([...models].map(([name, model]) => [name, model.draw(random)]));
  addFront(proposal, pool, drawn, wanted);
}

function poolOf({ region, parents, random }: ModelProposal): Pool {
  const all = enumeratedPool(region);
  if (all === null)
    return childrenPool(
      region,
      parents.map(({ levels }) => levels),
      random,
    );
  return region.problem.objectives.length === 2 ? all : thinnedPool(all, random);
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
  return problem.objectives.map(({ name, direction }) => {
    const model = models.get(name);
    const values = model === undefined ? pool.computed(name) : pool.predict(model);
    return direction === 'minimize' ? values : values.map((value) => -value);
  });
}

/** Whether a told bound is expected to be broken. */
function outsideOf(
  pool: Pool,
  { problem }: Region,
  models: ReadonlyMap<string, AdditiveEffects>,
): (place: number) => boolean {
  const bounded = problem.constraints.flatMap((constraint) => {
    const model = models.get(constraint.name);
    return model === undefined ? [] : [{ constraint, values: pool.predict(model) }];
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
  const computed = problem.objectives.findIndex(({ name }) => problem.computed.includes(name));
  const along = Math.max(0, computed);
  const first = axes[along] ?? new Float64Array(0);
  const second = axes[1 - along] ?? new Float64Array(0);
  const order = pool.order(problem.objectives[along], first);
  const front: number[] = [];
  let least = Number.POSITIVE_INFINITY;
  for (const place of order) {
    const value = second[place] ?? Number.NaN;
    if (!(value < least) || !isNew(place)) continue;
    least = value;
    front.push(place);
  }
  return front;
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
