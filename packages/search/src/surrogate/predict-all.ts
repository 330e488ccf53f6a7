/**
 * A model's prediction for every allowed sparsity of an enumerated space. Places count the last stage fastest, so that what the stages in front
 * add up to is kept until one of them changes.
 */

import type { Enumeration } from '../enumeration';
import type { Genome } from '../genome';
import type { AdditiveEffects } from './basis';

/** The sparsities of one stage, as the model sees them. */
interface StageTable {
  readonly start: number;
  readonly genes: number;
  readonly lists: number;
  /** Effects of the genes of each list, and the products among them. */
  readonly sums: Float64Array;
  /** [lists, genes]: the shares whose products with those of other stages count. */
  readonly shares: Float64Array;
}

function stageTables(
  { effects, interactions, shares }: AdditiveEffects,
  { stageLists }: Enumeration,
  { genes, stageStarts }: Genome,
): StageTable[] {
  return stageLists.map((lists, stage) => {
    const start = stageStarts[stage] ?? 0;
    const own = (stageStarts[stage + 1] ?? start) - start;
    const sums = new Float64Array(lists.length);
    const listShares = new Float64Array(lists.length * own);
    lists.forEach((levels, list) => {
      let sum = 0;
      for (let i = 0; i < own; i++) {
        const share = shares[levels[i] ?? 0] ?? 0;
        listShares[list * own + i] = share;
        sum += effects[start + i]?.[levels[i] ?? 0] ?? 0;
        for (let j = 0; j < i; j++) {
          sum += (interactions[(start + j) * genes + start + i] ?? 0) * share * (listShares[list * own + j] ?? 0);
        }
      }
      sums[list] = sum;
    });
    return { start, genes: own, lists: lists.length, sums, shares: listShares };
  });
}

/**
 * Predictions in the order of `places`; equal to `sumEffects` but for the order of sums.
 *
 * @param into as long as `places`
 */
export function predictAll(
  effects: AdditiveEffects,
  enumeration: Enumeration,
  genome: Genome,
  into: Float64Array,
): Float64Array {
  const { genes } = genome;
  const { interactions, intercept } = effects;
  const tables = stageTables(effects, enumeration, genome);
  const last = tables.length - 1;
  const { start: lastStart, genes: lastGenes, sums: lastSums, shares: lastShares } = tables[last] ?? noStage;
  // in front of each stage: the sum of the stages before it, and the factors that they put on the genes from it on
  const sums = new Float64Array(tables.length + 1).fill(intercept);
  const factors = new Float64Array((tables.length + 1) * genes);
  const digits = new Int32Array(tables.length).fill(-1);

  /** Goes on with list `list` of a stage. */
  const put = (stage: number, list: number): void => {
    const table = tables[stage] ?? noStage;
    const before = stage * genes;
    const after = before + genes;
    const next = table.start + table.genes;
    let sum = (sums[stage] ?? 0) + (table.sums[list] ?? 0);
    for (let other = next; other < genes; other++) factors[after + other] = factors[before + other] ?? 0;
    for (let i = 0; i < table.genes; i++) {
      const gene = table.start + i;
      const share = table.shares[list * table.genes + i] ?? 0;
      sum += (factors[before + gene] ?? 0) * share;
      for (let other = next; other < genes; other++) {
        factors[after + other] = (factors[after + other] ?? 0) + share * (interactions[gene * genes + other] ?? 0);
      }
    }
    digits[stage] = list;
    sums[stage + 1] = sum;
  };

  const { ends, lists, lastList } = enumeration.runs;
  const lastFactors = last * genes + lastStart;
  let at = 0;
  for (let run = 0; run < ends.length; run++) {
    let isChanged = false;
    for (let stage = 0; stage < last; stage++) {
      const list = lists[run * last + stage] ?? 0;
      if (!isChanged && digits[stage] === list) continue;
      isChanged = true;
      put(stage, list);
    }
    const sum = sums[last] ?? 0;
    const end = ends[run] ?? 0;
    if (lastGenes === 1) {
      const factor = factors[lastFactors] ?? 0;
      for (; at < end; at++) {
        const list = lastList[at] ?? 0;
        into[at] = sum + (lastSums[list] ?? 0) + factor * (lastShares[list] ?? 0);
      }
    } else {
      for (; at < end; at++) {
        const list = lastList[at] ?? 0;
        let whole = sum + (lastSums[list] ?? 0);
        for (let i = 0; i < lastGenes; i++)
          whole += (factors[lastFactors + i] ?? 0) * (lastShares[list * lastGenes + i] ?? 0);
        into[at] = whole;
      }
    }
  }
  return into;
}

const noStage: StageTable = { start: 0, genes: 0, lists: 1, sums: new Float64Array(1), shares: new Float64Array(0) };
