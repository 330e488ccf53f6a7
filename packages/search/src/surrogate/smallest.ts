/** The few smallest of many numbers. */

/**
 * Places of the `count` smallest scores, the smallest first; equal ones in their order.
 *
 * @param isOut places that are left out
 */
export function placesOfSmallest(scores: Float64Array, count: number, isOut: (place: number) => boolean): number[] {
  const bySize = (a: number, b: number): number => (scores[a] ?? 0) - (scores[b] ?? 0) || a - b;
  let places: number[] = [];
  let bound = Number.POSITIVE_INFINITY;
  for (let place = 0; place < scores.length; place++) {
    if (!((scores[place] ?? 0) < bound) || isOut(place)) continue;
    places.push(place);
    if (places.length < 4 * count + 16) continue;
    places = places.sort(bySize).slice(0, count);
    bound = scores[places.at(-1) ?? 0] ?? bound;
  }
  return places.sort(bySize).slice(0, count);
}
