/** Where buffers lie: each gets a place in the arena that nothing else alive at the same time has. */

import { alignedBytes } from './memory';
import type { Buffer } from './value';

/** Something with a size and a life. */
export interface Lifetime {
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

/**
 * Offsets for lives that may overlap, and the bytes that all need together: the largest first, each at the lowest place that is free for its
 * whole life.
 */
export function assignOffsets(lives: readonly Lifetime[]): { offsets: number[]; bytes: number } {
  const offsets = lives.map(() => 0);
  const placed: { life: Lifetime; offset: number; end: number }[] = [];
  const order = [...lives.keys()].sort((a, b) => (lives[b]?.bytes ?? 0) - (lives[a]?.bytes ?? 0) || a - b);
  let total = 0;
  for (const i of order) {
    const life = lives[i];
    if (life === undefined) continue;
    const bytes = alignedBytes(life.bytes);
    let offset = 0;
    for (const other of placed) {
      // `placed` is by offset: the first gap that is wide enough
      if (other.life.first > life.last || other.life.last < life.first) continue;
      if (other.offset >= offset + bytes) break;
      offset = Math.max(offset, other.end);
    }
    offsets[i] = offset;
    placed.push({ life, offset, end: offset + bytes });
    placed.sort((a, b) => a.offset - b.offset);
    total = Math.max(total, offset + bytes);
  }
  return { offsets, bytes: total };
}

/** Gives the buffers of a trace their offsets; returns the bytes of the arena. */
export function layOut(buffers: readonly Buffer[]): number {
  const { offsets, bytes } = assignOffsets(
    buffers.map(({ bytes, firstTask, lastTask }) => ({ bytes, first: firstTask, last: lastTask })),
  );
  for (const [i, buffer] of buffers.entries()) buffer.offset = offsets[i] ?? 0;
  return bytes;
}
