/** What a search has to beat: draws without learning, and a look at everything. */

import { ConfigError } from '@sparsevit/windows';
import type { Levels } from '../genome';
import { keyOf } from '../genome';
import type { Region } from '../region';
import type { Strategy } from './strategy';
import { gatherNew } from './strategy';

/** Uniform draws, none twice. */
export interface RandomPreset {
  readonly kind: 'random';
  /** Draws that are asked for at once. */
  readonly generation: number;
}

/** Everything that is allowed, in the order of the space. */
export interface ExhaustivePreset {
  readonly kind: 'exhaustive';
  /** Sparsities that are asked for at once. */
  readonly generation: number;
}

/** Random search. */
export function createRandomSearch({ generation }: RandomPreset): Strategy {
  return {
    propose(proposing) {
      const gathered = gatherNew(proposing);
      while (gathered.levels.length < generation && gathered.addDrawn());
      return gathered.levels;
    },
    learn: () => {},
  };
}

/**
 * Exhaustive enumeration.
 *
 * @throws ConfigError for a space that is too large to be enumerated
 */
export function createExhaustive({ generation }: ExhaustivePreset, region: Region): Strategy {
  if (!region.isEnumerable) {
    throw new ConfigError(
      `search: expected a space small enough to look at all of it, got ${region.genome.size} sparsities. Raise enumerateUpTo, or take another preset.`,
    );
  }
  let next = 0;
  return {
    propose({ isKnown }) {
      const all = region.enumeration();
      const levels: Levels[] = [];
      if (all === null) return levels;
      const at = (place: number): Levels => all.levelsAt(all.places[place] ?? 0);
      while (next < all.places.length && isKnown(keyOf(at(next)))) next++;
      for (let place = next; place < all.places.length && levels.length < generation; place++) {
        const candidate = at(place);
        if (!isKnown(keyOf(candidate))) levels.push(candidate);
      }
      return levels;
    },
    learn: () => {},
  };
}
