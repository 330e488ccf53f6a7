/** Learning rates by step: plain functions from the number of steps done to a rate. */

import { ConfigError } from '@sparsevit/windows';

/** Steps done -> learning rate. */
export type Schedule = (step: number) => number;

function check(what: string, isValid: boolean, expected: string, got: unknown): void {
  if (!isValid) throw new ConfigError(`schedule: expected ${what} to be ${expected}, got ${String(got)}.`);
}

const checkBase = (base: number): void => check('the rate', Number.isFinite(base) && base >= 0, 'at least 0', base);
const checkSteps = (what: string, steps: number): void =>
  check(what, Number.isInteger(steps) && steps >= 0, 'a whole number of at least 0', steps);

/**
 * The same rate for ever.
 *
 * @example
 * constantSchedule(1e-5)(17); // 1e-5
 */
export function constantSchedule(base: number): Schedule {
  checkBase(base);
  return () => base;
}

/**
 * end + (base - end) * (1 + cos(pi * s / steps)) / 2; `end` from then on.
 *
 * @throws ConfigError for rates or steps that are none
 * @example
 * cosineSchedule({ base: 3e-3, end: 1e-5, steps: 9 })(0); // 3e-3
 */
export function cosineSchedule({ base, end = 0, steps }: { base: number; end?: number; steps: number }): Schedule {
  checkBase(base);
  checkBase(end);
  checkSteps('steps', steps);
  return (step) => (step >= steps ? end : end + ((base - end) * (1 + Math.cos((Math.PI * step) / steps))) / 2);
}

/**
 * base * factor^(number of the given steps that are behind).
 *
 * @example
 * stepSchedule({ base: 1e-4, at: [800, 1100], factor: 0.1 })(900); // 1e-5
 */
export function stepSchedule({
  base,
  at,
  factor = 0.1,
}: {
  base: number;
  at: readonly number[];
  factor?: number;
}): Schedule {
  checkBase(base);
  for (const step of at) checkSteps('a step of the schedule', step);
  check('the factor', factor > 0 && factor <= 1, 'above 0 and at most 1', factor);
  return (step) => base * factor ** at.filter((boundary) => step >= boundary).length;
}

/**
 * end + (base - end) * (1 - s / steps)^power; `end` from then on.
 *
 * @example
 * polynomialSchedule({ base: 6e-5, steps: 160000 })(0); // 6e-5
 */
export function polynomialSchedule(options: { base: number; end?: number; steps: number; power?: number }): Schedule {
  const { base, end = 0, steps, power = 1 } = options;
  checkBase(base);
  checkBase(end);
  checkSteps('steps', steps);
  check('the power', power > 0, 'above 0', power);
  return (step) => (step >= steps ? end : end + (base - end) * (1 - step / steps) ** power);
}

/**
 * A rise before a schedule: base * (s + 1) / steps, then the schedule from its first step on.
 *
 * @example
 * warmUpThen(3, 3e-3, cosineSchedule({ base: 3e-3, steps: 9 }))(0); // 1e-3
 */
export function warmUpThen(steps: number, base: number, schedule: Schedule): Schedule {
  checkSteps('warm-up', steps);
  checkBase(base);
  return (step) => (step < steps ? (base * (step + 1)) / steps : schedule(step - steps));
}

/**
 * A rise on top of a schedule, as mmcv has it: rate(s) * (1 - (1 - s / steps) * (1 - ratio)) for the first steps, the schedule's own clock going on.
 * Source: the published recipe (1000 steps from 0.001).
 *
 * @example
 * warmUpOver(1000, 0.001, stepSchedule({ base: 1e-5, at: [60000] }))(0); // 1e-8
 */
export function warmUpOver(steps: number, ratio: number, schedule: Schedule): Schedule {
  checkSteps('warm-up', steps);
  check('the first ratio of warm-up', ratio >= 0 && ratio <= 1, 'from 0 to 1', ratio);
  return (step) => (step < steps ? schedule(step) * (1 - (1 - step / steps) * (1 - ratio)) : schedule(step));
}
