import type { LatencyTable } from '@sparsevit/config';
import { countMacs, defaultProtocol, noiseFloorOf } from '@sparsevit/latency';
import type { PrunedRatios } from '@sparsevit/windows';
import { createRandom, sparsityModes } from '@sparsevit/windows';
import { architecture } from './train-run';

/** What a device of the tests takes: work, and a little for every stage that begins to prune. */
export function simulatedMs(prunedRatios: PrunedRatios, size = 64): number {
  const sparsity = { prunedRatios, ...sparsityModes.clean };
  const { totalMacs } = countMacs(architecture, { height: size, width: size, accounting: 'fair', sparsity });
  return 4 + totalMacs / 5e4 + 0.2 * prunedRatios.filter((ratios) => ratios.some((ratio) => ratio > 0)).length;
}

/** A table as `measure` writes it, of a simulated device: five visits a row, each 1 % off. */
export function tableOf(
  sparsities: readonly PrunedRatios[],
  {
    threads = 1,
    size = 64,
    seed = 1,
    speed = 1,
  }: { threads?: number; size?: number; seed?: number; speed?: number } = {},
): LatencyTable {
  const random = createRandom(seed);
  const rows = sparsities.map((prunedRatios) => {
    const ms = simulatedMs(prunedRatios, size) / speed;
    const visitMs = Array.from({ length: 5 }, () => ms * Math.exp(0.01 * random.normal()));
    const visits = visitMs.map((one, round) => ({
      round,
      session: 0,
      startMs: 0,
      endMs: one,
      samplesMs: [one],
      driftRatio: 1,
    }));
    return { prunedRatios, ms: [...visitMs].sort((a, b) => a - b)[2] ?? ms, visitMs, visits };
  });
  const dense = architecture.depths.map(() => [0]); // one pair a stage
  const noise = noiseFloorOf(rows);
  return {
    format: 'sparsevit-latency-table',
    version: 1,
    device: {
      name: 'Simulated',
      driver: null,
      platform: 'test',
      runtime: 'Node 0',
      backend: 'engine',
      backendVersion: '0',
      kernels: null,
      threads,
    },
    model: { name: 'tiny', hash: '0123456789abcdef', architecture, rules: sparsityModes.clean },
    input: { batch: 1, height: size, width: size },
    protocol: { ...defaultProtocol, seed },
    sessions: [{ startedAt: null, timerResolutionMs: null }],
    rows,
    excluded: [],
    sentinel: {
      prunedRatios: dense,
      ms: (simulatedMs(dense, size) / speed) * Math.exp(0.01 * random.normal()),
      readings: [],
    },
    unsteady: [],
    noise: noise === null ? null : { visit: noise.visitPercent / 100, row: noise.rowPercent / 100 },
  };
}
