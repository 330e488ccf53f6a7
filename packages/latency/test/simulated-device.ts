/** A made-up device for tests: what a Swin of a given sparsity costs on it, without noise, with the steps that real devices have. */

import type { PrunedRatios, SparsityRules, SwinArchitecture } from '@sparsevit/windows';
import { keptWindows, sparsityModes, stageChannels } from '@sparsevit/windows';

/** What is run on the device, and how the device computes. */
export interface SimulatedDeviceOptions {
  readonly architecture: SwinArchitecture;
  readonly height: number;
  readonly width: number;
  readonly batch?: number;
  readonly sparsity?: Pick<SparsityRules, 'rounding' | 'minKept'>;
  /** Rows of a matrix product that are computed together: costs rise in steps of this many. 1 is a device without steps. */
  readonly tileRows?: number;
  /** Multiply-accumulates per millisecond of products. */
  readonly macsPerMs?: number;
  /** Values moved per millisecond. */
  readonly valuesPerMs?: number;
  /** Milliseconds of starting a block, and of ranking windows. */
  readonly callMs?: number;
  /** How much slower all gets, as a share, when every window of the first and of the last stage is kept: what no sum over pairs can tell. */
  readonly interaction?: number;
}

/**
 * Milliseconds of a sparsity on a simulated device: tiles of products, attention, moved rows of pruned blocks, scoring once per stage that
 * prunes, a call per block. Without `interaction` it is a sum over pairs of blocks, with a step where a stage or a pair begins to prune.
 */
export function createSimulatedDevice(options: SimulatedDeviceOptions): (prunedRatios: PrunedRatios) => number {
  const { architecture, height, width, batch = 1, sparsity = sparsityModes.clean } = options;
  const { tileRows = 96, macsPerMs = 2e7, valuesPerMs = 2e6, callMs = 0.05, interaction = 0 } = options;
  const { window, depths, patchSize, mlpRatio } = architecture;
  const tokens = window * window;
  const stages = depths.map((depth, stage) => {
    const side = (pixels: number): number => Math.ceil(pixels / patchSize / 2 ** stage);
    const windows = Math.ceil(side(height) / window) * Math.ceil(side(width) / window);
    return { depth, windows, channels: stageChannels(architecture, stage), map: side(height) * side(width) * batch };
  });
  return (prunedRatios) => {
    let ms = 1;
    stages.forEach(({ depth, windows, channels, map }, stage) => {
      const ratios = prunedRatios[stage] ?? [];
      const isRanked = ratios.some((ratio) => ratio > 0);
      if (isRanked) ms += 2 * callMs + (map * channels) / valuesPerMs;
      for (let block = 0; block < depth; block++) {
        const ratio = ratios[Math.floor(block / 2)] ?? 0;
        const rows = batch * tokens * (ratio === 0 ? windows : keptWindows(windows, ratio, sparsity));
        if (rows === 0) continue;
        const tiledRows = Math.ceil(rows / tileRows) * tileRows;
        ms += callMs + (tiledRows * (4 + 2 * mlpRatio) * channels * channels) / macsPerMs;
        ms += (2 * rows * tokens * channels) / (macsPerMs / 3);
        if (ratio > 0) ms += callMs + (2 * rows * channels) / valuesPerMs;
      }
    });
    const keptShare = (stage: number): number => 1 - (prunedRatios[stage]?.at(-1) ?? 0);
    return ms * (1 + interaction * keptShare(0) * keptShare(depths.length - 1));
  };
}
