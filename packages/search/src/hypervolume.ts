/** How much of the objectives' space a front covers. Objectives are numbers to make small. */

import type { Objectives } from './pareto';

/**
 * The places of the members that no other dominates, the first of equal ones only, in their order. With two objectives it takes a sort, with
 * more it compares each with the front so far.
 */
export function frontOf(members: readonly Objectives[]): number[] {
  const order = [...members.keys()].sort((a, b) => compareObjectives(members[a] ?? [], members[b] ?? []) || a - b);
  const front: number[] = [];
  let least = Number.POSITIVE_INFINITY;
  for (const member of order) {
    const point = members[member] ?? [];
    if (point.length === 2) {
      // in rising order of the first objective only what lowers the second is on the front
      if (!((point[1] ?? 0) < least)) continue;
      least = point[1] ?? 0;
    } else if (front.some((other) => isNowhereWorse(members[other] ?? [], point))) continue;
    front.push(member);
  }
  return front.sort((a, b) => a - b);
}

function compareObjectives(first: Objectives, second: Objectives): number {
  for (let i = 0; i < first.length; i++) {
    const difference = (first[i] ?? 0) - (second[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

const isNowhereWorse = (first: Objectives, second: Objectives): boolean =>
  first.every((value, i) => value <= (second[i] ?? Number.NaN));

/**
 * The volume that the members dominate below a reference point, exactly: slices along the last objective. Members that are not below the
 * reference in all objectives count nothing.
 *
 * Reference: Zitzler, Thiele, Multiobjective optimization using evolutionary algorithms, 1998.
 *
 * @example
 * hypervolume([[1, 2], [2, 1]], [3, 3]); // 3
 */
export function hypervolume(members: readonly Objectives[], reference: Objectives): number {
  const inside = members.filter((point) => point.every((value, i) => value < (reference[i] ?? Number.NaN)));
  const last = reference.length - 1;
  if (inside.length === 0 || last < 0) return 0;
  if (last === 0) {
    return (
      (reference[0] ?? 0) - inside.reduce((least, point) => Math.min(least, point[0] ?? 0), Number.POSITIVE_INFINITY)
    );
  }
  const front = frontOf(inside).map((place) => inside[place] ?? []);
  front.sort((a, b) => (a[last] ?? 0) - (b[last] ?? 0));
  let volume = 0;
  let widest = Number.POSITIVE_INFINITY;
  for (const [i, point] of front.entries()) {
    const height = (front[i + 1]?.[last] ?? reference[last] ?? 0) - (point[last] ?? 0);
    if (last === 1) {
      widest = Math.min(widest, point[0] ?? 0);
      volume += height * ((reference[0] ?? 0) - widest);
    } else if (height > 0) {
      const slice = front.slice(0, i + 1).map((below) => below.slice(0, last));
      volume += height * hypervolume(slice, reference.slice(0, last));
    }
  }
  return volume;
}
