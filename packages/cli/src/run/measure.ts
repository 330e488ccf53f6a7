/** Timing two ways to do the same, fairly: one warm-up each, then in turns, so that a change of the machine's speed meets both. */

import { median } from '@sparsevit/latency';

/** One of the ways. */
export interface TimedWay<Result> {
  readonly name: string;
  /** The work; ends when it is really done. */
  run(): Promise<Result>;
  /** Takes what the warm-up gave, outside the clock. */
  onWarmUp?(result: Result): Promise<void>;
  /** Frees what a run gave. */
  release(result: Result): void;
}

/** What was measured. */
export interface Measurement {
  /** Per way the time of each counted run in milliseconds. */
  readonly samplesMs: readonly (readonly number[])[];
  /** True when the only sample is the warm-up, because one took too long to be repeated. */
  readonly isWarmUp: boolean;
}

/** A warm-up longer than this is not repeated. */
const longestWarmUpMs = 20_000;

/**
 * Runs each way once to warm up, then all of them in turns, `repeats` times.
 *
 * @example
 * const { samplesMs } = await measureInTurns([dense, sparse], { repeats: 3, now: () => performance.now(), onStep: () => {} });
 */
export async function measureInTurns<Result>(
  ways: readonly TimedWay<Result>[],
  options: { repeats: number; now: () => number; onStep: (text: string) => void },
): Promise<Measurement> {
  const { repeats, now, onStep } = options;
  const timed = async (way: TimedWay<Result>): Promise<{ ms: number; result: Result }> => {
    const start = now();
    const result = await way.run();
    return { ms: now() - start, result };
  };
  const warmUps: number[][] = [];
  for (const way of ways) {
    onStep(`${way.name}, warm-up`);
    const { ms, result } = await timed(way);
    warmUps.push([ms]);
    try {
      await way.onWarmUp?.(result);
    } finally {
      way.release(result);
    }
  }
  if (warmUps.flat().some((ms) => ms > longestWarmUpMs)) return { samplesMs: warmUps, isWarmUp: true };
  const samplesMs: number[][] = ways.map(() => []);
  for (let repeat = 1; repeat <= repeats; repeat++) {
    for (const [i, way] of ways.entries()) {
      onStep(`${way.name}, run ${repeat} of ${repeats}`);
      const { ms, result } = await timed(way);
      way.release(result);
      samplesMs[i]?.push(ms);
    }
  }
  return { samplesMs, isWarmUp: false };
}

/** Middle and ends of some samples. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Median (of an even number the mean of the middle two), least and largest. */
export function spreadOf(samples: readonly number[]): Spread {
  return { median: median(samples), min: Math.min(...samples), max: Math.max(...samples) };
}
