/**
 * The document that a pipeline ends with: every number of the report, and where it comes from. Written by `@sparsevit/pipeline`, drawn by the command.
 */

import type { PrunedRatios } from '@sparsevit/windows';
import { ConfigError } from '@sparsevit/windows';
import * as z from 'zod';
import { describeZodError } from './describe-error';
import type { PipelineRun } from './pipeline-run';
import { pipelineRunSchema } from './pipeline-run';
import { prunedRatiosSchema } from './search-settings';

/** One way to run a model, judged on the test images. */
export interface ReportCase {
  /** `dense`, `searched`, `.6 everywhere` */
  readonly name: string;
  /**
   * What it is in the comparison: the dense model, the result, a uniform or a random sparsity, another member of the front, or the dense model at a lower
   * resolution.
   */
  readonly kind: 'dense' | 'searched' | 'uniform' | 'random' | 'front' | 'low-resolution';
  /** Whose weights: of dense training, of adaptation, or the final ones. */
  readonly weights: 'dense' | 'adapted' | 'final';
  readonly height: number;
  readonly width: number;
  /** Null for dense. */
  readonly prunedRatios: PrunedRatios | null;
  /** On the test images. */
  readonly score: number;
  /** More of the metric, by name. */
  readonly metrics: Readonly<Record<string, number | null | Readonly<Record<string, number | null>>>>;
  /** Multiply-accumulates of the backbone, in units of 1e9. */
  readonly gmacs: number;
  readonly predictedMs: number | null;
  /** Median of interleaved runs, with quartiles; null for what was not measured. */
  readonly measuredMs: number | null;
  readonly quartilesMs: readonly [number, number] | null;
}

/** A stage of the run. */
export interface ReportStage {
  readonly name: 'train' | 'dense' | 'adapt' | 'profile' | 'search' | 'finetune' | 'evaluate';
  /** Milliseconds of the process that ended it; null for a result that was given. */
  readonly durationMs: number | null;
  /** Files of the run's folder, or given, that its numbers come from. */
  readonly files: readonly string[];
}

/** How a training went. */
export interface ReportTraining {
  readonly stage: 'train' | 'adapt' | 'finetune';
  readonly steps: number;
  /** A mean of the loss over the steps since the point before. */
  readonly points: readonly { readonly step: number; readonly loss: number }[];
  /** Scores on the validation images while training and at its end, by the name of the case. */
  readonly scores: readonly { readonly step: number; readonly name: string; readonly score: number }[];
}

/** What became of the windows that objects lie in, of one block with a regular grid of each stage. */
export interface ReportKeptWindows {
  readonly stage: number;
  /** Share of all windows that are kept. */
  readonly keptShare: number;
  /** Share of the windows with an object in them that are kept; null where the data have neither boxes nor masks. */
  readonly objectShare: number | null;
  /** Windows that were looked at, over all images. */
  readonly windows: number;
}

/** A picture of the report: files of the run's folder. */
export interface ReportSample {
  readonly id: string;
  readonly photo: string;
  /** Predictions over the photo. */
  readonly dense: string;
  readonly sparse: string;
  /** Kept windows of each stage over the photo, one picture of all stages. */
  readonly windows: string;
}

/** Every number of a report. */
export interface PipelineReport {
  readonly format: 'sparsevit-pipeline-report';
  readonly version: 1;
  /** ISO date and time of the end. */
  readonly endedAt: string;
  readonly command: string;
  readonly environment: {
    readonly device: string;
    readonly cores: number;
    readonly memoryBytes: number;
    readonly platform: string;
    readonly runtime: string;
    readonly packages: string;
    readonly threads: number;
  };
  readonly config: PipelineRun;
  readonly task: { readonly kind: string; readonly classes: readonly string[] };
  readonly model: { readonly name: string; readonly parameters: number };
  readonly scoreName: string;
  readonly images: { readonly train: number; readonly validation: number; readonly test: number };
  readonly budgetMs: number;
  /** Whether the result meets it, as measured. */
  readonly meetsBudget: boolean;
  readonly stages: readonly ReportStage[];
  readonly cases: readonly ReportCase[];
  readonly training: readonly ReportTraining[];
  readonly search: {
    readonly evaluations: number;
    readonly spaceSize: number;
    readonly feasibleShare: number;
    /** Everything that was evaluated: predicted milliseconds and the score on the validation images. */
    readonly history: readonly { readonly latencyMs: number; readonly score: number }[];
    readonly front: readonly {
      readonly latencyMs: number;
      readonly score: number;
      readonly prunedRatios: PrunedRatios;
    }[];
    readonly importance: readonly { readonly stage: number; readonly pair: number; readonly share: number }[];
    /** What was measured at its end. */
    readonly measured: readonly { readonly predictedMs: number; readonly measuredMs: number; readonly score: number }[];
  };
  readonly latency: {
    readonly kind: string;
    readonly rows: number;
    /** Root of the mean squared relative error in cross-validation, in percent. */
    readonly rmspePercent: number | null;
    /** What two measurements of one sparsity differ by, in percent. */
    readonly noisePercent: number | null;
    /** Measured rows, and what is predicted for them. */
    readonly points: readonly { readonly predictedMs: number; readonly measuredMs: number }[];
  };
  readonly keptWindows: readonly ReportKeptWindows[];
  readonly samples: readonly ReportSample[];
  /** What a careful reader should know, one sentence each. */
  readonly notes: readonly string[];
}

const text = z.string().max(10_000);
const file = z.string().min(1).max(4096);
const count = z.int().min(0);
const ms = z.number().positive();
const share = z.number().min(0).max(1);
const metric = z.number().nullable();

const caseSchema = z.strictObject({
  name: text,
  kind: z.enum(['dense', 'searched', 'uniform', 'random', 'front', 'low-resolution']),
  weights: z.enum(['dense', 'adapted', 'final']),
  height: z.int().min(1),
  width: z.int().min(1),
  prunedRatios: prunedRatiosSchema.nullable(),
  score: z.number(),
  metrics: z.record(z.string(), z.union([metric, z.record(z.string(), metric)])),
  gmacs: z.number().min(0),
  predictedMs: ms.nullable(),
  measuredMs: ms.nullable(),
  quartilesMs: z.tuple([ms, ms]).nullable(),
} satisfies Record<keyof ReportCase, z.ZodType>);

/**
 * A `PipelineReport`.
 *
 * @example
 * pipelineReportSchema.parse(JSON.parse(text)).cases;
 */
export const pipelineReportSchema: z.ZodType<PipelineReport> = z
  .strictObject({
    format: z.literal('sparsevit-pipeline-report'),
    version: z.literal(1),
    endedAt: text,
    command: text,
    environment: z.strictObject({
      device: text,
      cores: z.int().min(1),
      memoryBytes: z.number().min(0),
      platform: text,
      runtime: text,
      packages: text,
      threads: z.int().min(1),
    } satisfies Record<keyof PipelineReport['environment'], z.ZodType>),
    config: pipelineRunSchema as unknown as z.ZodType<PipelineRun>,
    task: z.strictObject({ kind: text, classes: z.array(text).min(1) }),
    model: z.strictObject({ name: text, parameters: count }),
    scoreName: text,
    images: z.strictObject({ train: count, validation: count, test: count }),
    budgetMs: ms,
    meetsBudget: z.boolean(),
    stages: z.array(
      z.strictObject({
        name: z.enum(['train', 'dense', 'adapt', 'profile', 'search', 'finetune', 'evaluate']),
        durationMs: z.number().min(0).nullable(),
        files: z.array(file),
      } satisfies Record<keyof ReportStage, z.ZodType>),
    ),
    cases: z.array(caseSchema).min(2),
    training: z.array(
      z.strictObject({
        stage: z.enum(['train', 'adapt', 'finetune']),
        steps: count,
        points: z.array(z.strictObject({ step: count, loss: z.number() })),
        scores: z.array(z.strictObject({ step: count, name: text, score: z.number() })),
      } satisfies Record<keyof ReportTraining, z.ZodType>),
    ),
    search: z.strictObject({
      evaluations: count,
      spaceSize: z.number().min(1),
      feasibleShare: share,
      history: z.array(z.strictObject({ latencyMs: ms, score: z.number() })),
      front: z.array(z.strictObject({ latencyMs: ms, score: z.number(), prunedRatios: prunedRatiosSchema })),
      importance: z.array(z.strictObject({ stage: count, pair: count, share })),
      measured: z.array(z.strictObject({ predictedMs: ms, measuredMs: ms, score: z.number() })),
    } satisfies Record<keyof PipelineReport['search'], z.ZodType>),
    latency: z.strictObject({
      kind: text,
      rows: count,
      rmspePercent: z.number().min(0).nullable(),
      noisePercent: z.number().min(0).nullable(),
      points: z.array(z.strictObject({ predictedMs: ms, measuredMs: ms })),
    } satisfies Record<keyof PipelineReport['latency'], z.ZodType>),
    keptWindows: z.array(
      z.strictObject({
        stage: count,
        keptShare: share,
        objectShare: share.nullable(),
        windows: count,
      } satisfies Record<keyof ReportKeptWindows, z.ZodType>),
    ),
    samples: z.array(
      z.strictObject({
        id: text,
        photo: file,
        dense: file,
        sparse: file,
        windows: file,
      } satisfies Record<keyof ReportSample, z.ZodType>),
    ),
    notes: z.array(text),
  } satisfies Record<keyof PipelineReport, z.ZodType>)
  .meta({ title: 'SparseViT pipeline report', description: 'Every number of the report of a pipeline.' });

/**
 * Reads a report.
 *
 * @param document a parsed JSON document
 * @throws ConfigError with a line or two for each thing that is wrong; its `cause` is zod's error
 * @example
 * const { cases } = parsePipelineReport(JSON.parse(text));
 */
export function parsePipelineReport(document: unknown): PipelineReport {
  const result = pipelineReportSchema.safeParse(document, { reportInput: true });
  if (result.success) return result.data;
  throw new ConfigError(`parsePipelineReport: expected a report, got\n${describeZodError(result.error)}`, {
    cause: result.error,
  });
}
