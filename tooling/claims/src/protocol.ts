/**
 * The study of the paper's training claims on scenes that the project draws: what is trained, on what, for how long. Everything is decided here, before
 * anything is looked at; the scenes that are judged are used for nothing else.
 */

import type { Dataset } from '@sparsevit/data';
import { cacheDataset, createScenes } from '@sparsevit/data';
import type { TaskConfig } from '@sparsevit/tasks';
import type { SwinArchitecture } from '@sparsevit/windows';

/** How much is done. */
export interface Protocol {
  readonly seeds: readonly number[];
  readonly trainScenes: number;
  readonly testScenes: number;
  /** Sides of the scenes in pixels. */
  readonly side: number;
  /** Sides of the crops that are trained on, in pixels of the full resolution. */
  readonly crop: number;
  readonly batch: number;
  readonly steps: { readonly dense: number; readonly adapt: number; readonly finetune: number };
  readonly prunedRatios: readonly number[];
}

/** The whole study: under an hour on two cores. */
export const fullProtocol: Protocol = {
  seeds: [0, 1, 2],
  trainScenes: 100,
  testScenes: 40,
  side: 448,
  crop: 224,
  batch: 2,
  steps: { dense: 800, adapt: 800, finetune: 400 },
  prunedRatios: [0.2, 0.4, 0.6, 0.8],
};

/** To see that it works: a few minutes. */
export const quickProtocol: Protocol = {
  ...fullProtocol,
  seeds: [0],
  trainScenes: 20,
  testScenes: 6,
  steps: { dense: 100, adapt: 60, finetune: 40 },
};

/** swin-nano, which trains on a processor. */
export const architecture: SwinArchitecture = {
  patchSize: 4,
  embedDim: 32,
  depths: [2, 2, 2, 2],
  heads: [1, 2, 4, 8],
  window: 7,
  mlpRatio: 4,
};

/** Shares of windows at which the controls are compared. */
export const controlRatio = 0.6;

/** Normalisation of ImageNet: any would do for scenes. */
export const normalization = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;

/** The scenes: training and test are drawn from different seeds. */
export function scenesOf(protocol: Protocol, part: 'train' | 'test'): Dataset {
  const { trainScenes, testScenes, side } = protocol;
  const isTest = part === 'test';
  const count = isTest ? testScenes : trainScenes;
  return cacheDataset(createScenes({ count, seed: isTest ? 90_001 : 1, height: side, width: side }));
}

/** The task on the classes of the scenes. */
export const taskOf = (classes: readonly string[]): TaskConfig => ({ kind: 'detection', classes, channels: 32 });
