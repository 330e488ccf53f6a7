/** Whether the bounds of the computed quantities leave anything over; and if not, how near to them a sparsity can come. */

import type { PrunedRatios } from '@sparsevit/windows';
import { createRandom, everySparsity } from '@sparsevit/windows';
import type { Reach, ReachedValue } from './errors';
import { describeRatios, InfeasibleBudgetError } from './errors';
import type { Genome, Levels } from './genome';
import { levelsOfDrawn, prunedRatiosOf } from './genome';
import { findLeast } from './least';
import type { Constraint, Problem } from './problem';
import { searchedUpperBound, violationOf } from './problem';

/** What a look at the bounded quantities brought. */
interface Survey {
  readonly reach: readonly Reach[];
  readonly nearest: PrunedRatios;
  readonly isExact: boolean;
}

/**
 * A sparsity within the bounds: by a descent of some hundred calls; when that finds none the whole space is looked at, if it is small enough.
 *
 * @throws InfeasibleBudgetError when there is none; for a space too large to look at, when the descent finds none
 */
export function findAllowed(
  genome: Genome,
  problem: Problem,
  options: { readonly seed: number; readonly isEnumerable: boolean },
): Levels {
  const bounded = problem.constraints.filter(({ name }) => problem.filtered.includes(name));
  const violationAt = (prunedRatios: PrunedRatios): number =>
    bounded.reduce(
      (sum, constraint) => sum + violationOf(constraint, problem.compute(constraint.name, prunedRatios)),
      0,
    );
  const random = createRandom(options.seed);
  const least = findLeast(genome, (levels) => violationAt(prunedRatiosOf(genome, levels)), random, 0);
  if (least.value <= 0) return least.levels;
  const survey = options.isEnumerable
    ? surveyAll(genome, problem, bounded)
    : surveyByDescent(genome, problem, bounded, { nearest: least.levels, seed: options.seed });
  if (!('reach' in survey)) return levelsOfDrawn(genome, survey.allowed);
  const nearest = {
    prunedRatios: survey.nearest,
    values: Object.fromEntries(bounded.map(({ name }) => [name, problem.compute(name, survey.nearest)])),
    violation: violationAt(survey.nearest),
  };
  throw new InfeasibleBudgetError(describe(bounded, survey, nearest.values), { ...survey, nearest });
}

/** One look at everything; ends at the first sparsity that is allowed. */
function surveyAll(
  genome: Genome,
  problem: Problem,
  bounded: readonly Constraint[],
): Survey | { readonly allowed: PrunedRatios } {
  const none: PrunedRatios = [];
  const quantities = bounded.map((constraint) => ({
    constraint,
    least: { value: Number.POSITIVE_INFINITY, prunedRatios: none },
    greatest: { value: Number.NEGATIVE_INFINITY, prunedRatios: none },
  }));
  let nearest = none;
  let smallest = Number.POSITIVE_INFINITY;
  for (const prunedRatios of everySparsity(genome.space)) {
    let violation = 0;
    for (const quantity of quantities) {
      const value = problem.compute(quantity.constraint.name, prunedRatios);
      violation += violationOf(quantity.constraint, value);
      if (value < quantity.least.value) quantity.least = { value, prunedRatios };
      if (value > quantity.greatest.value) quantity.greatest = { value, prunedRatios };
    }
    if (violation <= 0) return { allowed: prunedRatios };
    if (violation < smallest) {
      smallest = violation;
      nearest = prunedRatios;
    }
  }
  const reach = quantities.map(({ constraint, least, greatest }) => ({ name: constraint.name, least, greatest }));
  return { reach, nearest, isExact: true };
}

function surveyByDescent(
  genome: Genome,
  problem: Problem,
  bounded: readonly Constraint[],
  { nearest, seed }: { readonly nearest: Levels; readonly seed: number },
): Survey {
  const extreme = (name: string, sign: number): ReachedValue => {
    const at = (levels: Levels): number => sign * problem.compute(name, prunedRatiosOf(genome, levels));
    const { levels, value } = findLeast(genome, at, createRandom(seed));
    return { value: sign * value, prunedRatios: prunedRatiosOf(genome, levels) };
  };
  const reach = bounded.map(({ name }) => ({ name, least: extreme(name, 1), greatest: extreme(name, -1) }));
  return { reach, nearest: prunedRatiosOf(genome, nearest), isExact: false };
}

/** The bound that cannot be met, and what can; or, when each can be met alone, the nearest to all of them. */
function describe(bounded: readonly Constraint[], survey: Survey, nearest: Readonly<Record<string, number>>): string {
  const least = survey.isExact ? 'the least' : 'the least that was found';
  const greatest = survey.isExact ? 'the greatest' : 'the greatest that was found';
  for (const [i, constraint] of bounded.entries()) {
    const reach = survey.reach[i];
    if (reach === undefined) continue;
    const { name, atLeast, margin = 0 } = constraint;
    const upper = searchedUpperBound(constraint);
    if (reach.least.value > upper) {
      const withMargin = margin > 0 ? ` (${constraint.atMost} less a margin of ${margin})` : '';
      return `search: expected a sparsity with ${name} of at most ${upper}${withMargin}, got none: ${least} is ${reach.least.value}, at ${describeRatios(reach.least.prunedRatios)}. Give a bound that can be met, or larger choices.`;
    }
    if (atLeast !== undefined && reach.greatest.value < atLeast) {
      return `search: expected a sparsity with ${name} of at least ${atLeast}, got none: ${greatest} is ${reach.greatest.value}, at ${describeRatios(reach.greatest.prunedRatios)}. Give a bound that can be met, or smaller choices.`;
    }
  }
  const values = Object.entries(nearest).map(([name, value]) => `${name} ${value}`);
  return `search: expected a sparsity within the bounds of ${Object.keys(nearest).join(', ')}, got none: the nearest${survey.isExact ? '' : ' that was found'} has ${values.join(', ')}, at ${describeRatios(survey.nearest)}. Give bounds further apart.`;
}
