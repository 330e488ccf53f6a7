import { describe, expect, test } from 'vitest';
import { frontOf, hypervolume } from '../src/hypervolume';
import { uniformCrossover } from '../src/operators';
import type { Ranked } from '../src/pareto';
import { compareInTournament, crowdingDistances, dominates, sortIntoFronts, survive } from '../src/pareto';
import cases from './fixtures/pymoo-cases.json';
import { drawPoints, seeds } from './problems';

/** pymoo's numbers are printed in full: what is left is the order of sums. */
const sameSum = 12;

const infinite = (distance: number | null): number => distance ?? Number.POSITIVE_INFINITY;

const rankedOf = (members: readonly (readonly number[])[], violations: readonly number[]): Ranked[] =>
  members.map((minimized, i) => ({ minimized, violation: violations[i] ?? 0 }));

describe('as in pymoo', () => {
  test.each(cases.sorting)('fronts, case %#', ({ members, fronts }) => {
    expect(sortIntoFronts(members)).toEqual(fronts);
  });

  test.each(cases.crowding)('crowding distances, case %#', ({ members, distances }) => {
    const actual = crowdingDistances(members);
    expect(actual).toHaveLength(distances.length);
    for (const [i, distance] of actual.entries()) expect(distance).toBeCloseTo(infinite(distances[i] ?? null), sameSum);
  });

  test.each(cases.survival)('survivors, case %#', ({ members, violations, count, survivors }) => {
    const actual = survive(rankedOf(members, violations), count);
    expect(actual.map(({ member }) => member).sort((a, b) => a - b)).toEqual(survivors);
  });

  test.each(cases.tournaments)('tournaments, case %#', ({ members, violations, crowding, pairs, winners }) => {
    const ranked = rankedOf(members, violations).map((one, i) => ({ ...one, crowding: infinite(crowding[i] ?? null) }));
    for (const [i, [a, b]] of pairs.entries()) {
      const [first, second] = [ranked[a ?? 0], ranked[b ?? 0]];
      if (first === undefined || second === undefined) throw new Error('expected pairs of members');
      const order = compareInTournament(first, second);
      expect(order === 0 ? null : order < 0 ? a : b).toBe(winners[i]);
    }
  });

  test.each(cases.crossover)('uniform crossover, case %#', ({ first, second, mask, children }) => {
    for (const [i, own] of first.entries()) {
      const [one, other] = uniformCrossover(own, second[i] ?? [], mask[i] ?? []);
      expect(one).toEqual(children[0]?.[i]);
      expect(other).toEqual(children[1]?.[i]);
    }
  });

  test.each(cases.hypervolume)('hypervolume, case %#', ({ members, reference, hypervolume: expected }) => {
    expect(hypervolume(members, reference)).toBeCloseTo(expected, sameSum);
  });
});

describe('against brute force', () => {
  test.each(seeds(20))('the first front, its place and the volume, seed %i', (seed) => {
    const objectives = 2 + (seed % 3);
    const points = drawPoints(seed, 40, objectives, 5);
    const isFront = (point: readonly number[]): boolean => !points.some((other) => dominates(other, point));
    const front = frontOf(points);
    expect(front.every((place) => isFront(points[place] ?? []))).toBe(true);
    // of equal members only the first
    const keys = front.map((place) => String(points[place]));
    expect(new Set(keys).size).toBe(keys.length);
    expect(new Set(keys)).toEqual(new Set(points.filter(isFront).map(String)));
    expect(
      sortIntoFronts(points)[0]
        ?.map((place) => String(points[place]))
        .sort(),
    ).toEqual(points.filter(isFront).map(String).sort());
    // points lie on a grid of 5, so that the volume is a count of unit cells
    const reference = Array.from({ length: objectives }, () => 5);
    let cells = 0;
    for (let cell = 0; cell < 5 ** objectives; cell++) {
      const corner = Array.from({ length: objectives }, (_, axis) => Math.floor(cell / 5 ** axis) % 5);
      if (points.some((point) => point.every((value, axis) => value <= (corner[axis] ?? 0)))) cells++;
    }
    expect(hypervolume(points, reference)).toBe(cells);
  });

  test('an empty front covers nothing', () => {
    expect(frontOf([])).toEqual([]);
    expect(hypervolume([], [1, 1])).toBe(0);
    expect(sortIntoFronts([])).toEqual([]);
    expect(survive([], 3)).toEqual([]);
  });
});
