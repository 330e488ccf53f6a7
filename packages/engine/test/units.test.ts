/** The parts that a plan is made of: the arena, the heap, the weights' layouts. */

import { compileKernels } from '@sparsevit/kernels-wasm/binary';
import { createRandom } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import { assignOffsets } from '../src/arena';
import { createHeap, createMemory } from '../src/memory';

describe('the arena', () => {
  test('lives that overlap never share a place, and those that do not may', () => {
    for (let seed = 0; seed < 200; seed++) {
      const random = createRandom(seed);
      const lives = Array.from({ length: random.integer(1, 40) }, () => {
        const first = random.integer(0, 20);
        return { bytes: random.integer(1, 5000), first, last: first + random.integer(0, 8) };
      });
      const { offsets, bytes } = assignOffsets(lives);
      for (const [i, a] of lives.entries()) {
        const from = offsets[i] ?? 0;
        expect(from % 64).toBe(0);
        expect(from + a.bytes).toBeLessThanOrEqual(bytes);
        for (const [j, b] of lives.entries()) {
          if (i === j || a.last < b.first || b.last < a.first) continue;
          const to = offsets[j] ?? 0;
          expect(from + a.bytes <= to || to + b.bytes <= from).toBe(true);
        }
      }
      const atOnce = Math.max(
        ...Array.from({ length: 30 }, (_, time) =>
          lives.reduce((sum, { bytes, first, last }) => sum + (first <= time && time <= last ? bytes : 0), 0),
        ),
      );
      expect(bytes).toBeGreaterThanOrEqual(atOnce);
    }
    const oneAfterTheOther = [0, 1, 2, 3].map((time) => ({ bytes: 640, first: time, last: time }));
    expect(assignOffsets(oneAfterTheOther).bytes).toBe(640);
    expect(assignOffsets([])).toEqual({ offsets: [], bytes: 0 });
  });
});

describe('the heap', () => {
  test('blocks do not overlap, begin at cache lines, and come back whole', () => {
    const heap = createHeap(createMemory(false));
    const random = createRandom(4);
    const blocks: { address: number; bytes: number }[] = [];
    for (let step = 0; step < 2000; step++) {
      if (random.uniform() < 0.55) {
        const bytes = random.integer(0, 20_000);
        blocks.push({ address: heap.allocate(bytes), bytes });
      } else {
        const [gone] = blocks.splice(random.integer(0, Math.max(1, blocks.length)), 1);
        if (gone !== undefined) heap.free(gone.address);
      }
    }
    blocks.sort((a, b) => a.address - b.address);
    for (const [i, { address, bytes }] of blocks.entries()) {
      expect(address).toBeGreaterThan(0);
      expect(address % 64).toBe(0);
      expect(address + bytes).toBeLessThanOrEqual(blocks[i + 1]?.address ?? heap.memory.buffer.byteLength);
    }
    for (const { address } of blocks) heap.free(address);
    expect(heap.usedBytes).toBe(0);
    expect(heap.allocate(64)).toBe(64); // from the beginning again
    heap.free(12_345); // nobody's
    expect(heap.usedBytes).toBe(64);
  });

  test('more than the memory can become is an error that says what to do', () => {
    const heap = createHeap(createMemory(false));
    expect(() => heap.allocate(2 ** 33)).toThrow(
      /expected room for 8193 MiB of WebAssembly memory, got 16 MiB. Dispose plans/,
    );
    expect(heap.allocate(100)).toBe(64); // it goes on
  });
});

test('one module for both kinds of memory: each takes its own and refuses the other', async () => {
  const [own, shared] = [await compileKernels({ isShared: false }), await compileKernels({ isShared: true })];
  const bind = (module: WebAssembly.Module, isShared: boolean): Promise<WebAssembly.Instance> =>
    WebAssembly.instantiate(module, { env: { memory: createMemory(isShared) } });
  await bind(own.module, false);
  await bind(shared.module, true);
  await expect(bind(own.module, true)).rejects.toThrow(WebAssembly.LinkError);
  await expect(bind(shared.module, false)).rejects.toThrow(WebAssembly.LinkError);
  const names = (module: WebAssembly.Module): string[] => WebAssembly.Module.exports(module).map(({ name }) => name);
  expect(names(shared.module)).toEqual(names(own.module));
});
