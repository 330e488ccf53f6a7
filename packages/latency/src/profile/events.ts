/** What a measurement tells on its way. */

import type { PrunedRatios } from '@sparsevit/windows';
import type { ExclusionReason } from './records';

/** How far a measurement is. */
export interface MeasurementProgress {
  /** Visits and looks at the sentinel that are done, in all sessions. */
  readonly visitsDone: number;
  /** All that are planned; a repeated stretch adds to both. */
  readonly visits: number;
  /** Milliseconds until the end, as far as can be told; null before anything was timed. */
  readonly remainingMs: number | null;
}

/** What is being timed. */
export interface VisitPlace {
  readonly purpose: 'warm-up' | 'sentinel' | 'visit';
  readonly prunedRatios: PrunedRatios;
  /** Null while warming up. */
  readonly round: number | null;
  readonly stretch: number | null;
  readonly attempt: number | null;
}

/** An event of a measurement. */
export type MeasureEvent =
  | {
      readonly type: 'measurement-started';
      readonly configs: number;
      readonly rounds: number;
      /** True when a journal had something already. */
      readonly isResumed: boolean;
      readonly timerResolutionMs: number | null;
      readonly progress: MeasurementProgress;
    }
  | ({ readonly type: 'visit-started' } & VisitPlace)
  /** The runs that do not count are done; the next ones are samples. */
  | ({ readonly type: 'visit-settled' } & VisitPlace)
  | ({ readonly type: 'visit-ended'; readonly ms: number; readonly progress: MeasurementProgress } & VisitPlace)
  | ({ readonly type: 'visit-failed'; readonly message: string; readonly willRetry: boolean } & VisitPlace)
  | { readonly type: 'warm-up-unsteady'; readonly prunedRatios: PrunedRatios; readonly runs: number }
  | {
      readonly type: 'sentinel-moved';
      readonly round: number;
      readonly stretch: number;
      readonly attempt: number;
      /** 0.05 is 5 %. */
      readonly moved: number;
      readonly outcome: 'repeated' | 'dropped';
    }
  | {
      readonly type: 'config-excluded';
      readonly prunedRatios: PrunedRatios;
      readonly reason: ExclusionReason;
      readonly message: string;
    }
  | { readonly type: 'measurement-ended'; readonly rows: number; readonly excluded: number };
