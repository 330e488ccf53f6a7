/** What to measure next, once a predictor is there: near the budgets, where it is unsure, and around what it gets wrong. */

import type { PrunedRatios, Random, SparsitySpace } from '@sparsevit/windows';
import { ConfigError, createRandom } from '@sparsevit/windows';
import type { LatencyRow } from '../latency-row';
import { checkLatencyRows } from '../latency-row';
import type { LatencyPredictor } from '../predictors/predictor';
import type { SamplingPlan } from './sampling-plan';
import { drawNew, nameOf } from './sampling-plan';

/** What is known, and how much more is wanted. */
export interface NextSamplesOptions {
  readonly predictor: LatencyPredictor;
  /** Rows that the predictor was fitted to. */
  readonly rows: readonly LatencyRow[];
  /** Latencies that a search will be asked for; without any, half of the samples go where the predictor is unsure. */
  readonly budgetsMs?: readonly number[];
  /** Default 20. */
  readonly count?: number;
  readonly seed: number;
}

const poolSize = 4000;
/** A prediction this near to a budget, as a share, is near. */
const nearBudget = 0.03;
/** Rows of the largest errors whose neighbours are measured. */
const worstRows = 8;

/**
 * A round of sparsities to measure: half of them predicted within 3 % of a budget, a quarter where intervals are widest, a quarter one
 * step beside the rows of the largest errors. None that is in the plan or among the rows, so that the hold-out stays unseen.
 *
 * @returns `count` sparsities, fewer when the space is used up
 * @throws ConfigError when rows of the hold-out were given: choosing by them would spoil it
 * @example
 * const more = nextSamples(plan, { predictor, rows, budgetsMs: [25, 40], seed: 2 });
 */
export function nextSamples(plan: SamplingPlan, options: NextSamplesOptions): PrunedRatios[] {
  const { predictor, rows, budgetsMs = [], count = 20, seed } = options;
  const { space } = predictor;
  checkLatencyRows(rows, 'nextSamples');
  if (!Number.isInteger(count) || count < 1)
    throw new ConfigError(`nextSamples: expected a count above 0, got ${count}.`);
  for (const budget of budgetsMs) {
    if (!(budget > 0 && Number.isFinite(budget))) {
      throw new ConfigError(`nextSamples: expected budgets above 0 ms, got ${budget}.`);
    }
  }
  const held = new Set(plan.holdOut.map(nameOf));
  rows.forEach(({ prunedRatios }, row) => {
    if (held.has(nameOf(prunedRatios))) {
      throw new ConfigError(`nextSamples: expected rows outside of the hold-out, got row ${row} of it. Leave it out.`);
    }
  });
  const random = createRandom(seed);
  const taken = new Set([...held, ...[...plan.fit, ...rows.map((row) => row.prunedRatios)].map(nameOf)]);
  const picked: PrunedRatios[] = [];
  const take = (prunedRatios: PrunedRatios): void => {
    taken.add(nameOf(prunedRatios));
    picked.push(prunedRatios);
  };
  const isFree = (prunedRatios: PrunedRatios): boolean => !taken.has(nameOf(prunedRatios));

  const pool = drawNew(space, poolSize, new Set(taken), random).map((prunedRatios) => {
    const { ms, lo, hi } = predictor.predict(prunedRatios);
    return { prunedRatios, ms, width: (hi - lo) / ms };
  });
  const nearBudgets = Math.floor(count / 2);
  for (let i = 0; budgetsMs.length > 0 && i < nearBudgets; i++) {
    const budget = budgetsMs[i % budgetsMs.length] ?? 0;
    const farness = (ms: number): number => Math.abs(ms / budget - 1);
    const free = pool.filter((one) => isFree(one.prunedRatios));
    const near = free.filter((one) => farness(one.ms) <= nearBudget);
    // none so near: the nearest there is
    const next =
      near[random.integer(0, Math.max(1, near.length))] ??
      free.reduce(
        (best, one) => (farness(one.ms) < farness(best.ms) ? one : best),
        free[0] ?? { prunedRatios: [], ms: 0 },
      );
    if (next.prunedRatios.length > 0) take(next.prunedRatios);
  }
  const aroundErrors = Math.floor(count / 4);
  for (const prunedRatios of neighboursOfWorst(space, predictor, rows, random)) {
    if (picked.length >= Math.min(count, (budgetsMs.length > 0 ? nearBudgets : 0) + aroundErrors)) break;
    if (isFree(prunedRatios)) take(prunedRatios);
  }
  for (const { prunedRatios } of [...pool].sort((a, b) => b.width - a.width)) {
    if (picked.length >= count) break;
    if (isFree(prunedRatios)) take(prunedRatios);
  }
  return picked;
}

/** Sparsities one step of one pair beside the rows that are predicted worst, a neighbour of each in turn. */
function* neighboursOfWorst(
  { pairsPerStage, choices }: SparsitySpace,
  predictor: LatencyPredictor,
  rows: readonly LatencyRow[],
  random: Random,
): Generator<PrunedRatios> {
  const worst = rows
    .map(({ prunedRatios, ms }) => ({
      prunedRatios,
      error: Math.abs(Math.log(ms / predictor.predictMs(prunedRatios))),
    }))
    .sort((a, b) => b.error - a.error)
    .slice(0, worstRows);
  for (let tries = 0; tries < 50 * worst.length; tries++) {
    const { prunedRatios } = worst[tries % worst.length] ?? { prunedRatios: [] };
    const stage = random.integer(0, pairsPerStage.length);
    const ratios = [...(prunedRatios[stage] ?? [])];
    const pair = random.integer(0, ratios.length);
    const level = choices.indexOf(ratios[pair] ?? -1);
    const next = choices[level + (random.uniform() < 0.5 ? -1 : 1)];
    if (level < 0 || next === undefined) continue;
    ratios[pair] = next;
    ratios.sort((a, b) => a - b); // ratios do not fall inside a stage
    yield prunedRatios.map((own, other) => (other === stage ? ratios : own));
  }
}
