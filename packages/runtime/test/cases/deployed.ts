/** Task files, and deployed ones, with random weights: what `sparsevit pipeline` writes, made in milliseconds. */

import { randomWeights, readSafetensors, writeSafetensors } from '@sparsevit/backbone';
import { countMacs, fitPredictor } from '@sparsevit/latency';
import type { TaskCheckpoint, TaskConfig, TaskInput } from '@sparsevit/tasks';
import { newTask, saveTask } from '@sparsevit/tasks';
import type { PrunedRatios, Sparsity, SwinArchitecture } from '@sparsevit/windows';
import { createRandom, createSparsitySpace, drawUniformly, sparsityModes } from '@sparsevit/windows';
import type { Deployment } from '../../src/index';

/** So small that whole models run in milliseconds. */
export const tinySwin: SwinArchitecture = {
  patchSize: 4,
  embedDim: 8,
  depths: [2, 2, 2],
  heads: [1, 2, 4],
  window: 4,
  mlpRatio: 2,
};

export const configs: Readonly<Record<TaskConfig['kind'], TaskConfig>> = {
  classification: { kind: 'classification', classes: ['a', 'b', 'c'] },
  semantic: { kind: 'semantic', classes: ['ground', 'car', 'sign'], channels: 32 },
  upernet: { kind: 'upernet', classes: ['ground', 'car', 'sign'], channels: 16, auxiliaryChannels: 8 },
  detection: { kind: 'detection', classes: ['car', 'disc'], channels: 8, prior: 0.5 },
};

const normalization = { mean: [0.5, 0.4, 0.3], std: [0.25, 0.2, 0.3] } as const;

/** How images may be made ready. */
export const inputs: Readonly<Record<string, TaskInput>> = {
  'at its own size': { size: null, keepRatio: false, normalization },
  stretched: { size: { height: 64, width: 96 }, keepRatio: false, normalization },
  'with borders': { size: { height: 64, width: 96 }, keepRatio: true, normalization },
};

/** A task with random weights, whose boxes are large and whose classes differ. */
export function randomTask(
  config: TaskConfig,
  {
    input = inputs.stretched,
    sparsity = null,
    seed = 1,
  }: { input?: TaskInput; sparsity?: Sparsity | null; seed?: number } = {},
): TaskCheckpoint {
  const weights = randomWeights(tinySwin, seed);
  const checkpoint = newTask(config, { architecture: tinySwin, family: 'mmdet', weights, sparsity }, { seed });
  // fresh last layers say nearly the same everywhere
  const head = new Map(
    [...checkpoint.head].map(([key, { values, shape }]) => {
      const isLast = shape[0] === 1 && (shape.at(-1) ?? 0) <= 4;
      if (key === 'box.bias') return [key, { values: Float32Array.of(6, 5, 0.5, 0.5), shape }];
      return [key, { values: isLast ? values.map((value) => 60 * value) : values, shape }];
    }),
  );
  return { ...checkpoint, head, ...(input === undefined ? {} : { input }) };
}

/** Milliseconds of a sparsity on the device of the search: its multiply-accumulates, and what ranking costs. */
export function searchDeviceMs(prunedRatios: PrunedRatios): number {
  const sparsity = { prunedRatios, ...sparsityModes.clean };
  const { totalMacs } = countMacs(tinySwin, { height: 64, width: 96, accounting: 'fair', sparsity });
  return 2 + totalMacs / 4e5 + 0.1 * prunedRatios.filter((ratios) => ratios.some((ratio) => ratio > 0)).length;
}

/** A deployment of five sparsities: the slower the better. */
export function deploymentOf(): Deployment {
  const space = createSparsitySpace(tinySwin);
  const random = createRandom(2);
  const drawn = [
    [[0], [0], [0]],
    [[0.8], [0.8], [0.8]],
    ...Array.from({ length: 40 }, () => drawUniformly(space, random)),
  ];
  const predictor = fitPredictor(
    { architecture: tinySwin, height: 64, width: 96 },
    drawn.map((prunedRatios) => ({
      prunedRatios,
      ms: searchDeviceMs(prunedRatios) * Math.exp(0.01 * random.normal()),
    })),
    { kind: 'table' },
  );
  const sparsities = [
    [[0.8], [0.8], [0.8]],
    [[0.7], [0.3], [0.6]],
    [[0.5], [0.2], [0.3]],
    [[0.2], [0], [0.3]],
    [[0], [0], [0]],
  ]
    .map((prunedRatios) => ({ prunedRatios, latencyMs: predictor.predictMs(prunedRatios) }))
    .sort((a, b) => a.latencyMs - b.latencyMs)
    .map((one, i) => ({ ...one, score: 0.3 + 0.05 * i }));
  return {
    format: 'sparsevit-deployment',
    version: 1,
    scoreName: 'AP',
    scoredImages: 12,
    sparsities,
    rules: sparsityModes.clean,
    chosen: 2,
    budgetMs: 20,
    input: { batch: 1, height: 64, width: 96 },
    device: 'a simulated device',
    predictor: JSON.parse(JSON.stringify(predictor)) as Record<string, unknown>,
  };
}

/** A task file with this text, or document, in its metadata. */
export function deployedFile(
  checkpoint: TaskCheckpoint,
  deployment: unknown = deploymentOf(),
): Uint8Array<ArrayBuffer> {
  const { tensors, metadata } = readSafetensors(saveTask(checkpoint));
  const text = typeof deployment === 'string' ? deployment : JSON.stringify(deployment);
  return writeSafetensors(tensors, { ...metadata, 'sparsevit-deployment': text });
}
