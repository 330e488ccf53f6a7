/** The third step of SparseViT (section 3.4): the sparsity of every layer, searched under a budget of predicted milliseconds, and measured at the end. */

import type { SearchResultDocument } from '@sparsevit/config';
import type {
  Constraint,
  Evaluation,
  Evaluator,
  JournalStorage,
  Measure,
  MeasuredTop,
  MeasureTopEvent,
  SearchEvent,
  SearchPresetName,
  SearchResult,
} from '@sparsevit/search';
import { createSearch, measureTop, runSearch } from '@sparsevit/search';
import type { PrunedRatios, SparsitySpace } from '@sparsevit/windows';
import { ConfigError, createRandom, drawUniformly } from '@sparsevit/windows';

/** The name of the quantity that a budget bounds. */
export const latencyName = 'latencyMs';

/** Milliseconds that a sparsity may take. */
export interface LatencyBudget {
  readonly atMostMs?: number | undefined;
  /** For a sparsity that uses what there is. */
  readonly atLeastMs?: number | undefined;
  /** What predictions may be wrong by, as a share: the search keeps to `atMostMs / (1 + margin)`. */
  readonly margin: number;
}

/** What `searchSparsity` takes. */
export interface SearchSparsityOptions {
  readonly space: SparsitySpace;
  /** Predicted milliseconds of a sparsity. */
  readonly predictMs: (prunedRatios: PrunedRatios) => number;
  readonly evaluate: Evaluator;
  /** What the evaluator's score is called. */
  readonly scoreName: string;
  /** Null only for a whole front. */
  readonly budget: LatencyBudget | null;
  /**
   * False searches the best score within the budget. True searches score and latency against each other, over all latencies; a budget then only says
   * who wins.
   */
  readonly wantsFront: boolean;
  readonly seed: number;
  readonly evaluations: number;
  readonly preset?: SearchPresetName | undefined;
  /** Sparsities to begin with. */
  readonly initial?: readonly PrunedRatios[] | undefined;
  /** Images of growing subsets, the last one all; losers are dropped on the way. Default all at once. */
  readonly subsets?: readonly number[] | undefined;
  /** What is evaluated, and what predicts: a journal of another is refused. */
  readonly subject: string;
  readonly concurrency?: number | undefined;
  readonly journal?: JournalStorage | undefined;
  /** Measures the best when the search is done; null where that is not possible. */
  readonly measuring: { readonly measure: Measure; readonly count: number; readonly rounds: number } | null;
  readonly signal?: AbortSignal | undefined;
  readonly now?: (() => number) | undefined;
  readonly onEvent?: ((event: SearchEvent | MeasureTopEvent) => void) | undefined;
}

/**
 * Searches, and measures the best.
 *
 * The winner is `measured.winner`, the best score that meets the budget as measured; without measuring it is `best`, whose latency is predicted.
 *
 * @throws InfeasibleBudgetError at once for a budget that no sparsity meets; what `runSearch` and `measureTop` throw; the signal's reason
 * @example
 * const result = await searchSparsity({ space, predictMs: predictor.predictMs, evaluate, scoreName: 'AP', budget: { atMostMs: 33, margin: 0.03 }, ... });
 */
export async function searchSparsity(options: SearchSparsityOptions): Promise<SearchResultDocument> {
  const { space, predictMs, scoreName, budget, wantsFront, measuring } = options;
  const { initial, preset, subsets, concurrency, journal, signal, now, onEvent } = options;
  if (budget === null && !wantsFront) {
    throw new ConfigError('searchSparsity: expected a budget, or a front to search for, got neither.');
  }
  const { atMostMs, atLeastMs, margin = 0 } = budget ?? {};
  const constraints: Constraint[] =
    budget === null
      ? []
      : [
          {
            name: latencyName,
            of: predictMs,
            ...(atMostMs === undefined ? {} : { atMost: atMostMs, margin }),
            ...(atLeastMs === undefined ? {} : { atLeast: atLeastMs }),
          },
        ];
  const score = { name: scoreName, direction: 'maximize' } as const;
  // a budget that nothing meets is said before anything is evaluated, also where it limits nothing but who wins
  if (wantsFront) createSearch({ space, objectives: [score], constraints, seed: options.seed });
  const search = createSearch({
    space,
    objectives: [score, ...(wantsFront ? [{ name: latencyName, direction: 'minimize' as const, of: predictMs }] : [])],
    constraints: wantsFront ? [] : constraints,
    ...(preset === undefined ? {} : { preset }),
    ...(initial === undefined ? {} : { initial }),
    ...(subsets === undefined ? {} : { subsets: { items: subsets } }),
    seed: options.seed,
    maxEvaluations: options.evaluations,
    subject: options.subject,
  });
  const result = await runSearch(search, options.evaluate, {
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(journal === undefined ? {} : { journal }),
    ...(signal === undefined ? {} : { signal }),
    ...(now === undefined ? {} : { now }),
    ...(onEvent === undefined ? {} : { onEvent }),
  });
  const withinBudget = ({ values }: Evaluation): boolean => {
    const ms = values[latencyName] ?? Number.POSITIVE_INFINITY;
    return ms <= (atMostMs ?? Number.POSITIVE_INFINITY) / (1 + margin) && ms >= (atLeastMs ?? 0);
  };
  const candidates =
    budget === null ? spreadOf(result.front, measuring?.count ?? 0) : result.history.filter(withinBudget);
  if (measuring === null || !candidates.some(({ isFeasible }) => isFeasible)) return documentOf(result, null);
  const measureSome = (some: readonly Evaluation[]): Promise<MeasuredTop> =>
    measureTop(some, measuring.measure, {
      objective: score,
      budget: {
        name: latencyName,
        atMost: atMostMs ?? Number.MAX_VALUE,
        ...(atLeastMs === undefined ? {} : { atLeast: atLeastMs }),
      },
      count: measuring.count,
      rounds: measuring.rounds,
      seed: options.seed,
      ...(signal === undefined ? {} : { signal }),
      ...(onEvent === undefined ? {} : { onEvent }),
    });
  let measured = await measureSome(candidates);
  const slower = measured.measuredOverPredicted ?? 1;
  if (measured.winner === null && atMostMs !== undefined && slower > 1) {
    // all predictions are too low by about as much today: what meets the budget at that speed is measured as well
    const faster = candidates.filter(({ values }) => slower * (values[latencyName] ?? 0) <= atMostMs);
    const known = new Set(measured.measured.map(({ id }) => id));
    const others = faster.filter(({ id }) => !known.has(id));
    if (others.length > 0) measured = joined(measured, await measureSome(others));
  }
  // of a front without a budget nobody wins
  return documentOf(result, budget === null ? { ...measured, winner: null } : measured);
}

/** At most `count` members of a front, from one end to the other. */
function spreadOf(front: readonly Evaluation[], count: number): readonly Evaluation[] {
  if (front.length <= count || count < 2) return front.slice(0, count);
  const places = Array.from({ length: count }, (_, i) => Math.round((i * (front.length - 1)) / (count - 1)));
  return places.flatMap((place) => front[place] ?? []);
}

/** Two measurements as one: the best first. */
function joined(first: MeasuredTop, second: MeasuredTop): MeasuredTop {
  const measured = [...first.measured, ...second.measured].sort((a, b) => b.objective - a.objective || a.id - b.id);
  return { ...second, measured };
}

function documentOf(result: SearchResult, measured: MeasuredTop | null): SearchResultDocument {
  return { ...result, ...(measured === null ? {} : { measured }) };
}

const marginDraws = 200;
const mostMargin = 0.1;

/**
 * What a predictor says it may be wrong by, as a share: the median over the space of its interval's upper end over its prediction, less one. At most 0.1:
 * a table of a busy machine says more of the machine than of the model, and what is measured at the end decides anyway.
 *
 * @example
 * const margin = predictedMargin(predictor); // 0.03: the slowest of what is meant by 30 ms is 30.9 ms
 */
export function predictedMargin(predictor: {
  readonly space: SparsitySpace;
  predict(prunedRatios: PrunedRatios): { readonly ms: number; readonly hi: number };
}): number {
  const random = createRandom(0);
  const shares = Array.from({ length: marginDraws }, () => {
    const { ms, hi } = predictor.predict(drawUniformly(predictor.space, random));
    return Math.max(0, hi / ms - 1);
  }).sort((a, b) => a - b);
  return Math.min(mostMargin, shares[marginDraws / 2] ?? 0);
}
