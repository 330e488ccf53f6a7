import { expect, test } from 'vitest';
import { shardOf } from '../src/shards';

const costs: Record<string, number> = { swin: 250, kernels: 95, products: 60, fuzz: 80, install: 10, decode: 1 };
const files = Object.keys(costs);
const costOf = (file: string): number => costs[file] ?? 0;

test.each([1, 2, 3, 7])('every file is in one of %i shards', (count) => {
  const shards = Array.from({ length: count }, (_, i) => shardOf(files, costOf, { index: i + 1, count }));
  expect(shards.flat().sort()).toEqual([...files].sort());
});

test('shards are about equally long, whatever the order', () => {
  const sum = (shard: string[]): number => shard.reduce((total, file) => total + costOf(file), 0);
  for (const order of [files, [...files].reverse()]) {
    const [first, second] = [1, 2].map((index) => sum(shardOf(order, costOf, { index, count: 2 })));
    expect(first).toBe(250);
    expect(second).toBe(246);
  }
});

test('processes that found the files in other orders still share them out', () => {
  const same = ['c', 'a', 'd', 'b', 'e'];
  const first = shardOf(same, () => 5, { index: 1, count: 2 });
  const second = shardOf([...same].reverse(), () => 5, { index: 2, count: 2 });
  expect([...first, ...second].sort()).toEqual([...same].sort());
});
