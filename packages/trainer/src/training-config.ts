/** A training run as plain data, and what `train` makes of it. The schema with defaults stands in `@sparsevit/config`. */

import type { Sparsity, SwinArchitecture } from '@sparsevit/windows';
import { ConfigError, checkSparsity, sparsityModes } from '@sparsevit/windows';
import { addDecayedWeights, clipByGlobalNorm, scaleByAdam, scaleByLearningRate } from './adam';
import { decaysByRecipe, decaysMatrices, layerDecay } from './groups';
import type { SamplerKind } from './sampler';
import { createSampler } from './sampler';
import type { Schedule } from './schedule';
import { constantSchedule, cosineSchedule, polynomialSchedule, stepSchedule, warmUpOver, warmUpThen } from './schedule';
import type { TrainConfig } from './train';
import type { GradientTransform } from './transform';
import { chain } from './transform';

/** How the learning rate goes. */
export interface ScheduleConfig {
  readonly kind: 'constant' | 'cosine' | 'step' | 'polynomial';
  /** The last rate of `cosine` and `polynomial`; default 0. */
  readonly end?: number;
  /** Of `step`: shares of all steps after which the rate falls; default 2/3 and 11/12, as published (epochs 8 and 11 of 12). */
  readonly at?: readonly number[];
  /** Of `step`; default 0.1. */
  readonly factor?: number;
  /** Of `polynomial`; default 1. */
  readonly power?: number;
  /** Steps of the rise at the beginning; default 0. */
  readonly warmUpSteps?: number;
  /** Where the rise begins, as a share of the rate; it lies on top of the schedule then, as published (0.001). Without it the schedule begins after the rise. */
  readonly warmUpRatio?: number;
}

/** AdamW. */
export interface OptimizerConfig {
  readonly learningRate: number;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  /** Default 0.05, as published. */
  readonly weightDecay?: number;
  /** `recipe` (default): everything decays but norms and tables of position biases. `matrices`: nor do biases. */
  readonly decay?: 'recipe' | 'matrices';
  /** Norm of all gradients that is not exceeded; null (default) for none. */
  readonly clipNorm?: number | null;
  /** The rate of each block is this many times that of the one above it; default 1. */
  readonly layerDecay?: number;
  /** Factors of the rate by the beginning of a parameter's key: `{ "backbone.": 0.1 }`. The longest that fits counts. */
  readonly rateScales?: Readonly<Record<string, number>>;
}

/** A training run. */
export interface TrainingConfig {
  /** `dense`: nothing is pruned. `adapt`: another sparsity at every step. `finetune`: always the given one. */
  readonly mode: 'dense' | 'adapt' | 'finetune';
  readonly steps: number;
  readonly seed: number;
  readonly optimizer: OptimizerConfig;
  readonly schedule?: ScheduleConfig;
  /** Of `adapt`; default the paper's. */
  readonly sampler?: { readonly kind?: SamplerKind; readonly choices?: readonly number[] };
  /** Of `finetune`. */
  readonly sparsity?: Sparsity;
  /** Rules of scoring and counting of `adapt`; default `clean`. */
  readonly sparsityMode?: keyof typeof sparsityModes;
  readonly accumulate?: number;
  readonly dropPathRate?: number;
  readonly averageDecay?: number | null;
  readonly largestLoss?: number;
  readonly saveEvery?: number;
  readonly keepLast?: number;
  readonly evaluateEvery?: number;
}

/**
 * The learning rate of a run by step.
 *
 * @throws ConfigError for rates or steps that are none
 * @example
 * learningRateOf({ learningRate: 1e-4 }, { kind: 'cosine', warmUpSteps: 100 }, 1000)(0); // 1e-6
 */
export function learningRateOf(
  { learningRate: base }: Pick<OptimizerConfig, 'learningRate'>,
  schedule: ScheduleConfig,
  steps: number,
): Schedule {
  const { kind, end = 0, at = [2 / 3, 11 / 12], factor = 0.1, power = 1, warmUpSteps = 0, warmUpRatio } = schedule;
  const isOver = warmUpRatio !== undefined;
  const length = isOver ? steps : Math.max(0, steps - warmUpSteps);
  const proper = ((): Schedule => {
    switch (kind) {
      case 'constant':
        return constantSchedule(base);
      case 'cosine':
        return cosineSchedule({ base, end, steps: length });
      case 'polynomial':
        return polynomialSchedule({ base, end, steps: length, power });
      case 'step':
        return stepSchedule({ base, at: at.map((share) => Math.round(share * length)), factor });
      default:
        throw new ConfigError(`schedule: expected constant, cosine, step or polynomial, got ${String(kind)}.`);
    }
  })();
  if (warmUpSteps === 0) return proper;
  return isOver ? warmUpOver(warmUpSteps, warmUpRatio, proper) : warmUpThen(warmUpSteps, base, proper);
}

/**
 * AdamW of a config.
 *
 * @throws ConfigError for numbers that cannot be
 * @example
 * const transform = optimizerOf(config.optimizer, learningRateOf(config.optimizer, { kind: 'cosine' }, 1000), architecture);
 */
export function optimizerOf(
  config: OptimizerConfig,
  learningRate: Schedule,
  architecture: Pick<SwinArchitecture, 'depths'>,
): GradientTransform {
  const { weightDecay = 0.05, decay = 'recipe', clipNorm = null, rateScales = {} } = config;
  const { beta1, beta2, epsilon } = config;
  const constants = Object.fromEntries(
    Object.entries({ beta1, beta2, epsilon }).filter(([, value]) => value !== undefined),
  );
  const ofLayer = layerDecay(architecture, config.layerDecay ?? 1);
  const prefixes = Object.keys(rateScales).sort((a, b) => b.length - a.length);
  for (const prefix of prefixes) {
    const scale = rateScales[prefix] ?? Number.NaN;
    if (!(scale >= 0 && Number.isFinite(scale))) {
      throw new ConfigError(`optimizer: expected the rate scale of ${prefix} to be at least 0, got ${scale}.`);
    }
  }
  const ofGroup = (key: string): number => rateScales[prefixes.find((prefix) => key.startsWith(prefix)) ?? ''] ?? 1;
  return chain(
    ...(clipNorm === null ? [] : [clipByGlobalNorm(clipNorm)]),
    scaleByAdam(constants),
    ...(weightDecay === 0
      ? []
      : [addDecayedWeights(weightDecay, decay === 'recipe' ? decaysByRecipe : decaysMatrices)]),
    scaleByLearningRate(learningRate, (key) => ofLayer(key) * ofGroup(key)),
  );
}

/**
 * What `train` is given for a run.
 *
 * @param identity what else the run depends on (data, model), as JSON; a run is resumed only with the same
 * @throws ConfigError for a run that cannot be
 * @example
 * await train(model, data, trainConfigOf(config, model.architecture, '{}'), { store });
 */
export function trainConfigOf(config: TrainingConfig, architecture: SwinArchitecture, identity: string): TrainConfig {
  const { mode, steps, seed, optimizer, schedule = { kind: 'cosine' } } = config;
  const { sampler = {}, sparsity, sparsityMode = 'clean' } = config;
  const sparsitiesOf = ((): TrainConfig['sparsitiesOf'] => {
    switch (mode) {
      case 'dense':
        return () => [null];
      case 'adapt':
        return createSampler(architecture, { ...sampler, seed, rules: sparsityModes[sparsityMode] });
      case 'finetune': {
        if (sparsity === undefined) {
          throw new ConfigError(
            'finetune: expected the sparsity to train at, got none. adapt draws one at every step.',
          );
        }
        const fixed = [checkSparsity(architecture, sparsity)];
        return () => fixed;
      }
      default:
        throw new ConfigError(`train: expected the mode dense, adapt or finetune, got ${String(mode)}.`);
    }
  })();
  const { accumulate, dropPathRate, averageDecay, largestLoss, saveEvery, keepLast, evaluateEvery } = config;
  const given = { accumulate, dropPathRate, averageDecay, largestLoss, saveEvery, keepLast, evaluateEvery };
  return {
    steps,
    seed,
    sparsitiesOf,
    transform: optimizerOf(optimizer, learningRateOf(optimizer, schedule, steps), architecture),
    // how often is saved or looked at changes no weight, so that it may change between two starts
    identity: JSON.stringify([{ ...config, saveEvery: 0, keepLast: 0, evaluateEvery: 0 }, identity]),
    ...(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Partial<TrainConfig>),
  };
}
