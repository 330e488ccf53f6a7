/** What a search asks for, and what it is told. */

import type { PrunedRatios } from '@sparsevit/windows';

/** A part of the validation data: its first items. */
export interface SubsetStep {
  /** Items from the first that the metric is to be computed on. */
  readonly items: number;
  /** Stop here when the metric on these items is below this. */
  readonly dropBelow?: number;
  /** Stop here when the metric on these items is above this. */
  readonly dropAbove?: number;
}

/** A sparsity to evaluate. It is plain data, and may be sent to another process or machine. */
export interface Candidate {
  readonly id: number;
  readonly generation: number;
  readonly prunedRatios: PrunedRatios;
  /** From 1; higher when an earlier attempt failed. */
  readonly attempt: number;
  /** A seed for whatever is random in an evaluation; the same for every attempt. */
  readonly seed: number;
  /** Growing subsets to evaluate on, the last one everything; empty when subsets are not used. */
  readonly subsets: readonly SubsetStep[];
}

/** What came of an evaluation. */
export type EvaluationResult =
  | {
      readonly id: number;
      /** The candidate's attempt; a result of an earlier one is ignored. Default the one that is under way. */
      readonly attempt?: number;
      readonly state: 'complete';
      /** Every quantity that is not computed, by name. */
      readonly values: Readonly<Record<string, number>>;
      /** The metric on each subset, the last one everything; required when subsets are used. */
      readonly partial?: readonly number[];
    }
  | {
      readonly id: number;
      readonly attempt?: number;
      /** Given up at a subset, because the metric was beyond the candidate's limit there. */
      readonly state: 'dropped';
      /** The metric on the subsets that were done. */
      readonly partial: readonly number[];
    }
  | { readonly id: number; readonly attempt?: number; readonly state: 'failed'; readonly reason: string };

/** A sparsity and all that is known of it. */
export interface Evaluation {
  readonly id: number;
  readonly generation: number;
  readonly prunedRatios: PrunedRatios;
  readonly state: 'complete' | 'dropped' | 'failed';
  /** Quantities by name: those computed, and, when complete, those told. */
  readonly values: Readonly<Record<string, number>>;
  /** True for a complete evaluation within all bounds. */
  readonly isFeasible: boolean;
  /** How far from the bounds, as a share of them, summed; null when not complete. */
  readonly violation: number | null;
  readonly attempts: number;
  /** The metric on the subsets that were done. */
  readonly partial?: readonly number[];
  /** Why the last attempt failed. */
  readonly reason?: string;
}
