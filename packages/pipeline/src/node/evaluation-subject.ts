/**
 * What a search evaluates, as a document: weights, data and settings. The process that evaluates opens it from this alone, whether it is this one, another
 * of this machine, or one of another machine that has the same files.
 */

import { basename, dirname, resolve } from 'node:path';
import type { DataSource, EvaluationSubject, JsonValue } from '@sparsevit/config';
import { dataSourceSchema } from '@sparsevit/config';
import type { BrokenRecord } from '@sparsevit/data';
import { createEngine } from '@sparsevit/engine';
import type { Evaluator } from '@sparsevit/search';
import { checkFiles, identifyFiles } from '@sparsevit/search/node';
import type { TaskInput } from '@sparsevit/tasks';
import { checkTaskInput, learnsFrom } from '@sparsevit/tasks';
import type { SparsityRules } from '@sparsevit/windows';
import { ConfigError, checkSparsity, uniformSparsity } from '@sparsevit/windows';
import { engineRunner } from '../engine-runner';
import type { EvaluationEvent } from '../evaluate';
import { scoreNameOf, searchEvaluator } from '../search-evaluator';
import { createValidation } from '../validation';
import { openSource, withClasses } from './data-source';
import { readTaskFile } from './task-file';

/** What a search evaluates. */
export interface SearchSubject {
  /** A trained task. */
  readonly weights: string;
  /** Its validation data; paths are absolute. */
  readonly source: DataSource;
  readonly input: TaskInput;
  /** Images at most, from the first; null for all. */
  readonly limit: number | null;
  readonly rules: SparsityRules;
}

/** Where the fields of a data set that name files are found. */
const pathFields: Readonly<Record<DataSource['kind'], readonly string[]>> = {
  scenes: [],
  coco: ['annotations', 'images'],
  'image-folder': ['path'],
  'mask-folders': ['images', 'masks'],
};

/**
 * The document of what a search evaluates: files by the hashes of their contents, and everything else that counts.
 *
 * @param root the folder that every machine has the files in; default each file's own, for a search on this machine alone
 * @throws ConfigError for a file that is missing, or lies outside of `root`
 * @example
 * const subject = await describeSubject({ weights, source, input: taskInputOf(checkpoint), limit: null, rules: sparsityModes.clean });
 */
export async function describeSubject(of: SearchSubject, root?: string): Promise<EvaluationSubject> {
  const { weights, source, input, limit, rules } = of;
  const paths = { weights, ...pathsOf(source) };
  const files: Record<string, EvaluationSubject['files'][string]> = {};
  for (const [name, path] of Object.entries(paths)) {
    const within = root === undefined ? dirname(resolve(path)) : resolve(root);
    const inner = root === undefined ? basename(resolve(path)) : resolve(path).slice(within.length + 1);
    if (!resolve(path).startsWith(within === '/' ? within : `${within}/`)) {
      throw new ConfigError(
        `evaluation subject: expected ${name} inside of ${JSON.stringify(within)}, got ${JSON.stringify(path)}. Name a folder that has all files as --root.`,
      );
    }
    Object.assign(files, await identifyFiles(within, { [name]: inner }));
  }
  const fields = pathFields[source.kind];
  const written = Object.fromEntries(Object.entries(source).filter(([name]) => !fields.includes(name)));
  const settings = { source: written, input, limit, rules } as unknown as Record<string, JsonValue>;
  return { format: 'sparsevit-evaluation-subject', version: 1, files, settings };
}

/** The paths of a data set by their fields. */
function pathsOf(source: DataSource): Record<string, string> {
  const fields = source as unknown as Readonly<Record<string, string>>;
  return Object.fromEntries(pathFields[source.kind].map((name) => [name, fields[name] ?? '']));
}

/** A subject that was opened. */
export interface OpenedSubject {
  /** The name of the score that `evaluate` tells. */
  readonly scoreName: string;
  /** Images that it is computed on. */
  readonly images: number;
  readonly evaluate: Evaluator;
  dispose(): Promise<void>;
}

/** How a subject is opened. */
export interface OpenSubjectOptions {
  /** Where its files are, by name; `checkedPaths` finds them below a folder. */
  readonly paths: Readonly<Record<string, string>>;
  /** Threads of the engine; default all cores. */
  readonly threads?: number | undefined;
  readonly onEvent?: ((event: EvaluationEvent | BrokenRecord) => void) | undefined;
}

/**
 * Loads the model and opens the data of a subject.
 *
 * @throws SparseViTError for files that cannot be used; ConfigError for settings that are none
 * @example
 * const opened = await openSubject(subject, { paths: { weights: 'adapted.safetensors' } });
 * const result = await runSearch(search, opened.evaluate);
 */
export async function openSubject(
  subject: EvaluationSubject,
  { paths, threads, onEvent = () => {} }: OpenSubjectOptions,
): Promise<OpenedSubject> {
  const { weights } = paths;
  if (weights === undefined) throw new ConfigError('evaluation subject: expected weights among its files, got none.');
  const checkpoint = await readTaskFile(weights, 'weights');
  const { source, input, limit, rules } = readSettings(subject, paths);
  const { architecture } = checkpoint.backbone;
  checkSparsity(architecture, { ...uniformSparsity(architecture, 0), ...rules });
  const { config } = checkpoint;
  const own = await openSource(source, { learns: learnsFrom(config), wantsEveryClass: false, onEvent });
  const dataset = withClasses(own, config.classes, 'data');
  const engine = await createEngine(threads === undefined ? {} : { threads });
  const runner = engineRunner(engine, checkpoint, { maxPlans: 1 });
  const validation = createValidation(runner, dataset, {
    task: config,
    ...(input.size === null ? {} : { size: input.size }),
    keepRatio: input.keepRatio,
    normalization: input.normalization,
    ...(limit === null ? {} : { limit }),
    onBroken: source.onBroken,
    onEvent,
  });
  const scoreName = scoreNameOf(config);
  return {
    scoreName,
    images: validation.length,
    evaluate: searchEvaluator(validation, { name: scoreName, rules }),
    async dispose() {
      await runner.dispose();
      await engine.dispose();
    },
  };
}

/**
 * Where the files of a subject are below a folder of this machine, once it is known that their contents are the same.
 *
 * @throws ConfigError that names the first that is missing, or other
 */
export function checkedPaths(subject: EvaluationSubject, root: string): Promise<Record<string, string>> {
  return checkFiles(root, subject.files);
}

/** Where the files of a subject are on the machine that described it. */
export function subjectPaths({ weights, source }: SearchSubject): Record<string, string> {
  return { weights: resolve(weights), ...pathsOf(source) };
}

/** Anybody may have written them. */
function readSettings(
  { settings }: EvaluationSubject,
  paths: Readonly<Record<string, string>>,
): Omit<SearchSubject, 'weights'> {
  const { source, input, limit = null, rules } = settings;
  const { weights: _, ...files } = paths;
  const read = dataSourceSchema.safeParse({ ...(source as object), ...files });
  if (!read.success) {
    const [issue] = read.error.issues;
    throw new ConfigError(
      `evaluation subject: expected a data set in settings.source, got another: ${issue?.message ?? ''} at ${issue?.path.join('.') ?? ''}.`,
      { cause: read.error },
    );
  }
  if (limit !== null && !(Number.isSafeInteger(limit) && Number(limit) >= 1)) {
    throw new ConfigError(
      `evaluation subject: expected settings.limit to be null or 1 at least, got ${String(limit)}.`,
    );
  }
  return {
    source: read.data,
    input: checkTaskInput(input as unknown as TaskInput),
    limit: limit as number | null,
    rules: rules as unknown as SparsityRules,
  };
}
