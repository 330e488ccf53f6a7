/** One measurement of a sparsity, outside of a table. */

import type { LatencyRunner } from '@sparsevit/latency';
import { median } from '@sparsevit/latency';
import type { PrunedRatios } from '@sparsevit/windows';

/** The median of a few runs, in milliseconds, after one that does not count. */
export async function timeSparsity(
  runner: LatencyRunner,
  prunedRatios: PrunedRatios,
  { now, runs = 3 }: { readonly now: () => number; readonly runs?: number | undefined },
): Promise<number> {
  await runner.prepare?.(prunedRatios);
  try {
    await runner.run(prunedRatios);
    const samples: number[] = [];
    for (let i = 0; i < runs; i++) {
      const begin = now();
      await runner.run(prunedRatios);
      samples.push(now() - begin);
    }
    return median(samples);
  } finally {
    await runner.release?.(prunedRatios);
  }
}
