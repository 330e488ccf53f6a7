/** How rows are parted for cross-validation. */

import { ConfigError, createRandom, randomOrder } from '@sparsevit/windows';

/** How rows are parted. */
export interface FoldOptions {
  /** Default 10, 5 from 300 rows on. */
  readonly folds?: number;
  readonly seed?: number;
  /** Rows of one group (measurements of one sparsity, say) stay together; default each row by itself. */
  readonly groups?: ArrayLike<number>;
}

/**
 * The fold of each row: groups in a seeded random order, dealt out in turn.
 *
 * @throws ConfigError when there are fewer groups than folds, or fewer than two folds
 */
export function foldsOf(rows: number, { folds: wanted, seed = 0, groups }: FoldOptions): Int32Array {
  const names = Array.from({ length: rows }, (_, row) => groups?.[row] ?? row);
  const distinct = [...new Set(names)];
  const folds = wanted ?? Math.min(rows < 300 ? 10 : 5, distinct.length);
  if (!Number.isInteger(folds) || folds < 2 || folds > distinct.length) {
    throw new ConfigError(
      `cross-validation: expected from 2 to ${distinct.length} folds (one per different row), got ${folds}.`,
    );
  }
  const foldOf = new Map<number, number>();
  randomOrder(distinct.length, createRandom(seed)).forEach((group, i) => {
    foldOf.set(distinct[group] ?? 0, i % folds);
  });
  return Int32Array.from(names, (name) => foldOf.get(name) ?? 0);
}
