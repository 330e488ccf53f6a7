/** A model's prediction for every allowed sparsity of an enumerated space. This is what a generation spends its time in; hence the flat arrays. */

import type { Genome } from '../genome';
import type { AdditiveEffects } from './basis';
import type { Rows } from './rows';

/** What the lists along a row add up to alone, and the shares whose products with the other stages count. */
function alongTables(
  { effects, interactions, shares }: AdditiveEffects,
  { alongStart, alongGenes, alongLevels }: Rows,
  genes: number,
): { readonly sums: Float64Array; readonly shares: Float64Array } {
  const lists = alongGenes === 0 ? 1 : alongLevels.length / alongGenes;
  const sums = new Float64Array(lists);
  const listShares = new Float64Array(alongLevels.length);
  for (let list = 0; list < lists; list++) {
    const own = list * alongGenes;
    let sum = 0;
    for (let i = 0; i < alongGenes; i++) {
      const level = alongLevels[own + i] ?? 0;
      const share = shares[level] ?? 0;
      listShares[own + i] = share;
      sum += effects[alongStart + i]?.[level] ?? 0;
      for (let j = 0; j < i; j++) {
        sum += (interactions[(alongStart + j) * genes + alongStart + i] ?? 0) * share * (listShares[own + j] ?? 0);
      }
    }
    sums[list] = sum;
  }
  return { sums, shares: listShares };
}

/**
 * Predictions in the order of the rows' places; equal to `sumEffects` but for the order of sums.
 *
 * @param into as long as `places`
 */
export function predictAll(effects: AdditiveEffects, rows: Rows, { genes }: Genome, into: Float64Array): Float64Array {
  const { interactions, shares } = effects;
  const { ends, levels, alongStart, alongGenes, alongList } = rows;
  const along = alongTables(effects, rows, genes);
  const alongSums = along.sums;
  const alongShares = along.shares;
  const rowShares = new Float64Array(genes);
  const factors = new Float64Array(alongGenes);
  let at = 0;
  for (let row = 0; row < ends.length; row++) {
    // the other stages: their sum, and the factors that they put on the genes along the row
    let sum = effects.intercept;
    for (let gene = 0; gene < genes; gene++) {
      const isAlong = gene >= alongStart && gene < alongStart + alongGenes;
      const level = levels[row * genes + gene] ?? 0;
      rowShares[gene] = isAlong ? 0 : (shares[level] ?? 0);
      if (!isAlong) sum += effects.effects[gene]?.[level] ?? 0;
    }
    factors.fill(0);
    for (let gene = 0; gene < genes; gene++) {
      for (let other = gene + 1; other < genes; other++) {
        const factor = interactions[gene * genes + other] ?? 0;
        const share = rowShares[gene] ?? 0;
        const otherShare = rowShares[other] ?? 0;
        sum += factor * share * otherShare;
        const i = gene - alongStart;
        const j = other - alongStart;
        if (i >= 0 && i < alongGenes) factors[i] = (factors[i] ?? 0) + factor * otherShare;
        if (j >= 0 && j < alongGenes) factors[j] = (factors[j] ?? 0) + factor * share;
      }
    }
    const end = ends[row] ?? 0;
    if (alongGenes === 3) {
      // six blocks in a stage, as in Swin-T: without the inner loop it takes half the time
      const first = factors[0] ?? 0;
      const second = factors[1] ?? 0;
      const third = factors[2] ?? 0;
      for (; at < end; at++) {
        const list = alongList[at] ?? 0;
        into[at] =
          sum +
          (alongSums[list] ?? 0) +
          first * (alongShares[3 * list] ?? 0) +
          second * (alongShares[3 * list + 1] ?? 0) +
          third * (alongShares[3 * list + 2] ?? 0);
      }
    }
    for (; at < end; at++) {
      const own = (alongList[at] ?? 0) * alongGenes;
      let whole = sum + (alongSums[alongList[at] ?? 0] ?? 0);
      for (let i = 0; i < alongGenes; i++) whole += (factors[i] ?? 0) * (alongShares[own + i] ?? 0);
      into[at] = whole;
    }
  }
  return into;
}
