/** Rows of a run whose machine changed its speed, without the changes: for runs that no sentinel accompanied. */

import type { FittedTimeEffect, TimeEffectOptions } from '../drift/time-effect';
import { fitTimeEffect, timeFactorAt } from '../drift/time-effect';
import type { LatencyRow } from '../latency-row';
import { regressionOf, samplesOfRows } from './predictor';
import { createSparsityFeatures } from './sparsity-features';
import type { LatencySubject } from './subject';
import { wholeSubject } from './subject';

/** Rows as if the machine had kept its speed. */
export interface CancelledDrift extends Pick<FittedTimeEffect, 'effect' | 'drift'> {
  readonly rows: readonly LatencyRow[];
}

/**
 * Divides each row by how much slower the machine was when it was measured, found from the rows themselves. Rows must have been measured
 * in random order, each at one time: a row whose visits are spread over the run needs the sentinel of the run instead.
 *
 * @param places when each row was measured; default: in the order of the list
 * @throws ConfigError for places that do not rise, or rows that cannot be fitted
 * @example
 * const { rows: steady, drift } = cancelDrift(subject, rows);
 * drift.shifts; // [{ row: 41, ratio: 1.18 }, { row: 88, ratio: 0.85 }]
 */
export function cancelDrift(
  subject: LatencySubject,
  rows: readonly LatencyRow[],
  { places, ...options }: Omit<TimeEffectOptions, 'model'> & { readonly places?: readonly number[] } = {},
): CancelledDrift {
  const features = createSparsityFeatures(wholeSubject(subject));
  const { vectors } = samplesOfRows(features, rows);
  const order = places ?? rows.map((_, row) => row);
  const { effect, drift } = fitTimeEffect(
    vectors,
    rows.map(({ ms }) => ms),
    order,
    { ...options, model: regressionOf('table', features.columns) },
  );
  return {
    effect,
    drift,
    rows: rows.map((row, i) => {
      const factor = timeFactorAt(effect, order[i] ?? 0);
      return {
        ...row,
        ms: row.ms / factor,
        ...(row.visitMs === undefined ? {} : { visitMs: row.visitMs.map((ms) => ms / factor) }),
      };
    }),
  };
}
