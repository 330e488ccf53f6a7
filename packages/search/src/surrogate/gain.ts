/** What points would add to a front of two objectives. */

import type { Objectives } from '../pareto';

type Point = readonly [number, number];

/** How far behind the worst values the corner lies that areas are measured from, as a share of the range. */
const cornerMargin = 0.1;

/**
 * The candidates that add most area to what a front dominates, one after the other, each beside those chosen before it.
 *
 * @param reached objectives that were reached, to be made small
 * @returns at most `count`; those that add nothing come last
 */
export function gainsMost<Candidate extends { readonly point: Objectives }>(
  reached: readonly Objectives[],
  candidates: readonly Candidate[],
  count: number,
): Candidate[] {
  const all = [...reached, ...candidates.map(({ point }) => point)].map(pairOf);
  const scaled = scaleOf(all);
  const points = candidates.map(({ point }) => scaled(pairOf(point)));
  let front = frontOfPairs(reached.map((point) => scaled(pairOf(point))));
  // what a point adds only shrinks as others are added: one that was computed earlier is a bound
  const gains = points.map((point) => gainOf(point, front));
  const chosen: Candidate[] = [];
  while (chosen.length < Math.min(count, candidates.length)) {
    let best = gains.indexOf(Math.max(...gains));
    for (let tries = 0; tries <= candidates.length; tries++) {
      const gain = gainOf(points[best] ?? [0, 0], front);
      gains[best] = gain;
      const next = gains.indexOf(Math.max(...gains));
      if (next === best || (gains[next] ?? 0) <= gain) break;
      best = next;
    }
    const picked = candidates[best];
    const point = points[best];
    if (picked === undefined || point === undefined) break;
    chosen.push(picked);
    gains[best] = Number.NEGATIVE_INFINITY;
    front = frontOfPairs([...front, point]);
  }
  return chosen;
}

const pairOf = (point: Objectives): Point => [point[0] ?? 0, point[1] ?? 0];

/** Ranges to 1, the corner to (0, 0), everything below it. */
function scaleOf(points: readonly Point[]): (point: Point) => Point {
  const scales = ([0, 1] as const).map((axis) => {
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    for (const point of points) {
      least = Math.min(least, point[axis]);
      most = Math.max(most, point[axis]);
    }
    const range = most - least || 1;
    return { corner: most + cornerMargin * range, range };
  });
  const along = (axis: 0 | 1, value: number): number => {
    const { corner = 0, range = 1 } = scales[axis] ?? {};
    return (value - corner) / range;
  };
  return ([first, second]) => [along(0, first), along(1, second)];
}

/** Rising in the first, falling in the second. */
function frontOfPairs(points: readonly Point[]): Point[] {
  const front: Point[] = [];
  for (const point of [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    if (point[1] < (front.at(-1)?.[1] ?? Number.POSITIVE_INFINITY)) front.push(point);
  }
  return front;
}

/** The area between a point and the corner that the front does not dominate. */
function gainOf([x, y]: Point, front: readonly Point[]): number {
  let area = 0;
  let from = x;
  let floor = 0; // what the front reaches left of `from`; the corner before its first member
  for (const [frontX, frontY] of front) {
    if (frontX <= x) {
      floor = frontY;
      continue;
    }
    if (floor <= y) return area;
    area += (frontX - from) * (floor - y);
    from = frontX;
    floor = frontY;
  }
  return floor <= y ? area : area + (0 - from) * (floor - y);
}
