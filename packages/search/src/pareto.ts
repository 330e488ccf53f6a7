/**
 * Which of several sparsities are better when there is more than one objective. Objectives are numbers to make small.
 *
 * Reference: Deb, Pratap, Agarwal, Meyarivan, A fast and elitist multiobjective genetic algorithm: NSGA-II, 2002.
 */

/** Objectives of one member, all to be made small. */
export type Objectives = readonly number[];

/** A member of a population, for ranking. */
export interface Ranked {
  readonly minimized: Objectives;
  /** How far from the bounds; 0 inside. */
  readonly violation: number;
}

/** True when `first` is nowhere worse than `second` and somewhere better. */
export function dominates(first: Objectives, second: Objectives): boolean {
  let isBetter = false;
  for (let i = 0; i < first.length; i++) {
    const a = first[i] ?? Number.NaN;
    const b = second[i] ?? Number.NaN;
    if (a > b) return false;
    if (a < b) isBetter = true;
  }
  return isBetter;
}

/**
 * Fronts of members that do not dominate each other, the best first; inside a front the order of the members stays.
 *
 * @returns fronts of places in `members`
 */
export function sortIntoFronts(members: readonly Objectives[]): number[][] {
  const dominated = members.map((): number[] => []);
  const dominators = new Uint32Array(members.length);
  for (let a = 0; a < members.length; a++) {
    for (let b = a + 1; b < members.length; b++) {
      const first = members[a] ?? [];
      const second = members[b] ?? [];
      const winner = dominates(first, second) ? a : dominates(second, first) ? b : -1;
      if (winner === -1) continue;
      const loser = a + b - winner;
      dominated[winner]?.push(loser);
      dominators[loser] = (dominators[loser] ?? 0) + 1;
    }
  }
  const fronts: number[][] = [];
  let front = [...members.keys()].filter((member) => dominators[member] === 0);
  while (front.length > 0) {
    fronts.push(front);
    const next: number[] = [];
    for (const winner of front) {
      for (const loser of dominated[winner] ?? []) {
        const left = (dominators[loser] ?? 0) - 1;
        dominators[loser] = left;
        if (left === 0) next.push(loser);
      }
    }
    front = next.sort((a, b) => a - b);
  }
  return fronts;
}

/**
 * Crowding distance: the mean over objectives of the gap between a member's neighbours, as a share of the range; infinite at the ends. An
 * objective in which all are equal counts nothing. Of one or two members it is infinite.
 */
export function crowdingDistances(members: readonly Objectives[]): number[] {
  const count = members.length;
  if (count <= 2) return members.map(() => Number.POSITIVE_INFINITY);
  const objectives = members[0]?.length ?? 0;
  const distances = members.map(() => 0);
  for (let objective = 0; objective < objectives; objective++) {
    const valueAt = (member: number | undefined): number => members[member ?? 0]?.[objective] ?? 0;
    const order = [...members.keys()].sort((a, b) => valueAt(a) - valueAt(b));
    const range = valueAt(order[count - 1]) - valueAt(order[0]);
    if (range === 0) continue;
    order.forEach((member, place) => {
      const isEnd = place === 0 || place === count - 1;
      const gap = isEnd ? Number.POSITIVE_INFINITY : valueAt(order[place + 1]) - valueAt(order[place - 1]);
      distances[member] = (distances[member] ?? 0) + gap / range / objectives;
    });
  }
  return distances;
}

/** Members that survive, with their front and crowding distance; those outside the bounds have a front of their own each. */
export interface Survivor {
  /** Place among the members. */
  readonly member: number;
  readonly front: number;
  readonly crowding: number;
}

/**
 * The `count` best: first those inside the bounds, front by front, of the last front those with most room around them; then those outside,
 * the nearest to the bounds first. Equal ones stay in their order.
 */
export function survive(members: readonly Ranked[], count: number): Survivor[] {
  const inside = [...members.keys()].filter((member) => (members[member]?.violation ?? 0) <= 0);
  const fronts = sortIntoFronts(inside.map((member) => members[member]?.minimized ?? []));
  const survivors: Survivor[] = [];
  for (const [front, places] of fronts.entries()) {
    if (survivors.length >= count) break;
    const crowding = crowdingDistances(places.map((place) => members[inside[place] ?? 0]?.minimized ?? []));
    const ranked = places.map((place, i) => ({ member: inside[place] ?? 0, front, crowding: crowding[i] ?? 0 }));
    const room = count - survivors.length;
    if (ranked.length > room) ranked.sort((a, b) => (a.crowding === b.crowding ? 0 : b.crowding - a.crowding));
    survivors.push(...ranked.slice(0, room));
  }
  const violationOf = (member: number): number => members[member]?.violation ?? 0;
  const outside = [...members.keys()].filter((member) => violationOf(member) > 0);
  outside.sort((a, b) => violationOf(a) - violationOf(b));
  outside.slice(0, count - survivors.length).forEach((member, i) => {
    survivors.push({ member, front: fronts.length + i, crowding: 0 });
  });
  return survivors;
}

/**
 * The winner of two: the one nearer to the bounds; inside them the one that dominates, else the one with more room around it.
 *
 * @returns a negative number when `first` wins, a positive one when `second` does, 0 when neither
 */
export function compareInTournament(
  first: Ranked & { readonly crowding: number },
  second: Ranked & { readonly crowding: number },
): number {
  if (first.violation > 0 || second.violation > 0) return Math.sign(first.violation - second.violation);
  if (dominates(first.minimized, second.minimized)) return -1;
  if (dominates(second.minimized, first.minimized)) return 1;
  return first.crowding === second.crowding ? 0 : Math.sign(second.crowding - first.crowding);
}
