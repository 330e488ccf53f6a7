/** From visits to figures: the time of a case, and ratios of two cases taken round by round. */

import type { Measurement } from './measure';
import type { Spread } from './statistics';
import { median, spreadOf } from './statistics';

/** The time of a case: over its visits' medians. */
export interface CaseTime extends Spread {
  readonly id: string;
  /** The median of each round. */
  readonly roundsMs: readonly number[];
  /** Visits whose warm-up did not come to rest. */
  readonly unsteadyVisits: number;
}

/** A ratio of two cases: over the rounds, each with the two of its own. */
export interface PairedRatio extends Spread {
  readonly rounds: number;
}

/** The times of all cases, in the order they were first visited. */
export function summarize({ visits }: Measurement): CaseTime[] {
  return [...new Set(visits.map(({ id }) => id))].map((id) => {
    const own = visits.filter((visit) => visit.id === id);
    const roundsMs = own.map(({ medianMs }) => medianMs);
    return { id, ...spreadOf(roundsMs), roundsMs, unsteadyVisits: own.filter(({ isSteady }) => !isSteady).length };
  });
}

/**
 * How long a case takes compared with another, round by round.
 *
 * @throws RangeError when the two were not measured in the same rounds
 */
export function ratioOf(numerator: CaseTime, denominator: CaseTime): PairedRatio {
  const rounds = numerator.roundsMs.length;
  if (rounds !== denominator.roundsMs.length) {
    throw new RangeError(
      `ratioOf: expected ${numerator.id} and ${denominator.id} in the same rounds, got ${rounds} and ${denominator.roundsMs.length}. Ratios hold inside one measurement only.`,
    );
  }
  const ratios = numerator.roundsMs.map((ms, round) => ms / (denominator.roundsMs[round] ?? Number.NaN));
  return { ...spreadOf(ratios), rounds };
}

/** How far the machine itself moved: the furthest sentinel from the median of all, 0.05 being 5 %; 0 for none. */
export function largestDrift({ sentinels }: Measurement): number {
  if (sentinels.length === 0) return 0;
  const times = sentinels.map(({ medianMs }) => medianMs);
  const middle = median(times);
  return Math.max(...times.map((ms) => Math.abs(ms / middle - 1)));
}
