/** What is wanted and what is allowed: objectives and constraints over named quantities, each computed here or told after an evaluation. */

import type { PrunedRatios } from '@sparsevit/windows';
import { ConfigError, SparseViTError } from '@sparsevit/windows';
import { describeRatios } from './errors';

/** A quantity that is cheap to compute, such as a predicted latency. The same sparsity gives the same value. */
export type SparsityFunction = (prunedRatios: PrunedRatios) => number;

/** A quantity to make large or small. */
export interface Objective {
  readonly name: string;
  readonly direction: 'maximize' | 'minimize';
  /** Computes it; without it every evaluation has to tell it. */
  readonly of?: SparsityFunction;
}

/** A quantity with bounds. One that is computed is checked before anything is evaluated, one that is told afterwards. */
export interface Constraint {
  readonly name: string;
  /** Computes it; without it every evaluation has to tell it. */
  readonly of?: SparsityFunction;
  readonly atMost?: number;
  readonly atLeast?: number;
  /** What the prediction may be wrong by, as a share: the search keeps to `atMost / (1 + margin)`. Default 0. */
  readonly margin?: number;
}

/** Values by the name of their quantity. */
export type Values = Readonly<Record<string, number>>;

/** Objectives and constraints, checked. */
export interface Problem {
  readonly objectives: readonly Objective[];
  readonly constraints: readonly Constraint[];
  /** Names of what every evaluation has to tell. */
  readonly told: readonly string[];
  /** Names of what is computed. */
  readonly computed: readonly string[];
  /** Names of what is computed and has bounds. */
  readonly filtered: readonly string[];
  /** @throws SparseViTError with code `search` when a function gives no finite number */
  compute(name: string, prunedRatios: PrunedRatios): number;
  /** Everything that is computed. */
  computeAll(prunedRatios: PrunedRatios): Values;
  /** How far values are from the bounds, as a share of them, summed over `names` (default: all constraints); 0 inside. */
  violation(values: Values, names?: readonly string[]): number;
  /** The objectives as numbers to make small. */
  minimized(values: Values): number[];
}

/** The upper bound that the search keeps to: `atMost / (1 + margin)`; infinite without one. */
export function searchedUpperBound({ atMost, margin = 0 }: Constraint): number {
  return atMost === undefined ? Number.POSITIVE_INFINITY : atMost / (1 + margin);
}

/** How far one value is from its bounds, as a share of the bound that it misses. */
export function violationOf(constraint: Constraint, value: number): number {
  const upper = searchedUpperBound(constraint);
  const lower = constraint.atLeast ?? Number.NEGATIVE_INFINITY;
  if (value > upper) return (value - upper) / (Math.abs(upper) || 1);
  return value < lower ? (lower - value) / (Math.abs(lower) || 1) : 0;
}

/**
 * Checks objectives and constraints, and puts them together.
 *
 * @throws ConfigError for none, names twice, bounds that are none or cross, or two functions for one quantity
 */
export function createProblem(objectives: readonly Objective[], constraints: readonly Constraint[]): Problem {
  if (!Array.isArray(objectives) || objectives.length === 0) {
    throw new ConfigError('search: expected at least one objective, got none.');
  }
  const functions = new Map<string, SparsityFunction>();
  const names = new Set<string>();
  for (const quantities of [objectives, constraints]) {
    const seen = new Set<string>();
    for (const { name, of } of quantities) {
      if (typeof name !== 'string' || name === '') throw new ConfigError('search: expected names of quantities.');
      if (seen.has(name)) throw new ConfigError(`search: expected ${name} once among objectives or constraints.`);
      seen.add(name);
      names.add(name);
      if (of === undefined) continue;
      const other = functions.get(name);
      if (other !== undefined && other !== of) {
        throw new ConfigError(
          `search: expected one function for ${name}, got two. An objective and a constraint share it.`,
        );
      }
      functions.set(name, of);
    }
  }
  for (const { name, direction } of objectives) {
    if (direction !== 'maximize' && direction !== 'minimize') {
      throw new ConfigError(`search: expected ${name} to maximize or minimize, got ${String(direction)}.`);
    }
  }
  constraints.forEach(checkConstraint);
  const byName = new Map(constraints.map((constraint) => [constraint.name, constraint]));
  const constraintNames = [...byName.keys()];
  const told = [...names].filter((name) => !functions.has(name));
  const computed = [...names].filter((name) => functions.has(name));
  const compute = (name: string, prunedRatios: PrunedRatios): number => {
    const value = functions.get(name)?.(prunedRatios);
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    throw new SparseViTError(
      'search',
      `search: expected a finite ${name}, got ${String(value)} for ${describeRatios(prunedRatios)}. The function that computes it has to know every sparsity of the space.`,
    );
  };
  return {
    objectives,
    constraints,
    told,
    computed,
    filtered: constraintNames.filter((name) => functions.has(name)),
    compute,
    computeAll: (prunedRatios) => Object.fromEntries(computed.map((name) => [name, compute(name, prunedRatios)])),
    violation(values, of = constraintNames) {
      let sum = 0;
      for (const name of of) {
        const constraint = byName.get(name);
        if (constraint !== undefined) sum += violationOf(constraint, values[name] ?? Number.NaN);
      }
      return sum;
    },
    minimized: (values) =>
      objectives.map(({ name, direction }) => {
        const value = values[name] ?? Number.NaN;
        return direction === 'maximize' ? -value : value;
      }),
  };
}

function checkConstraint({ name, atMost, atLeast, margin = 0 }: Constraint): void {
  for (const [field, bound] of [
    ['atMost', atMost],
    ['atLeast', atLeast],
  ] as const) {
    if (bound !== undefined && !Number.isFinite(bound)) {
      throw new ConfigError(`search: expected ${field} of ${name} to be a finite number, got ${String(bound)}.`);
    }
  }
  if (atMost === undefined && atLeast === undefined) {
    throw new ConfigError(`search: expected atMost or atLeast for ${name}, got neither.`);
  }
  if (!(Number.isFinite(margin) && margin >= 0)) {
    throw new ConfigError(`search: expected the margin of ${name} to be a number of at least 0, got ${margin}.`);
  }
  if (margin > 0 && atMost !== undefined && atMost < 0) {
    throw new ConfigError(
      `search: expected no margin for ${name}, whose bound of ${atMost} is below 0, got ${margin}.`,
    );
  }
  if (
    atLeast !== undefined &&
    atLeast > searchedUpperBound({ name, ...(atMost === undefined ? {} : { atMost }), margin })
  ) {
    throw new ConfigError(
      `search: expected atLeast of ${name} to be at most atMost less its margin, got ${atLeast} and ${atMost}.`,
    );
  }
}
