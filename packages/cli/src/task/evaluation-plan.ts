/** What `evaluate` is going to do: weights, data and sparsities, checked before the engine starts. */

import { resolve } from 'node:path';
import type { DataSource } from '@sparsevit/config';
import { dataSourceSchema } from '@sparsevit/config';
import type { BrokenRecord, Dataset } from '@sparsevit/data';
import type { EvaluationCase } from '@sparsevit/pipeline';
import type { TaskCheckpoint, TaskConfig } from '@sparsevit/tasks';
import { learnsFrom } from '@sparsevit/tasks';
import { inputError, quote } from '../errors';
import type { Learns } from '../train/datasets';
import { openSource, withClasses } from '../train/datasets';
import { absoluteSource, parseJson, readRunDocument } from '../train/document';
import { parseInteger, parseSize, parseThreads } from '../values';
import { evaluationCases } from './sparsities';
import type { TaskInput } from './task-file';
import { readTaskFile } from './task-file';

/** The options of `evaluate`, as they were typed. */
export interface EvaluateOptions {
  readonly weights?: string;
  readonly config?: string;
  readonly data?: string;
  readonly sparsity?: readonly string[];
  readonly mode?: string;
  readonly size?: string;
  readonly limit?: string;
  readonly threads?: string;
}

/** What is going to be done. */
export interface EvaluationPlan {
  readonly weights: string;
  readonly checkpoint: TaskCheckpoint;
  readonly dataset: Dataset;
  readonly input: TaskInput;
  readonly cases: readonly EvaluationCase[];
  readonly limit: number | undefined;
  readonly threads: number | undefined;
  readonly onBroken: 'skip' | 'fail';
  readonly broken: readonly BrokenRecord[];
}

const sourcesWith: Readonly<Record<Learns, readonly DataSource['kind'][]>> = {
  labels: ['image-folder'],
  masks: ['scenes', 'mask-folders'],
  boxes: ['scenes', 'coco'],
};

/**
 * Reads weights and data.
 *
 * @throws SparseViTError for the first thing that cannot be
 */
export async function planEvaluation(options: EvaluateOptions): Promise<EvaluationPlan> {
  if (options.weights === undefined) {
    throw inputError('evaluate: expected --weights FILE, got none. `sparsevit train` writes one.');
  }
  if ((options.config === undefined) === (options.data === undefined)) {
    const got = options.config === undefined ? 'neither' : 'both';
    throw inputError(`evaluate: expected --config or --data, got ${got}. See \`sparsevit evaluate --help\`.`);
  }
  const threads = parseThreads(options.threads);
  const { checkpoint, input: own } = await readTaskFile(options.weights);
  const { source, input, limit: wanted } = await readSource(options, own);
  const broken: BrokenRecord[] = [];
  checkSource(source, checkpoint.config);
  const dataset = await openSource(source, {
    learns: learnsFrom(checkpoint.config),
    wantsEveryClass: false,
    onEvent: (event) => void broken.push(event),
  });
  const limit =
    options.limit === undefined
      ? wanted
      : parseInteger(options.limit, '--limit', { min: 1, max: Number.MAX_SAFE_INTEGER });
  return {
    weights: options.weights,
    checkpoint,
    dataset: withClasses(dataset, checkpoint.config.classes, 'evaluate'),
    input: options.size === undefined ? input : { ...input, size: parseSize(options.size, '--size') },
    cases: evaluationCases(checkpoint, options),
    limit,
    threads,
    onBroken: source.onBroken,
    broken,
  };
}

/** The data set of `--config` or `--data`, and what the model shall see of it. */
async function readSource(
  { config, data = '' }: EvaluateOptions,
  own: TaskInput,
): Promise<{ source: DataSource; input: TaskInput; limit: number | undefined }> {
  if (config === undefined) {
    const result = dataSourceSchema.safeParse(parseJson(data, '--data: expected a data set as JSON'));
    if (result.success) {
      return { source: absoluteSource(result.data, (path) => resolve(path)), input: own, limit: undefined };
    }
    const [issue] = result.error.issues;
    const at = issue === undefined || issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`;
    throw inputError(
      `--data: expected a data set such as {"kind":"coco","annotations":"a.json","images":"photos"}, got ${quote(data)}: ${issue?.message ?? ''}${at}.`,
      { cause: result.error },
    );
  }
  const { run } = await readRunDocument(config);
  const { height, width, keepRatio, normalization } = run.input;
  return {
    source: run.data.validation ?? run.data.train,
    input: { size: { height, width }, keepRatio, normalization },
    limit: run.evaluation?.limit,
  };
}

function checkSource({ kind }: DataSource, config: TaskConfig): void {
  const kinds = sourcesWith[learnsFrom(config)];
  if (kinds.includes(kind)) return;
  throw inputError(`evaluate: expected data of ${kinds.join(' or ')} for ${config.kind}, got ${kind}.`);
}
