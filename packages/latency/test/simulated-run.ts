/** A made-up measuring run on a simulated device: noise, outliers, and a machine that is slower for a while. */

import type { PrunedRatios } from '@sparsevit/windows';
import { createRandom } from '@sparsevit/windows';
import type { LatencyRow } from '../src/index';
import { median } from '../src/statistics';

/** How the run goes wrong. */
export interface SimulatedRunOptions {
  readonly seed: number;
  readonly visits?: number;
  /** Standard deviation of the logarithm of a visit. */
  readonly noise?: number;
  /** Share of visits that take 1.2 to 2 times as long. */
  readonly outlierShare?: number;
  /** How much slower the machine is from two fifths of the run to three fifths, as a share. */
  readonly drift?: number;
  /** `rounds`: every sparsity is visited once in each round, in a new order. `at-once`: all visits of a sparsity follow each other. */
  readonly order?: 'rounds' | 'at-once';
}

/** Rows of the sparsities in the given order: medians of their visits. */
export function simulateRun(
  device: (prunedRatios: PrunedRatios) => number,
  sparsities: readonly PrunedRatios[],
  { seed, visits = 5, noise = 0.03, outlierShare = 0.1, drift = 0, order = 'rounds' }: SimulatedRunOptions,
): LatencyRow[] {
  const random = createRandom(seed);
  const all = visits * sparsities.length;
  const times: number[][] = sparsities.map(() => []);
  for (let visit = 0; visit < all; visit++) {
    // in rounds, who comes when inside a round makes no difference to the share of visits that are slow
    const row = order === 'rounds' ? (visit * 7919) % sparsities.length : Math.floor(visit / visits);
    const isSlow = visit >= 0.4 * all && visit < 0.6 * all;
    const outlier = random.uniform() < outlierShare ? 1.2 + 0.8 * random.uniform() : 1;
    const factor = (isSlow ? 1 + drift : 1) * outlier * Math.exp(noise * random.normal());
    times[row]?.push(device(sparsities[row] ?? []) * factor);
  }
  return sparsities.map((prunedRatios, row) => {
    const visitMs = times[row] ?? [];
    return { prunedRatios, ms: median(visitMs), visitMs };
  });
}
