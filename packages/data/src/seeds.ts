/** Seeds from seeds: independent streams for items and epochs, whatever order they are asked for in. */

import type { Random } from '@sparsevit/windows';

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
