/** Files of a test lane dealt out to processes that run side by side, so that they end at about the same time. */

/**
 * The share of one process: the costliest file first, each to the process that has least to do. Every process deals the same way, so that each file
 * has one.
 *
 * @param files any order
 * @param costOf seconds, as far as they are known
 * @param shard `index` from 1 to `count`
 * @example
 * shardOf(['slow', 'a', 'b'], (file) => (file === 'slow' ? 10 : 1), { index: 2, count: 2 }); // ['a', 'b']
 */
export function shardOf<File>(
  files: readonly File[],
  costOf: (file: File) => number,
  { index, count }: { readonly index: number; readonly count: number },
): File[] {
  const shards = Array.from({ length: count }, () => ({ cost: 0, files: [] as File[] }));
  for (const file of [...files].sort((a, b) => costOf(b) - costOf(a))) {
    const least = shards.reduce((best, shard) => (shard.cost < best.cost ? shard : best));
    least.files.push(file);
    least.cost += costOf(file);
  }
  return shards[index - 1]?.files ?? [];
}
