/** Sparsities that a model chooses from, and what it predicts for them: all that are allowed, where the space is enumerated. */

import type { Levels } from '../genome';
import type { Region } from '../region';
import type { AdditiveEffects } from './basis';
import { predictAll } from './predict-all';

/** Allowed sparsities by place. */
export interface Pool {
  readonly size: number;
  levelsAt(place: number): Levels;
  /** A computed quantity at every place, times a sign. Not to be changed. */
  computed(name: string, sign: 1 | -1): Float64Array;
  /** A model's prediction at every place; it stays until the slot is used again. */
  predict(effects: AdditiveEffects, slot: number): Float64Array;
  /** Places by rising value, equal ones in their order. */
  order(values: Float64Array): Uint32Array;
}

/** Places by rising value, equal ones in their order. */
export function orderOf(values: Float64Array): Uint32Array {
  return Uint32Array.from(values.keys()).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0) || a - b);
}

/** Everything that is allowed; null where the space is not enumerated. It keeps what it was asked for. */
export function enumeratedPool(region: Region): Pool | null {
  const all = region.enumeration();
  if (all === null) return null;
  const size = all.places.length;
  const computed = new Map<string, Float64Array>();
  const orders = new Map<Float64Array, Uint32Array>();
  const slots = new Map<number, Float64Array>();
  return {
    size,
    levelsAt: (place) => all.levelsAt(all.places[place] ?? 0),
    computed(name, sign) {
      const key = `${sign} ${name}`;
      const values =
        computed.get(key) ?? (all.computed.get(name) ?? new Float64Array(size)).map((value) => sign * value);
      computed.set(key, values);
      return values;
    },
    predict(effects, slot) {
      const into = slots.get(slot) ?? new Float64Array(size);
      slots.set(slot, into);
      return predictAll(effects, all, region.genome, into);
    },
    order(values) {
      const isKept = [...computed.values()].includes(values);
      const order = orders.get(values) ?? orderOf(values);
      if (isKept) orders.set(values, order);
      return order;
    },
  };
}
