/** What is compared, decided before anything was looked at. */

import type { SearchPresetName } from '@sparsevit/search';

/** How much is done. */
export interface Protocol {
  /** Seeds of the models of sensitivity that are reported; the searches were tuned on others (1 to 6). */
  readonly models: readonly number[];
  /** Searches per model, budget and preset. */
  readonly seeds: number;
  /** Budgets as shares of the dense latency. */
  readonly budgets: readonly number[];
  /** Evaluations after which regret is read. */
  readonly evaluations: readonly number[];
  /** Evaluations after which hypervolume is read. */
  readonly frontEvaluations: readonly number[];
  /** Standard deviation, in points, of what each sparsity has for itself in the rough models. */
  readonly roughness: number;
  /** What is lost once more of the worst pair, in the models that no sum of curves and products is. */
  readonly bottleneck: number;
  /** Times that overheads are measured. */
  readonly rounds: number;
}

/** The whole comparison. */
export const fullProtocol: Protocol = {
  models: [101, 102, 103, 104, 105],
  seeds: 20,
  budgets: [0.7, 0.87],
  evaluations: [100, 200, 400],
  frontEvaluations: [100, 200, 400, 600],
  roughness: 0.05,
  bottleneck: 1,
  rounds: 20,
};

/** To see that it works. */
export const quickProtocol: Protocol = { ...fullProtocol, models: [101], seeds: 3, rounds: 5 };

/** All presets that look for one optimum, the default first. */
export const presets: readonly SearchPresetName[] = [
  'assisted',
  'small',
  'sparsevit',
  'ofa',
  'hat',
  'spos',
  'nsga2',
  'random',
];

/** Presets that are compared on the models with deviations. */
export const deviationPresets: readonly SearchPresetName[] = ['assisted', 'small', 'spos', 'random'];

/** Presets that find fronts, the default first. */
export const frontPresets: readonly SearchPresetName[] = ['assisted', 'nsga2', 'random'];

/** What the default has to reach. */
export const goals = { regretPoints: 0.05, regretAt: 200, hypervolumeShare: 0.99, hypervolumeAt: 600 } as const;
