/** A made-up device that runs on a clock of its own: known times, known noise, known drift, and everything that goes wrong with real ones. */

import type { PrunedRatios } from '@sparsevit/windows';
import { createRandom, drawUniformly, mixSeeds, type SparsitySpace, sparsityModes } from '@sparsevit/windows';
import type { DeviceFingerprint, LatencyRunner, MeasureEvent, VisitPlace } from '../../src/index';

/** How the device behaves. */
export interface SimulationOptions {
  readonly seed?: number;
  /** Standard deviation of the logarithm of a run's time. */
  readonly noise?: number;
  /** Share of runs that take 1.5 to 4 times as long. */
  readonly outliers?: number;
  /** Factor of all times at a moment of the device's clock. */
  readonly drift?: (timeMs: number) => number;
  /** The clock's least step; default: it is exact. */
  readonly clockStepMs?: number;
  readonly costMs?: (prunedRatios: PrunedRatios) => number;
  /** What a run does beside taking time: throw, mostly. Counts runs from 0. */
  readonly onRun?: (prunedRatios: PrunedRatios, run: number) => void;
}

/** A device and its clock. */
export interface Simulation {
  readonly runner: LatencyRunner;
  now(): number;
  pause(ms: number): Promise<void>;
  onEvent(event: MeasureEvent): void;
  readonly events: MeasureEvent[];
  /** Runs so far. */
  runs(): number;
  costMs(prunedRatios: PrunedRatios): number;
}

/** A cost with stairs: windows come in tiles, and ranking costs something. */
export function stairsMs(prunedRatios: PrunedRatios): number {
  let ms = 4;
  prunedRatios.forEach((ratios, stage) => {
    if (ratios.some((ratio) => ratio > 0)) ms += 0.5;
    for (const ratio of ratios) ms += Math.ceil((64 >> stage) * (1 - ratio)) * 0.125 * (stage + 1);
  });
  return ms;
}

/** Times are whole numbers of this, so that sums of them are exact whatever the clock shows. */
const grainMs = 1 / 1024;
const toGrain = (ms: number): number => Math.max(1, Math.round(ms / grainMs)) * grainMs;

/** Makes a device. Its noise depends on the visit and the number of the run in it, so that a visit that is done again gives the same. */
export function createSimulation(options: SimulationOptions = {}): Simulation {
  const { seed = 1, noise = 0, outliers = 0, drift = () => 1, clockStepMs, costMs = stairsMs, onRun } = options;
  let timeMs = 0;
  let runs = 0;
  let prepared: string | null = null;
  /** The stream of the visit that is going on. */
  let stream = createRandom(mixSeeds([seed]));
  const events: MeasureEvent[] = [];
  /** What the last look behind a stretch was drawn from: a look before the next one, in a new process, is the same look. */
  const closings = new Map<number, number>();
  let lastVisited = '';
  const streamSeed = (place: VisitPlace, isSettled: boolean): number => {
    const { purpose, stretch, attempt } = place;
    const name = [...JSON.stringify(place.prunedRatios)].map((character) => character.charCodeAt(0));
    if (purpose === 'warm-up' || stretch === null || attempt === null) return mixSeeds([seed, 0, ...name]);
    const settled = isSettled ? 1 : 0;
    if (purpose === 'visit') return mixSeeds([seed, 1, stretch, attempt, settled, ...name]);
    const isClosing = lastVisited === `${stretch} ${attempt}`;
    if (isClosing) closings.set(stretch, attempt);
    const before = closings.get(stretch - 1);
    const isBoundary = !isClosing && attempt === 0 && before !== undefined;
    const drawn = isBoundary ? [stretch - 1, before, 1] : [stretch, attempt, isClosing ? 1 : 0];
    return mixSeeds([seed, 2, ...drawn, settled]);
  };
  return {
    events,
    runs: () => runs,
    costMs,
    now: () => (clockStepMs === undefined ? timeMs : Math.floor(timeMs / clockStepMs) * clockStepMs),
    pause: async (ms) => {
      timeMs += toGrain(ms) * (ms > 0 ? 1 : 0);
    },
    onEvent(event) {
      events.push(event);
      if (event.type === 'measurement-started') lastVisited = '';
      if (event.type === 'visit-started') stream = createRandom(streamSeed(event, false));
      if (event.type === 'visit-settled') {
        stream = createRandom(streamSeed(event, true));
        if (event.purpose === 'visit') lastVisited = `${event.stretch} ${event.attempt}`;
      }
    },
    runner: {
      prepare(prunedRatios) {
        if (prepared !== null) throw new Error('prepared twice');
        prepared = JSON.stringify(prunedRatios);
      },
      async run(prunedRatios) {
        if (prepared !== JSON.stringify(prunedRatios)) throw new Error('run before it was prepared');
        const run = runs++;
        onRun?.(prunedRatios, run);
        const slow = stream.uniform() < outliers ? 1.5 + 2.5 * stream.uniform() : 1;
        timeMs += toGrain(costMs(prunedRatios) * Math.exp(noise * stream.normal()) * slow * drift(timeMs));
      },
      release() {
        prepared = null;
      },
    },
  };
}

/** The space that configurations are drawn from. */
const space: SparsitySpace = {
  pairsPerStage: [1, 1, 3, 1],
  choices: [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8],
};

/** Different configurations. */
export function drawConfigs(count: number, seed = 1): PrunedRatios[] {
  const random = createRandom(seed);
  const drawn = new Map<string, PrunedRatios>();
  while (drawn.size < count) {
    const prunedRatios = drawUniformly(space, random);
    drawn.set(JSON.stringify(prunedRatios), prunedRatios);
  }
  return [...drawn.values()];
}

/** On what the simulated times are. */
export const fingerprint: DeviceFingerprint = {
  device: {
    name: 'Simulated processor',
    driver: null,
    platform: 'test x64',
    runtime: 'Node 0',
    backend: 'engine',
    backendVersion: '@sparsevit/engine 0.0.0',
    kernels: 'SIMD',
    threads: 1,
  },
  model: {
    name: 'swin-t',
    hash: '0123456789abcdef',
    architecture: { embedDim: 96, depths: [2, 2, 6, 2], heads: [3, 6, 12, 24], window: 7, mlpRatio: 4, patchSize: 4 },
    rules: sparsityModes.clean,
  },
  input: { batch: 1, height: 224, width: 224 },
};
