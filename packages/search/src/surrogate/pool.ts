/** Sparsities that a model chooses from, and what it predicts for them: all that are allowed, where the space is enumerated. */

import type { Levels } from '../genome';
import type { Region } from '../region';
import type { AdditiveEffects } from './basis';
import type { Order } from './order';
import { orderOf } from './order';
import { predictAll } from './predict-all';
import { rowsOf } from './rows';

/** Allowed sparsities by place. */
export interface Pool {
  readonly size: number;
  levelsAt(place: number): Levels;
  /** A computed quantity at every place, times a sign. Not to be changed. */
  computed(name: string, sign: 1 | -1): Float64Array;
  /** A model's prediction at every place; it stays until the slot is used again. */
  predict(effects: AdditiveEffects, slot: number): Float64Array;
  /** The order of values; that of a computed quantity is kept. */
  order(values: Float64Array): Order;
}

/** Everything that is allowed; null where the space is not enumerated. It keeps what it was asked for. */
export function enumeratedPool(region: Region): Pool | null {
  const all = region.enumeration();
  if (all === null) return null;
  const rows = rowsOf(all, region.genome);
  const size = rows.places.length;
  // the computed quantities stand in the order of the space
  const inSpace = new Int32Array(size === 0 ? 0 : (all.places.at(-1) ?? 0) + 1);
  for (const [at, place] of all.places.entries()) inSpace[place] = at;
  const computed = new Map<string, Float64Array>();
  const orders = new Map<Float64Array, Order>();
  const slots = new Map<number, Float64Array>();
  return {
    size,
    levelsAt: (place) => all.levelsAt(rows.places[place] ?? 0),
    computed(name, sign) {
      const key = `${sign} ${name}`;
      const known = computed.get(key);
      if (known !== undefined) return known;
      const column = all.computed.get(name);
      const values = Float64Array.from(rows.places, (place) => sign * (column?.[inSpace[place] ?? 0] ?? 0));
      computed.set(key, values);
      return values;
    },
    predict(effects, slot) {
      const into = slots.get(slot) ?? new Float64Array(size);
      slots.set(slot, into);
      return predictAll(effects, rows, region.genome, into);
    },
    order(values) {
      const isKept = [...computed.values()].includes(values);
      const order = orders.get(values) ?? orderOf(values);
      if (isKept) orders.set(values, order);
      return order;
    },
  };
}
