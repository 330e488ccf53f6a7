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
