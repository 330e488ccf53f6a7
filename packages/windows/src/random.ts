/** Seeded randomness: every draw in the packages comes from one of these, never from `Math.random`. */

/** A stream of pseudo-random numbers; the same seed gives the same stream on every machine. */
export interface Random {
  /** Uniform in [0, 1), 32 bits of resolution. */
  uniform(): number;
  /** Uniform integer in [low, high), for `high > low`. */
  integer(low: number, high: number): number;
  /** Standard normal (Box-Muller). */
  normal(): number;
}

/**
 * A seeded stream (sfc32, state filled by splitmix32 from the seed).
 *
 * @param seed any integer; only its low 32 bits count
 * @example
 * const random = createRandom(7);
 * random.integer(0, 9); // the same number on every machine
 */
export function createRandom(seed: number): Random {
  let mix = seed | 0;
  const next32 = (): number => {
    mix = (mix + 0x9e3779b9) | 0;
    let t = mix ^ (mix >>> 16);
    t = Math.imul(t, 0x21f0aaad);
    t ^= t >>> 15;
    t = Math.imul(t, 0x735a2d97);
    return (t ^ (t >>> 15)) | 0;
  };
  let a = next32();
  let b = next32();
  let c = next32();
  let counter = 1;
  const uniform = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 4294967296;
  };
  for (let i = 0; i < 12; i++) uniform(); // the first outputs still look like the seed
  return {
    uniform,
    integer: (low, high) => low + Math.floor(uniform() * (high - low)),
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  };
}

/**
 * One seed of 32 bits from several integers (the mixing steps of MurmurHash3): order counts, and neighbours give unrelated streams.
 *
 * @example
 * const random = createRandom(mixSeeds([seed, epoch, index]));
 */
export function mixSeeds(parts: readonly number[]): number {
  let hash = 0x9747b28c;
  for (const part of parts) {
    // Both halves count: seeds may be larger than 32 bits.
    for (const half of [part | 0, Math.floor(part / 4294967296) | 0]) {
      let mixed = Math.imul(half, 0xcc9e2d51);
      mixed = Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
      hash ^= mixed;
      hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
    }
  }
  hash ^= parts.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) | 0;
}

/**
 * The numbers 0 to `length - 1` in a random order (Fisher-Yates).
 *
 * @example
 * randomOrder(3, createRandom(1)); // Uint32Array of 0, 1 and 2
 */
export function randomOrder(length: number, random: Random): Uint32Array {
  const order = Uint32Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const j = random.integer(0, i + 1);
    const kept = order[i] ?? 0;
    order[i] = order[j] ?? 0;
    order[j] = kept;
  }
  return order;
}
