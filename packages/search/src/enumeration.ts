/** Every sparsity that the computed constraints allow, by its place in the space: exact where the space is small enough to look at all of it. */

import type { SparsitySpace } from '@sparsevit/windows';
import { everySparsity } from '@sparsevit/windows';
import type { Genome, Levels } from './genome';
import { levelsOfDrawn } from './genome';
import type { Problem } from './problem';
import { violationOf } from './problem';

/** The allowed part of a space. */
export interface Enumeration {
  /** Places in the space of what is allowed, rising. */
  readonly places: Int32Array;
  /** Computed quantities of what is allowed, in the order of `places`. */
  readonly computed: ReadonlyMap<string, Float64Array>;
  /** Stage -> genes of its sparsities, in the order in which places count them. */
  readonly stageLists: readonly (readonly Levels[])[];
  /** The genes of a place. */
  levelsAt(place: number): number[];
}

/**
 * Looks at every sparsity of the space once.
 *
 * @param genome of a space with fewer than 2^31 sparsities
 */
export function enumerate(genome: Genome, problem: Problem): Enumeration {
  const { space, size } = genome;
  const places = new Int32Array(size);
  const columns = problem.computed.map((name) => ({
    name,
    values: new Float64Array(size),
    constraint: problem.constraints.find((constraint) => constraint.name === name),
  }));
  let place = 0;
  let kept = 0;
  for (const prunedRatios of everySparsity(space)) {
    let isAllowed = true;
    for (const { name, values, constraint } of columns) {
      const value = problem.compute(name, prunedRatios);
      if (constraint !== undefined && violationOf(constraint, value) > 0) {
        isAllowed = false;
        break;
      }
      values[kept] = value;
    }
    if (isAllowed) places[kept++] = place;
    place++;
  }
  const stageLists = space.pairsPerStage.map((pairs) =>
    listsOf(genome, { pairsPerStage: [pairs], choices: space.choices }),
  );
  const allowed = places.slice(0, kept);
  return {
    places: allowed,
    computed: new Map(columns.map(({ name, values }) => [name, values.slice(0, kept)])),
    stageLists,
    levelsAt(at) {
      let left = at;
      const levels: number[] = [];
      for (let stage = stageLists.length - 1; stage >= 0; stage--) {
        const lists = stageLists[stage] ?? [];
        levels.unshift(...(lists[left % lists.length] ?? []));
        left = Math.floor(left / lists.length);
      }
      return levels;
    },
  };
}

/** The genes of a space of one stage, in its order. */
function listsOf(genome: Genome, space: SparsitySpace): Levels[] {
  return Array.from(everySparsity(space), (prunedRatios) => levelsOfDrawn(genome, prunedRatios));
}
