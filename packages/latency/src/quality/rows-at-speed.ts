/** Two measurements of one device on two days: what is the machine's speed, and what the predictor's error. */

import type { PrunedRatios } from '@sparsevit/windows';
import type { LatencyRow } from '../latency-row';

/** What is taken of a table. */
interface TimedTable {
  readonly rows: readonly LatencyRow[];
  readonly sentinel: { readonly prunedRatios: PrunedRatios; readonly ms: number | null };
}

/** Rows as if the machine had been as fast as in another measurement. */
export interface RowsAtSpeed {
  /** The sentinel's time over its time in the other measurement: 1.1 is a machine that is 10 % slower now. */
  readonly slowdown: number;
  /** The rows, divided by it. */
  readonly rows: readonly LatencyRow[];
}

/**
 * Brings the rows of a table to the speed that the machine had in another: by the sentinel, as visits are inside of one measurement. Quote errors of
 * the rows as they were measured; these say how much of them is the machine's.
 *
 * @returns null where a sentinel has no time, or the two are not the same
 * @example
 * rowsAtSpeedOf(heldOut, fitted)?.slowdown; // 1.04
 */
export function rowsAtSpeedOf(table: TimedTable, reference: Pick<TimedTable, 'sentinel'>): RowsAtSpeed | null {
  const [own, other] = [table.sentinel, reference.sentinel];
  if (own.ms === null || other.ms === null) return null;
  if (JSON.stringify(own.prunedRatios) !== JSON.stringify(other.prunedRatios)) return null;
  const slowdown = own.ms / other.ms;
  const rows = table.rows.map(({ prunedRatios, ms, visitMs }) => ({
    prunedRatios,
    ms: ms / slowdown,
    ...(visitMs === undefined ? {} : { visitMs: visitMs.map((visit) => visit / slowdown) }),
  }));
  return { slowdown, rows };
}
