/** What a search throws beside wrong input: a budget that no sparsity meets, and evaluations that all fail. */

import type { PrunedRatios } from '@sparsevit/windows';
import { SparseViTError } from '@sparsevit/windows';

/** A sparsity and what a quantity is at it. */
export interface ReachedValue {
  readonly value: number;
  readonly prunedRatios: PrunedRatios;
}

/** How far a bounded quantity goes over the space. */
export interface Reach {
  readonly name: string;
  readonly least: ReachedValue;
  readonly greatest: ReachedValue;
}

/** The sparsity that comes nearest to the bounds. */
export interface NearestSparsity {
  readonly prunedRatios: PrunedRatios;
  /** The bounded quantities there. */
  readonly values: Readonly<Record<string, number>>;
  /** How far it is from the bounds, as a share of them, summed. */
  readonly violation: number;
}

/**
 * No sparsity of the space meets the bounds. Known before anything is evaluated.
 *
 * @example
 * try { createSearch({ ..., constraints: [{ name: 'latencyMs', of: predict, atMost: 1 }] }); }
 * catch (error) { if (InfeasibleBudgetError.isInstance(error)) console.log(error.nearest.prunedRatios); }
 */
export class InfeasibleBudgetError extends SparseViTError {
  /** The sparsity that comes nearest. */
  readonly nearest: NearestSparsity;
  /** What each bounded quantity can be. */
  readonly reach: readonly Reach[];
  /** True when the whole space was looked at; false when the search for the nearest may have missed a nearer one. */
  readonly isExact: boolean;

  constructor(message: string, facts: Pick<InfeasibleBudgetError, 'nearest' | 'reach' | 'isExact'>) {
    super('search', message);
    this.nearest = facts.nearest;
    this.reach = facts.reach;
    this.isExact = facts.isExact;
  }

  /** True for this error of any copy of the package. */
  static override isInstance(value: unknown): value is InfeasibleBudgetError {
    return SparseViTError.isInstance(value) && value.code === 'search' && 'nearest' in value && 'reach' in value;
  }
}

/** A sparsity in an error message: `0.3|0|0.1,0.2,0.2|0`. */
export const describeRatios = (prunedRatios: PrunedRatios): string =>
  prunedRatios.map((ratios) => ratios.join(',')).join('|');
