/** What a predictor is worth to a search: whether what it says fits a budget does fit, and what is lost at the end. */

import { ConfigError } from '@sparsevit/windows';

/** What a predictor does at one budget. */
export interface BudgetQuality {
  readonly budgetMs: number;
  /** Rows predicted to fit by at most 5 %: from 0.95 of the budget up to it, where a search ends. */
  readonly predictedFeasible: number;
  /** The share of these that measure within the budget, in percent; null when there are none. */
  readonly precisionPercent: number | null;
  /** Null without utilities, or when nothing is predicted to fit. */
  readonly winner: WinnerQuality | null;
}

/** What a search by predictions returns, and what measuring its best finds. Utility: larger is better. */
export interface WinnerQuality {
  /** Row of most utility among those that are predicted to fit. */
  readonly row: number;
  readonly predictedMs: number;
  readonly measuredMs: number;
  /** By how much the winner measures above the budget, in percent; 0 when it fits. */
  readonly overshootPercent: number;
  /** Row of most utility among the best `topK` that measures within the budget; null when none does. */
  readonly measuredBest: number | null;
  /** Utility of the winner less that of `measuredBest`: what the prediction promised and measuring takes away; null without one. */
  readonly regret: number | null;
  /** Utility of the best row of all that measures within the budget less that of `measuredBest`: what the search missed. */
  readonly missed: number | null;
}

/** Rows, measured and predicted. */
export interface BudgetInput {
  readonly measuredMs: ArrayLike<number>;
  readonly predictedMs: ArrayLike<number>;
  /** How good each row is apart from its time: an accuracy, or the work that is kept. */
  readonly utility?: ArrayLike<number> | undefined;
}

const nearBudget = 0.95;

/**
 * The quality of predictions at one budget.
 *
 * @param topK how many of the best are measured again at the end; default 10
 * @throws ConfigError for a budget that is not above 0, or a `topK` below 1
 * @example
 * budgetQuality({ measuredMs, predictedMs, utility: accuracies }, 25).precisionPercent;
 */
export function budgetQuality(
  { measuredMs, predictedMs, utility }: BudgetInput,
  budgetMs: number,
  topK = 10,
): BudgetQuality {
  if (!(budgetMs > 0 && Number.isFinite(budgetMs))) {
    throw new ConfigError(`budgets: expected milliseconds above 0, got ${budgetMs}.`);
  }
  if (!Number.isInteger(topK) || topK < 1) throw new ConfigError(`budgets: expected topK of at least 1, got ${topK}.`);
  const rows = Array.from(predictedMs, (_, row) => row);
  const predicted = (row: number): number => predictedMs[row] ?? 0;
  const measured = (row: number): number => measuredMs[row] ?? 0;
  const fitting = rows.filter((row) => predicted(row) <= budgetMs);
  const near = fitting.filter((row) => predicted(row) >= nearBudget * budgetMs);
  const kept = near.filter((row) => measured(row) <= budgetMs);
  return {
    budgetMs,
    predictedFeasible: near.length,
    precisionPercent: near.length === 0 ? null : (100 * kept.length) / near.length,
    winner: utility === undefined ? null : winnerOf(fitting, rows, { predicted, measured, utility, budgetMs, topK }),
  };
}

function winnerOf(
  fitting: readonly number[],
  rows: readonly number[],
  search: {
    predicted: (row: number) => number;
    measured: (row: number) => number;
    utility: ArrayLike<number>;
    budgetMs: number;
    topK: number;
  },
): WinnerQuality | null {
  const { predicted, measured, budgetMs, topK } = search;
  const utility = (row: number): number => search.utility[row] ?? 0;
  // of equal utility the faster one
  const ranked = [...fitting].sort((a, b) => utility(b) - utility(a) || predicted(a) - predicted(b));
  const winner = ranked[0];
  if (winner === undefined) return null;
  const fits = (row: number): boolean => measured(row) <= budgetMs;
  const measuredBest = ranked.slice(0, topK).find(fits) ?? null;
  const best = rows.filter(fits).reduce((most, row) => Math.max(most, utility(row)), Number.NEGATIVE_INFINITY);
  return {
    row: winner,
    predictedMs: predicted(winner),
    measuredMs: measured(winner),
    overshootPercent: Math.max(0, 100 * (measured(winner) / budgetMs - 1)),
    measuredBest,
    regret: measuredBest === null ? null : utility(winner) - utility(measuredBest),
    missed: measuredBest === null ? null : best - utility(measuredBest),
  };
}
