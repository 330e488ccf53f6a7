/**
 * After a search: the best are measured for real. A prediction that is a little wrong for each of many sparsities is most wrong for the one that
 * was chosen for it, so that the winner of a search is often over its budget; the best that meets the budget as measured is taken instead.
 */

import type { PrunedRatios } from '@sparsevit/windows';
import { ConfigError, createRandom, randomOrder, SparseViTError } from '@sparsevit/windows';
import type { Evaluation } from './candidate';
import type { Constraint, Objective } from './problem';
import { violationOf } from './problem';

/** Measures a sparsity once, such as the median of a few runs after warm-up, in the unit of the budget. */
export type Measure = (
  prunedRatios: PrunedRatios,
  surroundings: { readonly signal: AbortSignal | undefined },
) => Promise<number> | number;

/** What `measureTop` takes. */
export interface MeasureTopOptions {
  /** What the winner is to be best in. */
  readonly objective: Pick<Objective, 'name' | 'direction'>;
  /** What the measured quantity has to meet; its margin does not count here. */
  readonly budget: Pick<Constraint, 'name' | 'atMost' | 'atLeast'>;
  /** Sparsities that are measured, the best in the objective first; default 10. */
  readonly count?: number;
  /** Times that each is measured; default 5. */
  readonly rounds?: number;
  /** For the order of each round. */
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: MeasureTopEvent) => void;
}

/** What is told while measuring. */
export interface MeasureTopEvent {
  readonly type: 'measurement-end';
  readonly id: number;
  readonly round: number;
  readonly value: number;
  readonly done: number;
  readonly count: number;
}

/** A sparsity with what was predicted and what was measured. */
export interface MeasuredSparsity {
  readonly id: number;
  readonly prunedRatios: PrunedRatios;
  /** The objective as evaluated. */
  readonly objective: number;
  /** The quantity of the budget before it was measured; null when it was not known. */
  readonly predicted: number | null;
  /** The median of the rounds. */
  readonly measured: number;
  /** Quartiles of the rounds. */
  readonly quartiles: readonly [number, number];
  /** One value per round. */
  readonly samples: readonly number[];
  readonly meetsBudget: boolean;
}

/** Everything that was measured, and the best that meets the budget. */
export interface MeasuredTop {
  /** The name of what was measured. */
  readonly name: string;
  /** Null when none of those measured meets the budget. */
  readonly winner: MeasuredSparsity | null;
  /** By the objective, the best first. */
  readonly measured: readonly MeasuredSparsity[];
  /** Median of measured over predicted, over all that have both; null without predictions. */
  readonly measuredOverPredicted: number | null;
}

/**
 * Measures the best of a search, interleaved: each round visits all of them in an order of its own, so that a machine that gets slower
 * meanwhile slows all alike. The winner is the best in the objective among those whose median meets the budget.
 *
 * @param evaluations of a search, such as `result.history`; those that are complete and feasible are considered
 * @throws ConfigError when none of them is, or counts are none; SparseViTError with code `search` for a measurement that is no number above 0
 * @example
 * const { winner, measured } = await measureTop(result.history, measure, {
 *   objective: { name: 'accuracy', direction: 'maximize' }, budget: { name: 'latencyMs', atMost: 33 }, seed: 0,
 * });
 */
export async function measureTop(
  evaluations: readonly Evaluation[],
  measure: Measure,
  options: MeasureTopOptions,
): Promise<MeasuredTop> {
  const { objective, budget, count = 10, rounds = 5, seed, signal, onEvent = () => {} } = options;
  for (const [name, value] of [
    ['count', count],
    ['rounds', rounds],
  ] as const) {
    if (!Number.isInteger(value) || value < 1) {
      throw new ConfigError(`measureTop: expected ${name} to be a whole number of at least 1, got ${value}.`);
    }
  }
  const sign = objective.direction === 'maximize' ? -1 : 1;
  const objectiveOf = ({ values }: Evaluation): number => values[objective.name] ?? Number.NaN;
  const top = evaluations
    .filter((evaluation) => evaluation.isFeasible && Number.isFinite(objectiveOf(evaluation)))
    .sort((a, b) => sign * (objectiveOf(a) - objectiveOf(b)) || a.id - b.id)
    .slice(0, count);
  if (top.length === 0) {
    throw new ConfigError(`measureTop: expected feasible evaluations with ${objective.name}, got none.`);
  }
  const random = createRandom(seed);
  const samples = top.map((): number[] => []);
  const visits = top.length * rounds;
  let done = 0;
  for (let round = 0; round < rounds; round++) {
    for (const place of randomOrder(top.length, random)) {
      const evaluation = top[place];
      if (evaluation === undefined) continue;
      signal?.throwIfAborted();
      const { id, prunedRatios } = evaluation;
      const value = await measure(prunedRatios, { signal });
      if (!(Number.isFinite(value) && value > 0)) {
        throw new SparseViTError(
          'search',
          `measureTop: expected ${budget.name} above 0, got ${value} for candidate ${id}. A measurement that fails should throw.`,
        );
      }
      samples[place]?.push(value);
      onEvent({ type: 'measurement-end', id, round, value, done: ++done, count: visits });
    }
  }
  const measured = top.map((evaluation, place): MeasuredSparsity => {
    const own = samples[place] ?? [];
    const median = quantile(own, 0.5);
    return {
      id: evaluation.id,
      prunedRatios: evaluation.prunedRatios,
      objective: objectiveOf(evaluation),
      predicted: evaluation.values[budget.name] ?? null,
      measured: median,
      quartiles: [quantile(own, 0.25), quantile(own, 0.75)],
      samples: own,
      meetsBudget: violationOf(budget, median) <= 0,
    };
  });
  const quotients = measured.flatMap((one) =>
    one.predicted === null || one.predicted === 0 ? [] : [one.measured / one.predicted],
  );
  return {
    name: budget.name,
    winner: measured.find(({ meetsBudget }) => meetsBudget) ?? null,
    measured,
    measuredOverPredicted: quotients.length === 0 ? null : quantile(quotients, 0.5),
  };
}

/** Linear between the sorted values. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? low;
  return low + (high - low) * (at - Math.floor(at));
}
