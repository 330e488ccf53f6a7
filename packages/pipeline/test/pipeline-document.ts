/** A pipeline so small that all of it takes seconds. */

import type { PipelineRunInput } from '@sparsevit/config';

const scenes = (count: number, seed: number) => ({ kind: 'scenes', count, seed, height: 64, width: 64 }) as const;
const training = (steps: number) => ({ steps, optimizer: { learningRate: 1e-2 }, saveEvery: 2 });

/** Masks of drawn scenes: their score is no zero, however little is learnt. */
export const tinyPipeline: PipelineRunInput = {
  version: 1,
  task: { kind: 'semantic', channels: 8 },
  model: {
    architecture: { patchSize: 4, embedDim: 8, depths: [2, 2], heads: [1, 2], window: 4, mlpRatio: 2 },
    seed: 1,
  },
  data: { train: scenes(6, 1), validation: scenes(3, 2), test: scenes(3, 3) },
  input: { height: 64, width: 64, augment: { flip: true } },
  batch: 2,
  train: training(24),
  adapt: training(8),
  latency: { configs: 12, rounds: 2, threads: 1 },
  search: { budgetRatio: 0.7, evaluations: 20, processes: 1, measured: 3 },
  finetune: training(4),
  report: { samples: 0, uniform: [0.5], random: 2, resolutions: [0.5], choices: 6 },
  output: 'run',
};
