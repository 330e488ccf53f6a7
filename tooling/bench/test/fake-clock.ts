/** A clock that runs only when a case does, so that the protocol is tested without time. */

import { createRandom } from '@sparsevit/windows';
import type { Measurable, MeasureEvent, Protocol, Surroundings } from '../src/measure';

/** Cases of known durations, and what they are measured with. */
export interface FakeBench {
  readonly surroundings: Surroundings;
  readonly events: MeasureEvent[];
  /** Ids in the order of their runs. */
  readonly runs: string[];
  /** A case whose run number `n` (from 0, over all visits) takes `durationMs(n)`. */
  makeCase(id: string, durationMs: (run: number) => number): Measurable;
}

/** A bench at 0 ms. */
export function fakeBench(seed = 1): FakeBench {
  let timeMs = 0;
  const events: MeasureEvent[] = [];
  const runs: string[] = [];
  return {
    events,
    runs,
    surroundings: {
      now: () => timeMs,
      pause: async (durationMs) => {
        timeMs += durationMs;
      },
      random: createRandom(seed),
      onEvent: (event) => events.push(event),
    },
    makeCase(id, durationMs) {
      let run = 0;
      return {
        id,
        run() {
          runs.push(id);
          timeMs += durationMs(run++);
        },
      };
    },
  };
}

/** A short protocol. */
export const shortProtocol: Protocol = {
  rounds: 2,
  runsPerVisit: 3,
  agreeingRuns: 3,
  agreement: 0.05,
  maxWarmupRuns: { first: 10, later: 1 },
  sentinel: { id: 'dense', everyVisits: 10 },
  sentinelTolerance: 0.05,
  pauseMs: 0,
};
