/** The documents that a driver and its workers exchange: a candidate to evaluate, and what came of it. */

import { ConfigError } from '@sparsevit/windows';
import * as z from 'zod';
import { describeZodError } from './describe-error';
import { sha256Schema } from './evaluation-subject';
import { prunedRatiosSchema, searchValuesSchema } from './search-settings';

/** A sparsity to evaluate, as a search asks for it. */
export interface JobCandidate {
  readonly id: number;
  readonly generation: number;
  /** Stage by stage, a share for each pair of blocks. */
  readonly prunedRatios: readonly (readonly number[])[];
  readonly attempt: number;
  readonly seed: number;
  /** Growing parts of the validation data, with limits of the metric. */
  readonly subsets: readonly { readonly items: number; readonly dropBelow?: number; readonly dropAbove?: number }[];
}

/** A candidate to evaluate, and what with. */
export interface EvaluationJob {
  readonly format: 'sparsevit-evaluation-job';
  readonly version: 1;
  /** SHA-256 of what is evaluated. */
  readonly subject: string;
  readonly candidate: JobCandidate;
}

/** What came of a job. */
export interface EvaluationAnswer {
  readonly format: 'sparsevit-evaluation-answer';
  readonly version: 1;
  /** The id of the job. */
  readonly job: string;
  /** Who evaluated. */
  readonly worker: string;
  readonly durationMs: number;
  /** Every quantity that is told, or, of a candidate that was given up, the metric on the subsets that were done. */
  readonly outcome:
    | { readonly values: Readonly<Record<string, number>>; readonly partial?: readonly number[] }
    | { readonly partial: readonly number[] };
}

const count = z.int().min(0);
const mostStages = 100;
const mostPairs = 1000;
const mostSubsets = 1000;
const mostValues = 1000;

const candidateSchema = z.strictObject({
  id: count,
  generation: count,
  prunedRatios: prunedRatiosSchema.refine(
    (stages) => stages.length <= mostStages && stages.every((pairs) => pairs.length > 0 && pairs.length <= mostPairs),
    { error: `Invalid input: expected at most ${mostStages} stages of 1 to ${mostPairs} pairs` },
  ),
  attempt: z.int().min(1),
  seed: z.int(),
  subsets: z
    .array(
      z.strictObject({
        items: z.int().min(1),
        dropBelow: z.number().exactOptional(),
        dropAbove: z.number().exactOptional(),
      }),
    )
    .max(mostSubsets),
} satisfies Record<keyof JobCandidate, z.ZodType>);

/**
 * An `EvaluationJob`.
 *
 * @example
 * evaluationJobSchema.parse(document).candidate.prunedRatios;
 */
export const evaluationJobSchema: z.ZodType<EvaluationJob> = z
  .strictObject({
    format: z.literal('sparsevit-evaluation-job'),
    version: z.literal(1),
    subject: sha256Schema,
    candidate: candidateSchema,
  })
  .meta({ title: 'SparseViT evaluation job', description: 'A sparsity to evaluate.' });

const partialSchema = z.array(z.number()).min(1).max(mostSubsets);

/**
 * An `EvaluationAnswer`.
 *
 * @example
 * evaluationAnswerSchema.parse(document).outcome;
 */
export const evaluationAnswerSchema: z.ZodType<EvaluationAnswer> = z
  .strictObject({
    format: z.literal('sparsevit-evaluation-answer'),
    version: z.literal(1),
    job: z.string().min(1).max(200),
    worker: z.string().min(1).max(1000),
    durationMs: z.number().min(0),
    outcome: z.union([
      z.strictObject({
        values: searchValuesSchema.refine((values) => Object.keys(values).length <= mostValues, {
          error: `Invalid input: expected at most ${mostValues} values`,
        }),
        partial: partialSchema.exactOptional(),
      }),
      z.strictObject({ partial: partialSchema }),
    ]),
  })
  .meta({ title: 'SparseViT evaluation answer', description: 'What came of an evaluation.' });

/**
 * Reads a job.
 *
 * @param document a parsed JSON document, or the like
 * @throws ConfigError with a line or two for each thing that is wrong; its `cause` is zod's error
 * @example
 * const { candidate } = parseEvaluationJob(JSON.parse(text));
 */
export function parseEvaluationJob(document: unknown): EvaluationJob {
  const result = evaluationJobSchema.safeParse(document, { reportInput: true });
  if (result.success) return result.data;
  throw new ConfigError(`parseEvaluationJob: expected a job, got\n${describeZodError(result.error)}`, {
    cause: result.error,
  });
}

/**
 * Reads an answer.
 *
 * @param document a parsed JSON document, or the like
 * @throws ConfigError with a line or two for each thing that is wrong; its `cause` is zod's error
 * @example
 * const { outcome } = parseEvaluationAnswer(JSON.parse(text));
 */
export function parseEvaluationAnswer(document: unknown): EvaluationAnswer {
  const result = evaluationAnswerSchema.safeParse(document, { reportInput: true });
  if (result.success) return result.data;
  throw new ConfigError(`parseEvaluationAnswer: expected an answer, got\n${describeZodError(result.error)}`, {
    cause: result.error,
  });
}
