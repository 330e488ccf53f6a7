/** What `evaluate` is going to do: weights, data and sparsities, checked before the engine starts. */

import { resolve } from 'node:path';
import type { DataSource } from '@sparsevit/config';
import { dataSourceSchema } from '@sparsevit/config';
import type { BrokenRecord, Dataset } from '@sparsevit/data';
import type { EvaluationCase } from '@sparsevit/pipeline';
import { parseJson } from '@sparsevit/pipeline/files';
import type { Learns } from '@sparsevit/pipeline/node';
import { absoluteSource, openSource, readTaskFile, withClasses } from '@sparsevit/pipeline/node';
import type { TaskCheckpoint, TaskConfig, TaskInput } from '@sparsevit/tasks';
import { learnsFrom, taskInputOf } from '@sparsevit/tasks';
import { inputError, quote } from '../errors';
import { readRunDocument } from '../train/document';
import { parseInteger, parseSize, parseThreads } from '../values';
import { evaluationCases } from './sparsities';

/** The options that say on which images, as they were typed. */
export interface EvaluationDataOptions {
  readonly config?: string;
  readonly data?: string;
  readonly size?: string;
  readonly limit?: string;
}

/** The options of `evaluate`, as they were typed. */
export interface EvaluateOptions extends EvaluationDataOptions {
  readonly weights?: string;
  readonly sparsity?: readonly string[];
  readonly mode?: string;
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

/** Weights and data, opened. */
export interface OpenedEvaluation {
  readonly checkpoint: TaskCheckpoint;
  /** Paths are absolute. */
  readonly source: DataSource;
  readonly dataset: Dataset;
  readonly input: TaskInput;
  readonly limit: number | undefined;
  readonly broken: readonly BrokenRecord[];
}

/**
 * Opens weights and data.
 *
 * @param command what opens messages
 * @throws SparseViTError for the first thing that cannot be
 */
export async function openEvaluation(
  options: EvaluationDataOptions & { readonly weights: string },
  command: string,
): Promise<OpenedEvaluation> {
  if ((options.config === undefined) === (options.data === undefined)) {
    const got = options.config === undefined ? 'neither' : 'both';
    throw inputError(`${command}: expected --config or --data, got ${got}. See \`sparsevit ${command} --help\`.`);
  }
  const checkpoint = await readTaskFile(options.weights, '--weights');
  const { source, input, limit: wanted } = await readSource(options, taskInputOf(checkpoint));
  const broken: BrokenRecord[] = [];
  checkSource(source, checkpoint.config, command);
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
    checkpoint,
    source,
    dataset: withClasses(dataset, checkpoint.config.classes, command),
    input: options.size === undefined ? input : { ...input, size: parseSize(options.size, '--size') },
    limit,
    broken,
  };
}

/**
 * Reads weights and data.
 *
 * @throws SparseViTError for the first thing that cannot be
 */
export async function planEvaluation(options: EvaluateOptions): Promise<EvaluationPlan> {
  const { weights } = options;
  if (weights === undefined) {
    throw inputError('evaluate: expected --weights FILE, got none. `sparsevit train` writes one.');
  }
  const threads = parseThreads(options.threads);
  const { source, ...opened } = await openEvaluation({ ...options, weights }, 'evaluate');
  return {
    ...opened,
    weights,
    cases: evaluationCases(opened.checkpoint, options),
    threads,
    onBroken: source.onBroken,
  };
}

/** The data set of `--config` or `--data`, and what the model shall see of it. */
async function readSource(
  { config, data = '' }: EvaluationDataOptions,
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

function checkSource({ kind }: DataSource, config: TaskConfig, command: string): void {
  const kinds = sourcesWith[learnsFrom(config)];
  if (kinds.includes(kind)) return;
  throw inputError(`${command}: expected data of ${kinds.join(' or ')} for ${config.kind}, got ${kind}.`);
}
