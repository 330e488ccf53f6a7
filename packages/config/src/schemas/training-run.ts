/** The document that says what to train: task, model, data, and how. */

import { ConfigError } from '@sparsevit/windows';
import * as z from 'zod';
import type { DataSource, DataSourceInput } from './data-source';
import { classNamesSchema, dataSourceSchema } from './data-source';
import { describeZodError } from './describe-error';
import type { TrainingInput, TrainingInputInput } from './training-input';
import { trainingInputSchema } from './training-input';
import type { TrainingModel, TrainingModelInput } from './training-model';
import { trainingModelSchema } from './training-model';
import type { TrainingPlan, TrainingPlanInput } from './training-plan';
import { trainingPlanSchema } from './training-plan';
import type { TrainingTask } from './training-task';
import { trainingTaskSchema } from './training-task';

/** How much a loss counts by which windows with objects come to rank before windows without: `guidanceLoss` of `@sparsevit/tasks/losses`. */
export interface Guidance {
  /** Factor in the loss. */
  readonly weight: number;
}

/** A `Guidance`. */
export const guidanceSchema: z.ZodType<Guidance, Guidance> = z
  .strictObject({ weight: z.number().min(0).max(1000).meta({ description: 'Factor in the loss; 1 is a good first.' }) })
  .meta({
    description:
      'The norms of windows shall learn where boxes are, so that pruning by norm keeps the objects. For detection.',
  });

/** Reports guidance of a task that learns from no boxes. */
export function checkGuidance(
  { task, guidance }: { readonly task: Pick<TrainingTask, 'kind'>; readonly guidance?: Guidance },
  context: z.RefinementCtx,
): void {
  if (guidance === undefined || task.kind === 'detection') return;
  context.addIssue({
    code: 'custom',
    message: `Invalid input: expected guidance only for detection, which has boxes, got it for ${task.kind}`,
    path: ['guidance'],
  });
}

/** What is learnt from, and what the model is judged by. */
export interface TrainingData<Source = DataSource> {
  readonly train: Source;
  readonly validation?: Source;
  /** Names of the classes in the order that the model has them; default those of the training data. */
  readonly classes?: readonly string[];
}

/** A training run after reading: defaults are filled in, paths are as they were written. It is a valid document again. */
export interface TrainingRun {
  readonly version: 1;
  readonly task: TrainingTask;
  readonly model: TrainingModel;
  readonly data: TrainingData;
  readonly input: TrainingInput;
  /** Images in a batch. */
  readonly batch: number;
  readonly training: TrainingPlan;
  /** A frozen copy of the first weights, whose dense outputs the model shall keep. */
  readonly distillation?: { readonly weight: number };
  /** The norms of windows shall learn where boxes are. */
  readonly guidance?: Guidance;
  readonly evaluation?: { readonly limit?: number };
  /** The folder that everything is written to. */
  readonly output: string;
}

/** A training run as it is written. */
export interface TrainingRunInput {
  /** Where an editor finds the JSON Schema; left out of the result. */
  readonly $schema?: string | undefined;
  readonly version: 1;
  readonly task: TrainingTask;
  readonly model: TrainingModelInput;
  readonly data: TrainingData<DataSourceInput>;
  readonly input: TrainingInputInput;
  readonly batch: number;
  readonly training: TrainingPlanInput;
  readonly distillation?: { readonly weight: number };
  readonly guidance?: Guidance;
  readonly evaluation?: { readonly limit?: number };
  readonly output: string;
}

/** What a task learns from, and which data sets have it. */
const sourcesOf: Readonly<Record<TrainingTask['kind'], readonly DataSource['kind'][]>> = {
  classification: ['image-folder'],
  semantic: ['scenes', 'mask-folders'],
  upernet: ['scenes', 'mask-folders'],
  detection: ['scenes', 'coco'],
};

/** Reports data sets that do not have what a task learns from. */
export function checkTaskData(
  task: Pick<TrainingTask, 'kind'>,
  data: { readonly [name in 'train' | 'validation' | 'test']?: Pick<DataSource, 'kind'> },
  context: z.RefinementCtx,
): void {
  const kinds = sourcesOf[task.kind];
  for (const name of ['train', 'validation', 'test'] as const) {
    const kind = data[name]?.kind;
    if (kind === undefined || kinds.includes(kind)) continue;
    context.addIssue({
      code: 'custom',
      message: `Invalid input: expected ${kinds.join(' or ')} for ${task.kind}, got ${kind}`,
      path: ['data', name, 'kind'],
    });
  }
}

/**
 * A `TrainingRun`: the data have what the task learns from.
 *
 * @example
 * trainingRunSchema.parse(document).training.optimizer.weightDecay; // 0.05
 */
export const trainingRunSchema: z.ZodType<TrainingRun, TrainingRunInput> = z
  .strictObject({
    $schema: z.string().optional().meta({ description: 'Where an editor finds the JSON Schema of this document.' }),
    version: z.literal(1).meta({ description: 'The version of this format.' }),
    task: trainingTaskSchema,
    model: trainingModelSchema,
    data: z
      .strictObject({
        train: dataSourceSchema.meta({ description: 'What is learnt from.' }),
        validation: dataSourceSchema
          .exactOptional()
          .meta({ description: 'What the model is judged by; default the training data.' }),
        classes: classNamesSchema.exactOptional().meta({
          description:
            'Names of the classes in the order that the model has them. Default: those of the training data.',
        }),
      })
      .meta({ description: 'Where images and what is known about them come from.' }),
    input: trainingInputSchema,
    batch: z.int().min(1).max(65_536).meta({ description: 'Images in a batch.' }),
    training: trainingPlanSchema,
    distillation: z
      .strictObject({ weight: z.number().min(0).meta({ description: 'Factor of the difference in the loss.' }) })
      .exactOptional()
      .meta({ description: 'The dense outputs of the first weights shall be kept.' }),
    guidance: guidanceSchema.exactOptional(),
    evaluation: z
      .strictObject({
        limit: z.int().min(1).exactOptional().meta({ description: 'Images at most, from the first; default all.' }),
      })
      .exactOptional()
      .meta({ description: 'How the model is judged.' }),
    output: z.string().min(1).meta({ description: 'The folder that is written to, relative to this document.' }),
  } satisfies Record<keyof TrainingRunInput, z.ZodType>)
  .superRefine((run, context) => {
    checkTaskData(run.task, run.data, context);
    checkGuidance(run, context);
  })
  .transform(({ $schema: _, ...run }): TrainingRun => run)
  .meta({ title: 'SparseViT training run', description: 'What to train, from what, and how.' });

/**
 * Reads a training run.
 *
 * @param document a parsed JSON document, or the like
 * @throws ConfigError with a line or two for each thing that is wrong; its `cause` is zod's error
 * @example
 * const { training, data } = parseTrainingRun(JSON.parse(text));
 */
export function parseTrainingRun(document: unknown): TrainingRun {
  const result = trainingRunSchema.safeParse(document, { reportInput: true });
  if (result.success) return result.data;
  throw new ConfigError(`parseTrainingRun: expected a valid training run, got\n${describeZodError(result.error)}`, {
    cause: result.error,
  });
}

/**
 * Returns the run it is given; an editor completes and checks its fields.
 *
 * @example
 * const run = defineTrainingRun({ version: 1, task: { kind: 'detection' }, model: { preset: 'swin-nano' }, ... });
 */
export function defineTrainingRun(run: TrainingRunInput): TrainingRunInput {
  return run;
}

/** The JSON Schema (draft 2020-12) of a run as it is written; the file `@sparsevit/config/training-run/schema.json` is a copy of it. */
export function trainingRunJsonSchema(): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(trainingRunSchema, { io: 'input' });
}
