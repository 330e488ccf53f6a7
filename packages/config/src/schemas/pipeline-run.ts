/** The document of a whole pipeline: from a checkpoint and a folder of images to a sparse model under a budget, with a report. */

import { ConfigError, maxPrunedRatio, publishedChoices } from '@sparsevit/windows';
import * as z from 'zod';
import type { DataSource, DataSourceInput } from './data-source';
import { classNamesSchema, dataSourceSchema } from './data-source';
import { describeZodError } from './describe-error';
import type { TrainingInput, TrainingInputInput } from './training-input';
import { trainingInputSchema } from './training-input';
import type { TrainingModel, TrainingModelInput } from './training-model';
import { trainingModelSchema } from './training-model';
import type { StageTraining, StageTrainingInput } from './training-plan';
import { stageTrainingSchema } from './training-plan';
import type { Guidance } from './training-run';
import { checkGuidance, checkTaskData, guidanceSchema } from './training-run';
import type { TrainingTask } from './training-task';
import { trainingTaskSchema } from './training-task';
import type { WithDefaults } from './written';

/** A result that is there already, instead of a stage. */
export interface GivenFile {
  /** Relative to the document. */
  readonly file: string;
}

/** What is learnt from, what chooses, and what the final scores are of. */
export interface PipelineData<Source = DataSource> {
  readonly train: Source;
  /** What the search scores sparsities on; default the training data. */
  readonly validation?: Source;
  /** What the report scores the result on: images that nothing was chosen by; default the validation data. */
  readonly test?: Source;
  readonly classes?: readonly string[];
}

/** How latencies are measured. */
export interface PipelineLatency {
  /** Threads of the engine; default all cores. */
  readonly threads?: number;
  /** Sparsities that are measured. */
  readonly configs: number;
  readonly rounds: number;
  readonly seed: number;
  /** Share that the dense model may move between two looks before what lies between is repeated. */
  readonly tolerance: number;
}

/** How the sparsity is searched. */
export interface PipelineSearch {
  /** Milliseconds that an image may take. */
  readonly budgetMs?: number;
  /** The same as a share of what the dense model takes. */
  readonly budgetRatio?: number;
  /** What predictions may be wrong by; default what the predictor says of itself. */
  readonly margin?: number;
  readonly evaluations: number;
  readonly preset: 'assisted' | 'small' | 'nsga2' | 'random';
  readonly seed: number;
  /** Ratios of the space. */
  readonly choices: readonly number[];
  /** Images of the validation data at most. */
  readonly limit?: number;
  /** Growing parts of the images, each a share; losers are dropped on the way. */
  readonly subsets?: readonly number[];
  /** Processes that evaluate; default all cores. */
  readonly processes?: number;
  /** Sparsities that are measured at the end. */
  readonly measured: number;
}

/** What the report shows. */
export interface PipelineReportOptions {
  /** Pictures of predictions and kept windows. */
  readonly samples: number;
  /** Uniform sparsities to compare with, beside the one of equal latency. */
  readonly uniform: readonly number[];
  /** Random sparsities of the budget's latency to compare with. */
  readonly random: number;
  /** Sizes of a dense model to compare with, as shares of the sides. */
  readonly resolutions: readonly number[];
  /** Sparsities of the deployed file at most. */
  readonly choices: number;
}

/** A pipeline after reading: defaults are filled in, paths are as they were written. It is a valid document again. */
export interface PipelineRun {
  readonly version: 1;
  readonly task: TrainingTask;
  readonly model: TrainingModel;
  readonly data: PipelineData;
  readonly input: TrainingInput;
  /** Images in a batch. */
  readonly batch: number;
  /** Of every stage that trains: the norms of windows shall learn where boxes are. */
  readonly guidance?: Guidance;
  /** Dense training; without it `model.weights` is a trained task. */
  readonly train?: StageTraining | GivenFile;
  readonly adapt: StageTraining | GivenFile;
  readonly latency: PipelineLatency | GivenFile;
  readonly search: PipelineSearch | GivenFile;
  /** Training at the sparsity that was found; without it the adapted weights are the result. */
  readonly finetune?: StageTraining | GivenFile;
  readonly report: PipelineReportOptions;
  readonly evaluation?: { readonly limit?: number };
  /** The folder that everything is written to. */
  readonly output: string;
}

/** A pipeline as it is written. */
export interface PipelineRunInput {
  /** Where an editor finds the JSON Schema; left out of the result. */
  readonly $schema?: string | undefined;
  readonly version: 1;
  readonly task: TrainingTask;
  readonly model: TrainingModelInput;
  readonly data: PipelineData<DataSourceInput>;
  readonly input: TrainingInputInput;
  readonly batch: number;
  readonly guidance?: Guidance;
  readonly train?: StageTrainingInput | GivenFile;
  readonly adapt: StageTrainingInput | GivenFile;
  readonly latency?: WithDefaults<PipelineLatency, 'configs' | 'rounds' | 'seed' | 'tolerance'> | GivenFile;
  readonly search: WithDefaults<PipelineSearch, 'evaluations' | 'preset' | 'seed' | 'choices' | 'measured'> | GivenFile;
  readonly finetune?: StageTrainingInput | GivenFile;
  readonly report?: WithDefaults<PipelineReportOptions, keyof PipelineReportOptions> | undefined;
  readonly evaluation?: { readonly limit?: number };
  readonly output: string;
}

const count = z.int().min(0);
const share = z.number().gt(0).max(1);

/** True for a result that is there already. */
export function isGivenFile(stage: object): stage is GivenFile {
  return 'file' in stage;
}

const givenSchema = z
  .strictObject({
    file: z.string().min(1).meta({ description: 'The result that is there already, relative to this document.' }),
  })
  .meta({ description: 'A result instead of the stage.' });

const latencySchema: z.ZodType<
  PipelineLatency,
  WithDefaults<PipelineLatency, 'configs' | 'rounds' | 'seed' | 'tolerance'>
> = z
  .strictObject({
    threads: z.int().min(1).max(256).exactOptional().meta({ description: 'Threads of the engine; default all cores.' }),
    configs: z.int().min(10).max(10_000).default(100).meta({ description: 'Sparsities that are measured.' }),
    rounds: z.int().min(1).max(1000).default(5).meta({ description: 'Visits of each, every round in another order.' }),
    seed: count.default(0).meta({ description: 'Of the draws and of the orders.' }),
    tolerance: z.number().gt(0).max(1).default(0.05).meta({
      description: 'Visits are repeated when the dense model moved by more than this share between two looks.',
    }),
  } satisfies Record<keyof PipelineLatency, z.ZodType>)
  .meta({ description: 'How latencies are measured, in the engine on this machine.' });

const searchSchema: z.ZodType<
  PipelineSearch,
  WithDefaults<PipelineSearch, 'evaluations' | 'preset' | 'seed' | 'choices' | 'measured'>
> = z
  .strictObject({
    budgetMs: z.number().positive().exactOptional().meta({ description: 'Milliseconds that an image may take.' }),
    budgetRatio: share.exactOptional().meta({ description: 'The same as a share of what the dense model takes.' }),
    margin: z.number().min(0).max(1).exactOptional().meta({
      description: 'What predictions may be wrong by; default what the predictor says of itself.',
    }),
    evaluations: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(200)
      .meta({ description: 'Sparsities that are evaluated at most.' }),
    preset: z
      .enum(['assisted', 'small', 'nsga2', 'random'])
      .default('assisted')
      .meta({ description: 'How it proposes. small searches only for the budget, the others for the whole front.' }),
    seed: count.default(0).meta({ description: 'Of everything that is drawn.' }),
    choices: z
      .array(z.number().min(0).max(maxPrunedRatio))
      .min(1)
      .default([...publishedChoices])
      .meta({ description: 'Ratios of the space, growing.' }),
    limit: z.int().min(1).exactOptional().meta({ description: 'Images of the validation data at most.' }),
    subsets: z.array(share.lt(1)).min(1).exactOptional().meta({
      description: 'Parts of the images, growing, on which losers are dropped first.',
    }),
    processes: z.int().min(1).max(1024).exactOptional().meta({
      description: 'Processes that evaluate; default all cores. It changes nothing but the time.',
    }),
    measured: z.int().min(0).max(1000).default(10).meta({ description: 'Sparsities that are measured at the end.' }),
  } satisfies Record<keyof PipelineSearch, z.ZodType>)
  .superRefine(({ budgetMs, budgetRatio }, context) => {
    if ((budgetMs === undefined) !== (budgetRatio === undefined)) return;
    const got = budgetMs === undefined ? 'neither' : 'both';
    context.addIssue({
      code: 'custom',
      message: `Invalid input: expected budgetMs or budgetRatio, got ${got}`,
      path: ['budgetMs'],
    });
  })
  .meta({ description: 'How the sparsity of every layer is searched.' });

const reportSchema: z.ZodType<
  PipelineReportOptions,
  WithDefaults<PipelineReportOptions, keyof PipelineReportOptions>
> = z
  .strictObject({
    samples: count.max(100).default(4).meta({ description: 'Pictures of predictions and kept windows.' }),
    uniform: z
      .array(z.number().min(0).max(maxPrunedRatio))
      .max(100)
      .default([0.2, 0.4, 0.6, 0.8])
      .meta({ description: 'Uniform sparsities to compare with, beside the one of equal latency.' }),
    random: count
      .max(1000)
      .default(5)
      .meta({ description: "Random sparsities of the budget's latency to compare with." }),
    resolutions: z
      .array(share)
      .max(20)
      .default([0.85, 0.7, 0.55])
      .meta({ description: 'Sizes of a dense model to compare with, as shares of the sides.' }),
    choices: z.int().min(1).max(100).default(16).meta({ description: 'Sparsities of the deployed file at most.' }),
  } satisfies Record<keyof PipelineReportOptions, z.ZodType>)
  .meta({ description: 'What the report shows.' });

/** Stages that may be a file instead. */
const replaceable = ['train', 'adapt', 'latency', 'search', 'finetune'] as const;
type Replaceable = (typeof replaceable)[number];

/**
 * The schema of documents that have a file, a stage, or either, in each place. Errors are about what was meant: a union of both would only say that
 * it is neither.
 */
function schemaOf(
  kindOf: (stage: Replaceable) => 'file' | 'stage' | 'either',
): z.ZodType<PipelineRun, PipelineRunInput> {
  const place = <Stage, Input>(name: Replaceable, stage: z.ZodType<Stage, Input>, description: string) => {
    const kind = kindOf(name);
    const own = kind === 'file' ? givenSchema : kind === 'stage' ? stage : z.union([givenSchema, stage]);
    return (own as z.ZodType<Stage | GivenFile, Input | GivenFile>).meta({ description });
  };
  return z
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
            .meta({ description: 'What the search scores sparsities on; default the training data.' }),
          test: dataSourceSchema.exactOptional().meta({
            description: 'What the report scores: images that nothing was chosen by; default the validation data.',
          }),
          classes: classNamesSchema.exactOptional().meta({
            description:
              'Names of the classes in the order that the model has them. Default: those of the training data.',
          }),
        })
        .meta({ description: 'Where images and what is known about them come from.' }),
      input: trainingInputSchema,
      batch: z.int().min(1).max(65_536).meta({ description: 'Images in a batch.' }),
      guidance: guidanceSchema.exactOptional(),
      train: place(
        'train',
        stageTrainingSchema,
        'Dense training; without it model.weights is a trained task.',
      ).exactOptional(),
      adapt: place('adapt', stageTrainingSchema, 'Adaptation: another sparsity at every step.'),
      latency: place('latency', latencySchema, 'How latencies are measured, or a table or a predictor.').prefault({}),
      search: place('search', searchSchema, 'How the sparsity is searched, or the result of a search.'),
      finetune: place(
        'finetune',
        stageTrainingSchema,
        'Training at the sparsity that was found; without it the adapted weights are the result.',
      ).exactOptional(),
      report: reportSchema.prefault({}),
      evaluation: z
        .strictObject({
          limit: z.int().min(1).exactOptional().meta({ description: 'Images at most, from the first; default all.' }),
        })
        .exactOptional()
        .meta({ description: 'How the result is judged.' }),
      output: z.string().min(1).meta({ description: 'The folder that is written to, relative to this document.' }),
    } satisfies Record<keyof PipelineRunInput, z.ZodType>)
    .superRefine((run, context) => {
      const { task, data, train, model } = run;
      checkTaskData(task, data, context);
      checkGuidance(run, context);
      if (train !== undefined || model.weights !== undefined) return;
      context.addIssue({
        code: 'custom',
        message: 'Invalid input: expected train, or a trained task as model.weights, got neither',
        path: ['train'],
      });
    })
    .transform(({ $schema: _, ...run }): PipelineRun => run as PipelineRun)
    .meta({
      title: 'SparseViT pipeline',
      description: 'From a checkpoint and images to a sparse model under a latency budget, with a report.',
    }) as unknown as z.ZodType<PipelineRun, PipelineRunInput>;
}

/**
 * A `PipelineRun`.
 *
 * @example
 * pipelineRunSchema.parse(document).search;
 */
export const pipelineRunSchema: z.ZodType<PipelineRun, PipelineRunInput> = schemaOf(() => 'either');

/**
 * Reads a pipeline.
 *
 * @param document a parsed JSON document, or the like
 * @throws ConfigError with a line or two for each thing that is wrong; its `cause` is zod's error
 * @example
 * const { adapt, search } = parsePipelineRun(JSON.parse(text));
 */
export function parsePipelineRun(document: unknown): PipelineRun {
  const hasFile = (stage: Replaceable): boolean => {
    const value = (document as Partial<Record<Replaceable, unknown>> | null | undefined)?.[stage];
    return typeof value === 'object' && value !== null && 'file' in value;
  };
  const result = schemaOf((stage) => (hasFile(stage) ? 'file' : 'stage')).safeParse(document, { reportInput: true });
  if (result.success) return result.data;
  throw new ConfigError(`parsePipelineRun: expected a valid pipeline, got\n${describeZodError(result.error)}`, {
    cause: result.error,
  });
}

/**
 * Returns the pipeline it is given; an editor completes and checks its fields.
 *
 * @example
 * export default defineConfig({ version: 1, task: { kind: 'detection' }, model: { preset: 'swin-nano' }, ... });
 */
export function defineConfig(run: PipelineRunInput): PipelineRunInput {
  return run;
}

/** The JSON Schema (draft 2020-12) of a pipeline as it is written; the file `@sparsevit/config/pipeline/schema.json` is a copy of it. */
export function pipelineRunJsonSchema(): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(pipelineRunSchema, { io: 'input' });
}
