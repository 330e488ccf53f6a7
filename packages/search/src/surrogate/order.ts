/** The front along a quantity that does not change while another one does: every generation has another prediction for the same latencies. */

/** Places in rising order of a quantity, in buckets of neighbours. */
export interface Order {
  /** Places by rising value, equal ones in their order. */
  readonly places: Uint32Array;
  /** Place -> its bucket. */
  readonly bucketOf: Int32Array;
}

const bucketSize = 64;

/** Orders places by their values. */
export function orderOf(values: Float64Array): Order {
  const places = Uint32Array.from(values.keys()).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0) || a - b);
  const bucketOf = new Int32Array(values.length);
  for (const [rank, place] of places.entries()) bucketOf[place] = Math.floor(rank / bucketSize);
  return { places, bucketOf };
}

/**
 * In rising order of the ordered quantity, the places that lower `values`.
 *
 * The least of each bucket is found in the order of memory, and only buckets that can lower the values are gone through one by one.
 *
 * @param isTaken false for places that are left out
 */
export function lowering(
  { places, bucketOf }: Order,
  values: Float64Array,
  isTaken: (place: number) => boolean,
): number[] {
  const leasts = new Float64Array(Math.ceil(places.length / bucketSize)).fill(Number.POSITIVE_INFINITY);
  for (let place = 0; place < values.length; place++) {
    const bucket = bucketOf[place] ?? 0;
    const value = values[place] ?? Number.NaN;
    if (value < (leasts[bucket] ?? 0)) leasts[bucket] = value;
  }
  const found: number[] = [];
  let least = Number.POSITIVE_INFINITY;
  for (let bucket = 0; bucket < leasts.length; bucket++) {
    if (!((leasts[bucket] ?? 0) < least)) continue;
    for (const place of places.subarray(bucket * bucketSize, (bucket + 1) * bucketSize)) {
      const value = values[place] ?? Number.NaN;
      if (!(value < least) || !isTaken(place)) continue;
      least = value;
      found.push(place);
    }
  }
  return found;
}
