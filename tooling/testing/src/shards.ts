/** Files of a test lane dealt out to processes that run side by side, so that they end at about the same time. */

/**
 * The share of one process: the costliest file first, each to the process that has least to do. Every process deals the same way, whatever order it found
 * the files in, so that each file has one.
 *
 * @param files paths, any order
 * @param costOf seconds, as far as they are known
 * @param shard `index` from 1 to `count`
 * @example
 * shardOf(['slow', 'a', 'b'], (file) => (file === 'slow' ? 10 : 1), { index: 2, count: 2 }); // ['a', 'b']
 */
export function shardOf(
  files: readonly string[],
  costOf: (file: string) => number,
  { index, count }: { readonly index: number; readonly count: number },
): string[] {
  const shards = Array.from({ length: count }, () => ({ cost: 0, files: [] as string[] }));
  for (const file of [...files].sort((a, b) => costOf(b) - costOf(a) || (a < b ? -1 : 1))) {
    const least = shards.reduce((best, shard) => (shard.cost < best.cost ? shard : best));
    least.files.push(file);
    least.cost += costOf(file);
  }
  return shards[index - 1]?.files ?? [];
}
