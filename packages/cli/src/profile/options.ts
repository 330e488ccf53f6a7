/** The options of every command that measures latencies. */

import { checkpointOptions, presetList } from '../model';
import type { ModelOptions } from './subject';

/** What `--backend` takes. */
export const profileBackends = ['engine', 'webgpu', 'wasm', 'cpu'] as const;

/** What is measured, on what and how, as it was typed. */
export interface MeasurementOptions extends ModelOptions {
  readonly size?: string;
  readonly batch?: string;
  readonly mode?: string;
  readonly backend?: string;
  readonly threads?: string;
  readonly rounds?: string;
  readonly tolerance?: string;
  readonly seed?: string;
  readonly out?: string;
}

/** What they are, for parsing and help. */
export const measurementOptions: Record<
  Exclude<keyof MeasurementOptions, 'out'>,
  { value: string; description: string }
> = {
  weights: {
    value: 'FILE',
    description: 'A checkpoint of a Swin, or a trained task with its head; without it the weights are random.',
  },
  model: { value: 'PRESET', description: `Architecture, default swin-t or that of the checkpoint: ${presetList}.` },
  ...checkpointOptions,
  size: { value: 'HxW', description: 'Height and width of the images; default as in training, else 672x672.' },
  batch: { value: 'N', description: 'Images at once, default 1.' },
  mode: {
    value: 'MODE',
    description:
      'clean or official: how many windows a ratio keeps. Default: the one saved with the weights, else clean.',
  },
  backend: {
    value: 'NAME',
    description: `${profileBackends.join(', ')}; default engine. webgpu, wasm and cpu are TensorFlow.js's, with the fused kernels.`,
  },
  threads: { value: 'N', description: 'Threads of the engine, default all cores.' },
  rounds: { value: 'N', description: 'Visits of each configuration, each round in an order of its own; default 5.' },
  seed: { value: 'N', description: 'Of the draws and of the orders, default 0.' },
  tolerance: {
    value: 'SHARE',
    description:
      'Visits are repeated when the sentinel (the dense model) moved by more between two looks; default 0.05.',
  },
};
