/** Pools of draws: for spaces that are too large to be enumerated, and for more than two objectives. */

import type { Random } from '@sparsevit/windows';
import type { Levels } from '../genome';
import { keyOf } from '../genome';
import { drawMask, drawSteps, stepMutation, takeWhere } from '../operators';
import type { Region } from '../region';
import { sumEffects } from './basis';
import { orderOf } from './order';
import type { Pool } from './pool';
import { placesOfSmallest } from './smallest';

const uniformDraws = 200;
const rounds = 4;
const childrenPerRound = 250;
const parentsPerRound = 50;
const thinnedSize = 2000;

/**
 * What an evolution on a score leads to: draws, the given ones, and children of those that score best.
 *
 * @param score to be made small
 */
export function evolvedPool(
  region: Region,
  from: readonly Levels[],
  score: (levels: Levels) => number,
  random: Random,
): Pool {
  const pool = new Map<string, Levels>();
  const scores: number[] = [];
  const add = (levels: Levels): void => {
    const key = keyOf(levels);
    if (pool.has(key)) return;
    pool.set(key, levels);
    scores.push(score(levels));
  };
  from.forEach(add);
  for (let i = 0; i < uniformDraws; i++) add(region.drawUniformly(random));
  for (let round = 0; round < rounds; round++) {
    const all = [...pool.values()];
    const best = placesOfSmallest(Float64Array.from(scores), parentsPerRound);
    const pick = (): Levels => all[best[random.integer(0, best.length)] ?? 0] ?? [];
    for (let i = 0; i < childrenPerRound; i++) add(drawChild(region, pick, random));
  }
  return listPool(region, [...pool.values()]);
}

/** Children of given sparsities, and draws. */
export function childrenPool(region: Region, parents: readonly Levels[], random: Random): Pool {
  const pool = new Map<string, Levels>();
  const add = (levels: Levels): void => void pool.set(keyOf(levels), levels);
  const pick = (): Levels => parents[random.integer(0, parents.length)] ?? [];
  for (let i = 0; i < rounds * childrenPerRound; i++) add(drawChild(region, pick, random));
  for (let i = 0; i < uniformDraws; i++) add(region.drawUniformly(random));
  return listPool(region, [...pool.values()]);
}

/** A draw of another pool's places. */
export function thinnedPool(region: Region, pool: Pool, random: Random): Pool {
  const count = Math.min(pool.size, thinnedSize);
  return listPool(
    region,
    Array.from({ length: count }, () => pool.levelsAt(random.integer(0, pool.size))),
  );
}

function drawChild(region: Region, pick: () => Levels, random: Random): Levels {
  const { genes, levels } = region.genome;
  const draw = (): Levels => {
    const crossed = takeWhere(pick(), pick(), drawMask(genes, 0.5, random));
    return stepMutation(crossed, drawSteps(drawMask(genes, 1 / genes, random), random), levels);
  };
  return region.drawAllowed(draw, random);
}

function listPool(region: Region, levels: readonly Levels[]): Pool {
  return {
    size: levels.length,
    levelsAt: (place) => levels[place] ?? [],
    computed: (name, sign) =>
      Float64Array.from(levels, (one) => sign * region.problem.compute(name, region.prunedRatios(one))),
    predict: (effects) => Float64Array.from(levels, (one) => sumEffects(effects, one)),
    order: orderOf,
  };
}
