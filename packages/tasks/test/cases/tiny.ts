import { randomWeights } from '@sparsevit/backbone';
import type { SwinArchitecture } from '@sparsevit/windows';
import { createRandom } from '@sparsevit/windows';
import type { TaskCheckpoint, TaskConfig } from '../../src/index';
import { newTask } from '../../src/index';

/** A Swin so small that whole models run in milliseconds. */
export const architecture: SwinArchitecture = {
  patchSize: 4,
  embedDim: 8,
  depths: [2, 2, 2],
  heads: [1, 2, 4],
  window: 4,
  mlpRatio: 2,
};

export const configs: Record<string, TaskConfig> = {
  classification: { kind: 'classification', classes: ['a', 'b', 'c'], labelSmoothing: 0.1 },
  semantic: { kind: 'semantic', classes: ['ground', 'car', 'sign'], channels: 32 },
  upernet: { kind: 'upernet', classes: ['ground', 'car', 'sign'], channels: 16, auxiliaryChannels: 8 },
  detection: { kind: 'detection', classes: ['car', 'disc'], channels: 8 },
};

/** A task with random weights. */
export const randomTask = (config: TaskConfig, seed = 1): TaskCheckpoint =>
  newTask(config, { architecture, family: 'mmdet', weights: randomWeights(architecture, seed) }, { seed });

/** Values from -1 to 1. */
export function draw(count: number, seed: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: count }, () => random.uniform() * 2 - 1);
}
