/** What `bench:latency` measures: parts, each a table that a process of its own measures. */

import type { SwinPresetName } from '@sparsevit/config/presets';
import { swinPreset } from '@sparsevit/config/presets';
import type { MeasureProtocol } from '@sparsevit/latency';
import { createSamplingPlan } from '@sparsevit/latency';
import type { PrunedRatios, SwinArchitecture } from '@sparsevit/windows';
import { createSparsitySpace } from '@sparsevit/windows';

/** One table. */
export interface BenchPart {
  /** `448-1-fit` */
  readonly name: string;
  readonly sizePixels: number;
  readonly threads: number;
  readonly role: 'fit' | 'hold-out' | 'calibration';
  readonly configs: readonly PrunedRatios[];
  readonly protocol: Partial<MeasureProtocol>;
}

/** The whole bench. */
export interface BenchPlan {
  readonly isQuick: boolean;
  readonly preset: SwinPresetName;
  readonly architecture: SwinArchitecture;
  readonly sizePixels: number;
  /** The size that the predictor of one thread is moved to. */
  readonly smallSizePixels: number;
  readonly threads: readonly number[];
  /** In the order in which they are measured: every hold-out after everything that is fitted to. */
  readonly parts: readonly BenchPart[];
}

/**
 * Visits of one run after one that does not count: four of them spread over the measurement see more of the machine's noise than many runs in a
 * row, and take less. One configuration takes ten runs.
 */
const protocol: Partial<MeasureProtocol> = {
  rounds: 4,
  samplesPerVisit: 1,
  settlingRuns: 1,
  samplesPerSentinel: 3,
  leastWarmUpRuns: 2,
  agreeingRuns: 2,
  mostWarmUpRuns: 6,
};

/**
 * With a thread on each core whatever else runs stops one of them, and a run takes up to twice as long: the time that shorter runs leave goes into
 * three of them a visit, whose median counts.
 */
const samplesPerVisitOf = (threads: number): number => (threads === 1 ? 1 : 3);

/** Plans the bench: 100 configurations to fit, 40 held out, 60 of a smaller size to calibrate by. */
export function createBenchPlan({ isQuick }: { isQuick: boolean }): BenchPlan {
  const preset: SwinPresetName = isQuick ? 'swin-nano' : 'swin-t';
  const [sizePixels, smallSizePixels] = isQuick ? [224, 112] : [448, 224];
  const [fit, holdOut, calibration] = isQuick ? [40, 16, 30] : [100, 40, 60];
  const architecture = swinPreset(preset);
  const space = createSparsitySpace(architecture);
  const samples = createSamplingPlan(space, { seed: 1, fit, holdOut });
  const others = createSamplingPlan(space, { seed: 2, fit: calibration, holdOut: 0 });
  const threads = [1, 2];
  const part = (size: number, count: number, role: BenchPart['role'], configs: readonly PrunedRatios[]): BenchPart => ({
    name: `${size}-${count}-${role}`,
    sizePixels: size,
    threads: count,
    role,
    configs,
    // runs of milliseconds are over before a busy machine has settled
    protocol: isQuick
      ? { ...protocol, samplesPerVisit: 3, largestMove: 0.5, coolDownMs: 100 }
      : { ...protocol, samplesPerVisit: samplesPerVisitOf(count) },
  });
  return {
    isQuick,
    preset,
    architecture,
    sizePixels,
    smallSizePixels,
    threads,
    parts: [
      ...threads.map((count) => part(sizePixels, count, 'fit', samples.fit)),
      part(smallSizePixels, 1, 'calibration', others.fit),
      ...threads.map((count) => part(sizePixels, count, 'hold-out', samples.holdOut)),
    ],
  };
}
