/** The schema of how a run trains: the fields of `TrainingConfig` of `@sparsevit/trainer`, with its defaults. */

import type { Sparsity, SparsityMode } from '@sparsevit/windows';
import { maxPrunedRatio, publishedChoices } from '@sparsevit/windows';
import * as z from 'zod';
import type { SparsityInput } from './sparsity';
import { ratioSparsitySchema, thresholdSparsitySchema } from './sparsity';
import type { WithDefaults } from './written';

/** How the learning rate goes. */
export interface TrainingSchedule {
  readonly kind: 'constant' | 'cosine' | 'step' | 'polynomial';
  readonly end: number;
  readonly at: readonly number[];
  readonly factor: number;
  readonly power: number;
  readonly warmUpSteps: number;
  readonly warmUpRatio?: number;
}

/** AdamW. */
export interface TrainingOptimizer {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  readonly decay: 'recipe' | 'matrices';
  readonly clipNorm: number | null;
  readonly layerDecay: number;
  readonly rateScales: Readonly<Record<string, number>>;
}

/** What `adapt` draws. */
export interface TrainingSampler {
  readonly kind: 'paper' | 'uniform' | 'sandwich';
  readonly choices: readonly number[];
}

/** How to train. */
export interface TrainingPlan {
  readonly mode: 'dense' | 'adapt' | 'finetune';
  readonly steps: number;
  readonly seed: number;
  readonly optimizer: TrainingOptimizer;
  readonly schedule: TrainingSchedule;
  readonly sampler: TrainingSampler;
  /** A notation stays one until the architecture is known. */
  readonly sparsity?: string | Sparsity;
  readonly sparsityMode: SparsityMode;
  readonly accumulate: number;
  readonly dropPathRate: number;
  readonly averageDecay: number | null;
  readonly largestLoss: number;
  readonly saveEvery: number;
  readonly keepLast: number;
  readonly evaluateEvery: number;
}

/** How to train, as it is written. */
export type TrainingPlanInput = Omit<
  WithDefaults<TrainingPlan, Exclude<keyof TrainingPlan, 'steps' | 'optimizer' | 'schedule' | 'sampler' | 'sparsity'>>,
  'optimizer' | 'schedule' | 'sampler' | 'sparsity'
> & {
  readonly optimizer: WithDefaults<TrainingOptimizer, Exclude<keyof TrainingOptimizer, 'learningRate'>>;
  readonly schedule?: WithDefaults<TrainingSchedule, Exclude<keyof TrainingSchedule, 'warmUpRatio'>> | undefined;
  readonly sampler?: WithDefaults<TrainingSampler, keyof TrainingSampler> | undefined;
  readonly sparsity?: string | SparsityInput;
};

/** A `TrainingPlan` without what says which sparsities are trained. */
export type StageTraining = Omit<TrainingPlan, 'mode' | 'sparsity'>;

/** A `StageTraining` as it is written. */
export type StageTrainingInput = Omit<TrainingPlanInput, 'mode' | 'sparsity'>;

const positive = z.number().positive();
const fraction = z.number().min(0).lt(1);
const steps = z.int().min(0);

const optimizerSchema = z.strictObject({
  learningRate: positive.meta({ description: 'The learning rate that the schedule begins with.' }),
  beta1: fraction.default(0.9).meta({ description: 'Decay of the mean of gradients.' }),
  beta2: fraction.default(0.999).meta({ description: 'Decay of the mean of squared gradients.' }),
  epsilon: positive.default(1e-8).meta({ description: 'Keeps the quotient finite.' }),
  weightDecay: z.number().min(0).default(0.05).meta({ description: 'Decoupled decay of weights.' }),
  decay: z.enum(['recipe', 'matrices']).default('recipe').meta({
    description: 'recipe: everything decays but norms and position biases. matrices: nor do biases.',
  }),
  clipNorm: positive
    .nullable()
    .default(null)
    .meta({ description: 'Norm of all gradients that is not exceeded; null for none.' }),
  layerDecay: positive.max(1).default(1).meta({
    description: 'The rate of each block is this many times that of the one above it.',
  }),
  rateScales: z
    .record(z.string(), z.number().min(0))
    .default({})
    .meta({ description: "Factors of the rate by the beginning of a parameter's key." }),
} satisfies Record<keyof TrainingOptimizer, z.ZodType>);

const scheduleSchema = z.strictObject({
  kind: z
    .enum(['constant', 'cosine', 'step', 'polynomial'])
    .default('cosine')
    .meta({ description: 'The form of the fall.' }),
  end: z.number().min(0).default(0).meta({ description: 'The last rate of cosine and polynomial.' }),
  at: z
    .array(z.number().min(0).max(1))
    .default([2 / 3, 11 / 12])
    .meta({ description: 'Of step: shares of all steps after which the rate falls.' }),
  factor: positive.default(0.1).meta({ description: 'Of step: the factor of each fall.' }),
  power: positive.default(1).meta({ description: 'Of polynomial.' }),
  warmUpSteps: steps.default(0).meta({ description: 'Steps of the rise at the beginning.' }),
  warmUpRatio: z.number().min(0).max(1).exactOptional().meta({
    description: 'Where the rise begins, as a share of the rate; it lies on top of the schedule then.',
  }),
} satisfies Record<keyof TrainingSchedule, z.ZodType>);

const samplerSchema = z.strictObject({
  kind: z.enum(['paper', 'uniform', 'sandwich']).default('paper').meta({ description: 'How sparsities are drawn.' }),
  choices: z
    .array(z.number().min(0).max(maxPrunedRatio))
    .min(1)
    .default([...publishedChoices])
    .meta({ description: 'The ratios that are drawn.' }),
} satisfies Record<keyof TrainingSampler, z.ZodType>);

/** What does not say which sparsities are trained. */
const stageFields = {
  steps: steps.meta({ description: 'Steps in all.' }),
  seed: z.int().min(0).default(0).meta({ description: 'Of order, augmentation, drop path and drawn sparsities.' }),
  optimizer: optimizerSchema.meta({ description: 'AdamW.' }),
  schedule: scheduleSchema.prefault({}).meta({ description: 'How the learning rate goes.' }),
  sampler: samplerSchema.prefault({}).meta({ description: 'Of adapt.' }),
  sparsityMode: z
    .enum(['clean', 'official'])
    .default('clean')
    .meta({ description: 'Rules of scoring and counting of adapt and of a notation.' }),
  accumulate: z.int().min(1).default(1).meta({ description: 'Batches whose gradients are averaged in a step.' }),
  dropPathRate: fraction.default(0).meta({ description: 'Of the last block; it rises from 0.' }),
  averageDecay: fraction
    .nullable()
    .default(null)
    .meta({ description: 'Decay of the running mean of parameters; null for none.' }),
  largestLoss: positive.default(1e4).meta({ description: 'A loss above it stops the run.' }),
  saveEvery: steps.default(0).meta({ description: 'Steps between checkpoints; 0 for only the last.' }),
  keepLast: z.int().min(1).default(2).meta({ description: 'Checkpoints of steps that are kept.' }),
  evaluateEvery: steps.default(0).meta({ description: 'Steps between evaluations; 0 for only the last.' }),
} satisfies Record<keyof StageTraining, z.ZodType>;

/** How a stage of a pipeline trains: which sparsities is the stage's to say. */
export const stageTrainingSchema: z.ZodType<StageTraining, StageTrainingInput> = z.strictObject(stageFields);

/** A `TrainingPlan`. */
export const trainingPlanSchema: z.ZodType<TrainingPlan, TrainingPlanInput> = z
  .strictObject({
    mode: z.enum(['dense', 'adapt', 'finetune']).default('dense').meta({
      description: 'dense: nothing is pruned. adapt: another sparsity at every step. finetune: always the given one.',
    }),
    sparsity: z
      .union([z.string().min(1), ratioSparsitySchema, thresholdSparsitySchema], {
        error:
          'Invalid input: expected a text such as ".3|0|.1,.2,.2|0" or ".6", or an object with prunedRatios or thresholds',
      })
      .exactOptional()
      .meta({ description: 'Of finetune: a notation, with the rules of sparsityMode, or ratios or thresholds.' }),
    ...stageFields,
  } satisfies Record<keyof TrainingPlan, z.ZodType>)
  .meta({ description: 'How to train.' });
