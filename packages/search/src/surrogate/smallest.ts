/** The few smallest of many numbers. */

/** Scores that are looked at to guess a bound. */
const sampled = 512;
const goldenSection = (Math.sqrt(5) - 1) / 2;

/**
 * Places of the `count` smallest scores, the smallest first; equal ones in their order.
 *
 * A bound is guessed from a part of the scores, so that few others are looked at twice.
 */
export function placesOfSmallest(scores: Float64Array, count: number): number[] {
  if (count <= 0) return [];
  const bySize = (a: number, b: number): number => (scores[a] ?? 0) - (scores[b] ?? 0) || a - b;
  let places = placesBelow(scores, guessBound(scores, count));
  if (places.length < Math.min(count, scores.length)) places = placesBelow(scores, Number.POSITIVE_INFINITY);
  return places.sort(bySize).slice(0, count);
}

function placesBelow(scores: Float64Array, bound: number): number[] {
  const places: number[] = [];
  for (let place = 0; place < scores.length; place++) if ((scores[place] ?? 0) <= bound) places.push(place);
  return places;
}

/** A bound below which there are most likely at least `count`, and not many more. */
function guessBound(scores: Float64Array, count: number): number {
  if (scores.length <= 8 * sampled) return Number.POSITIVE_INFINITY;
  const sample = new Float64Array(sampled);
  // steps of a golden section: scores that come in rows are not met at the same place of each
  for (let i = 0; i < sampled; i++) sample[i] = scores[Math.floor(((i * goldenSection) % 1) * scores.length)] ?? 0;
  sample.sort();
  const expected = (count / scores.length) * sampled;
  return sample[Math.ceil(2 * expected + 3 * Math.sqrt(expected + 1))] ?? Number.POSITIVE_INFINITY;
}
