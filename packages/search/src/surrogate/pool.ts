/** Sparsities that a model chooses from: all that are allowed where the space is enumerated, else what an evolution on the model leads to. */

import type { Random } from '@sparsevit/windows';
import type { Enumeration } from '../enumeration';
import type { Levels } from '../genome';
import { keyOf } from '../genome';
import { drawMask, drawSteps, stepMutation, uniformCrossover } from '../operators';
import type { Region } from '../region';
import type { AdditiveEffects } from './basis';
import { sumEffects } from './basis';
import { predictAll } from './predict-all';
import { placesOfSmallest } from './smallest';

/** Allowed sparsities by place. */
export interface Pool {
  readonly size: number;
  levelsAt(place: number): Levels;
  /** A computed quantity at every place. */
  computed(name: string): Float64Array;
  /** A model's prediction at every place. */
  predict(effects: AdditiveEffects): Float64Array;
  /** Places in rising order of a quantity; that of a computed one is kept. */
  order(quantity: { readonly name: string } | undefined, values: Float64Array): Uint32Array;
}

/** Places by rising value, equal ones in their order. */
function orderOf(values: Float64Array): Uint32Array {
  return Uint32Array.from(values.keys()).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0) || a - b);
}

/** Orders by computed quantities, of each enumeration. */
const knownOrders = new WeakMap<Enumeration, Map<string, Uint32Array>>();

/** Everything that is allowed; null where the space is not enumerated. */
export function enumeratedPool(region: Region): Pool | null {
  const all = region.enumeration();
  if (all === null) return null;
  return {
    size: all.places.length,
    levelsAt: (place) => all.levelsAt(all.places[place] ?? 0),
    computed: (name) => all.computed.get(name) ?? new Float64Array(all.places.length),
    predict: (effects) => predictAll(effects, all, region.genome),
    order(quantity, values) {
      if (quantity === undefined || !all.computed.has(quantity.name)) return orderOf(values);
      const orders = knownOrders.get(all) ?? new Map<string, Uint32Array>();
      knownOrders.set(all, orders);
      const order = orders.get(quantity.name) ?? orderOf(values);
      orders.set(quantity.name, order);
      return order;
    },
  };
}

/** A draw of a pool's places. */
export function thinnedPool(pool: Pool, random: Random): Pool {
  const places = Array.from({ length: Math.min(pool.size, thinnedSize) }, () => random.integer(0, pool.size));
  return {
    ...pool,
    size: places.length,
    levelsAt: (place) => pool.levelsAt(places[place] ?? 0),
    computed: (name) => {
      const values = pool.computed(name);
      return Float64Array.from(places, (place) => values[place] ?? 0);
    },
    predict: (effects) => Float64Array.from(places, (place) => sumEffects(effects, pool.levelsAt(place))),
    order: (_, values) => orderOf(values),
  };
}

const thinnedSize = 2000;

/** Uniform draws that an evolution on the model begins with, beside the best so far. */
const poolDraws = 200;
const poolRounds = 4;
const childrenPerRound = 250;
const parentsPerRound = 50;

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
  const add = (levels: Levels): void => void pool.set(keyOf(levels), levels);
  from.forEach(add);
  for (let i = 0; i < poolDraws; i++) add(region.drawUniformly(random));
  for (let round = 0; round < poolRounds; round++) {
    const all = [...pool.values()];
    const best = placesOfSmallest(Float64Array.from(all, score), parentsPerRound, () => false);
    const pick = (): Levels => all[best[random.integer(0, best.length)] ?? 0] ?? [];
    for (let i = 0; i < childrenPerRound; i++) {
      add(region.drawAllowed(() => steppedChild(region, pick, random), random));
    }
  }
  return listPool(region, [...pool.values()]);
}

/** Children of given sparsities, and draws. */
export function childrenPool(region: Region, parents: readonly Levels[], random: Random): Pool {
  const pool = new Map<string, Levels>();
  const add = (levels: Levels): void => void pool.set(keyOf(levels), levels);
  const pick = (): Levels => parents[random.integer(0, parents.length)] ?? [];
  for (let i = 0; i < poolRounds * childrenPerRound; i++)
    add(region.drawAllowed(() => steppedChild(region, pick, random), random));
  for (let i = 0; i < poolDraws; i++) add(region.drawUniformly(random));
  return listPool(region, [...pool.values()]);
}

function steppedChild({ genome }: Region, pick: () => Levels, random: Random): Levels {
  const crossed = uniformCrossover(pick(), pick(), drawMask(genome.genes, 0.5, random))[0];
  return stepMutation(crossed, drawSteps(drawMask(genome.genes, 1 / genome.genes, random), random), genome.levels);
}

function listPool(region: Region, levels: readonly Levels[]): Pool {
  return {
    size: levels.length,
    levelsAt: (place) => levels[place] ?? [],
    computed: (name) => Float64Array.from(levels, (one) => region.problem.compute(name, region.prunedRatios(one))),
    predict: (effects) => Float64Array.from(levels, (one) => sumEffects(effects, one)),
    order: (_, values) => orderOf(values),
  };
}
