/** One measured latency, as profiling hands it to predictors, quality reports and calibration. */

import type { PrunedRatios } from '@sparsevit/windows';
import { ConfigError } from '@sparsevit/windows';

/** What a sparsity took: the median over its visits, with the drift of the machine already cancelled where a sentinel was run. */
export interface LatencyRow {
  readonly prunedRatios: PrunedRatios;
  readonly ms: number;
  /** Medians of the single visits, drift cancelled as well. */
  readonly visitMs?: readonly number[];
}

/**
 * Checks that rows can be computed with.
 *
 * @param caller the name that opens the error's message
 * @throws ConfigError naming the first row that is not a sparsity with a time above 0
 * @example
 * checkLatencyRows([{ prunedRatios: [[0], [0], [0, 0, 0], [0]], ms: 41.2 }], 'fitPredictor');
 */
export function checkLatencyRows(rows: readonly LatencyRow[], caller: string): void {
  if (!Array.isArray(rows)) throw new ConfigError(`${caller}: expected a list of rows, got ${typeof rows}.`);
  rows.forEach(({ ms, visitMs = [], prunedRatios }, row) => {
    for (const time of [ms, ...visitMs]) {
      if (typeof time !== 'number' || !Number.isFinite(time) || time <= 0) {
        throw new ConfigError(`${caller}: expected milliseconds above 0 in row ${row}, got ${time}. Measure it again.`);
      }
    }
    if (!Array.isArray(prunedRatios))
      throw new ConfigError(`${caller}: expected prunedRatios in row ${row}, got none.`);
  });
}
