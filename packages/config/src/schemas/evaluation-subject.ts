/** The document of what is evaluated: a driver announces it, and a worker that has the same files serves it. */

import { ConfigError } from '@sparsevit/windows';
import * as z from 'zod';
import { describeZodError } from './describe-error';

/** A value that JSON can hold. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** A file or a folder that an evaluation reads. */
export interface SubjectFile {
  /** Relative to a folder that every machine names for itself; inside of it, with `/`. */
  readonly path: string;
  /** Of the contents, in hexadecimal digits. */
  readonly sha256: string;
}

/** What is evaluated: two evaluations of a sparsity with the same contents of files and the same settings give the same. */
export interface EvaluationSubject {
  readonly format: 'sparsevit-evaluation-subject';
  readonly version: 1;
  /** By what they are to the evaluation, such as `weights` and `data`. */
  readonly files: Readonly<Record<string, SubjectFile>>;
  /** All else that counts, such as the task and the size of images. */
  readonly settings: Readonly<Record<string, JsonValue>>;
}

const mostFiles = 1000;

/** SHA-256 in hexadecimal digits. */
export const sha256Schema: z.ZodType<string, string> = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'Invalid input: expected 64 hexadecimal digits');

const pathSchema = z
  .string()
  .min(1)
  .max(4096)
  .refine((path) => !/^[/\\]|^[A-Za-z]:|\\|\0/.test(path) && !path.split('/').includes('..'), {
    error: 'Invalid input: expected a relative path with / that stays inside of its folder',
  });

/**
 * An `EvaluationSubject`.
 *
 * @example
 * evaluationSubjectSchema.parse(document).files.weights.sha256;
 */
export const evaluationSubjectSchema: z.ZodType<EvaluationSubject, EvaluationSubject> = z
  .strictObject({
    format: z.literal('sparsevit-evaluation-subject'),
    version: z.literal(1),
    files: z
      .record(z.string().regex(/^[a-z][A-Za-z0-9]{0,63}$/), z.strictObject({ path: pathSchema, sha256: sha256Schema }))
      .refine((files) => Object.keys(files).length <= mostFiles, {
        error: `Invalid input: expected at most ${mostFiles} files`,
      }),
    settings: z.record(z.string(), z.json()),
  })
  .meta({ title: 'SparseViT evaluation subject', description: 'What is evaluated.' });

/**
 * Reads what is evaluated.
 *
 * @param document a parsed JSON document, or the like
 * @throws ConfigError with a line or two for each thing that is wrong; its `cause` is zod's error
 * @example
 * const { files } = parseEvaluationSubject(JSON.parse(text));
 */
export function parseEvaluationSubject(document: unknown): EvaluationSubject {
  const result = evaluationSubjectSchema.safeParse(document, { reportInput: true });
  if (result.success) return result.data;
  throw new ConfigError(`parseEvaluationSubject: expected what is evaluated, got\n${describeZodError(result.error)}`, {
    cause: result.error,
  });
}
