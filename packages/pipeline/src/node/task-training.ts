/** A training run made ready: data, model, sparsities and outputs, checked before a backend starts. */

import { mkdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { TrainingRun } from '@sparsevit/config';
import { notationOf, parseSparsity } from '@sparsevit/config';
import type { BrokenRecord, Dataset } from '@sparsevit/data';
import { learnsFrom } from '@sparsevit/tasks';
import type { TrainingConfig } from '@sparsevit/trainer';
import { expectedSparsity } from '@sparsevit/trainer';
import type { Sparsity, SwinArchitecture } from '@sparsevit/windows';
import { checkSparsity, sparsityModes, uniformSparsity } from '@sparsevit/windows';
import type { EvaluationCase } from '../evaluate';
import { openSource, withClasses } from './data-source';
import { inputError, quote } from './errors';
import { checkOutputFile } from './files';
import type { StartingTask } from './starting-task';
import { startingTask } from './starting-task';

/** Where a training run writes. */
export interface TaskTrainingFiles {
  readonly folder: string;
  readonly checkpoints: string;
  readonly journal: string;
  readonly model: string;
}

/** A training run that is ready to begin, or to go on. */
export interface TaskTraining {
  readonly run: TrainingRun;
  readonly training: TrainingConfig;
  readonly starting: StartingTask;
  readonly train: Dataset;
  readonly validation: Dataset;
  readonly cases: readonly EvaluationCase[];
  /** Saved with the weights; null but for `finetune`. */
  readonly sparsity: Sparsity | null;
  readonly files: TaskTrainingFiles;
  /** What the run depends on beside `training`: one with another is not resumed. */
  readonly identity: string;
  /** What readers could not use. */
  readonly broken: readonly BrokenRecord[];
}

/** What else is known of a run. */
export interface PrepareOptions {
  /** The training data as they were written: the same wherever the folder lies. */
  readonly writtenTrain: TrainingRun['data']['train'];
  /** Of `finetune`, instead of the run's. */
  readonly sparsity?: string | Sparsity | undefined;
  /** Files that the run must not write over, beside its weights and annotations. */
  readonly reads: readonly string[];
  /** What opens messages about the output. */
  readonly what: string;
}

/**
 * Opens the data and the model of a run whose paths are absolute, and finds out whether its outputs can be written.
 *
 * @throws SparseViTError for the first thing that cannot be
 * @example
 * const training = await prepareTraining(run, { writtenTrain: run.data.train, reads: [], what: 'output' });
 */
export async function prepareTraining(run: TrainingRun, options: PrepareOptions): Promise<TaskTraining> {
  const { data, task } = run;
  const { mode } = run.training;
  const learns = learnsFrom(task);
  const broken: BrokenRecord[] = [];
  const onEvent = (event: BrokenRecord): void => void broken.push(event);
  const own = await openSource(data.train, { learns, wantsEveryClass: true, onEvent });
  const classes = data.classes ?? own.classes;
  const train = withClasses(own, classes, 'data.train');
  for (const id of classes.filter((name) => !own.classes.includes(name))) {
    // meant so, for a model that knows them already: told, not fatal
    onEvent({ type: 'record-broken', kind: 'class', id, reason: 'the training data do not have it' });
  }
  const validation =
    data.validation === undefined
      ? train
      : withClasses(
          await openSource(data.validation, { learns, wantsEveryClass: false, onEvent }),
          classes,
          'data.validation',
        );
  if (train.length < run.batch) {
    throw inputError(
      `batch: expected at most the ${train.length} images of the training data, got ${run.batch}. Use a smaller batch.`,
    );
  }
  const starting = await startingTask(run, classes);
  const { architecture, sparsity: saved } = starting.checkpoint.backbone;
  const sparsity = mode === 'finetune' ? finetuneSparsity(run, architecture, options.sparsity, saved) : null;
  const { sparsity: _, ...fields } = run.training;
  const training: TrainingConfig = { ...fields, ...(sparsity === null ? {} : { sparsity }) };
  const files = await checkFiles(run, options);
  const { input, batch, distillation, guidance } = run;
  return {
    run,
    training,
    starting,
    train,
    validation,
    cases: casesOf(architecture, run, sparsity),
    sparsity,
    files,
    identity: JSON.stringify([
      starting.checkpoint.config,
      starting.identity,
      options.writtenTrain,
      input,
      batch,
      distillation,
      ...(guidance === undefined ? [] : [guidance]),
    ]),
    broken,
  };
}

function finetuneSparsity(
  { training }: TrainingRun,
  architecture: SwinArchitecture,
  typed: string | Sparsity | undefined,
  saved: Sparsity | null,
): Sparsity {
  const wanted = typed ?? training.sparsity ?? saved;
  if (wanted === null) {
    throw inputError(
      'finetune: expected --sparsity or training.sparsity, got neither, and none is saved with the weights. Try .6.',
    );
  }
  return typeof wanted === 'string'
    ? parseSparsity(wanted, architecture, training.sparsityMode)
    : checkSparsity(architecture, wanted);
}

/** Dense, one half, what adaptation draws on average, and what is fine-tuned for. */
function casesOf(
  architecture: SwinArchitecture,
  { training }: TrainingRun,
  sparsity: Sparsity | null,
): EvaluationCase[] {
  const { sparsityMode, sampler } = training;
  return [
    { name: 'dense', sparsity: null },
    { name: 'uniform 50 %', sparsity: uniformSparsity(architecture, 0.5, sparsityMode) },
    { name: "sampler's mean", sparsity: expectedSparsity(architecture, sparsityModes[sparsityMode], sampler.choices) },
    ...(sparsity === null ? [] : [{ name: notationOf(sparsity), sparsity }]),
  ];
}

/** The outputs can be written, and none is a file that the run reads. */
async function checkFiles(run: TrainingRun, { reads: others, what }: PrepareOptions): Promise<TaskTrainingFiles> {
  const folder = run.output;
  const files: TaskTrainingFiles = {
    folder,
    checkpoints: join(folder, 'checkpoints'),
    journal: join(folder, 'journal.jsonl'),
    model: join(folder, 'model.safetensors'),
  };
  await mkdir(files.checkpoints, { recursive: true }).catch((cause: unknown) => {
    const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
    throw inputError(`${what}: expected a folder that can be written, got ${quote(folder)}${code}.`, { cause });
  });
  const { weights } = run.model;
  const sources = [run.data.train, ...(run.data.validation === undefined ? [] : [run.data.validation])];
  const reads = [
    ...others,
    ...(weights === undefined ? [] : [weights]),
    ...sources.flatMap((source) => (source.kind === 'coco' ? [source.annotations] : [])),
  ];
  await checkOutputFile(files.model, what, reads);
  await checkOutputFile(files.journal, what, reads);
  await checkOutputFile(join(files.checkpoints, 'best.safetensors'), what, reads);
  // old checkpoints are removed from there
  const inside = await realpath(files.checkpoints);
  for (const path of reads) {
    if ((await realpath(dirname(path)).catch(() => '')) !== inside) continue;
    throw inputError(
      `${what}: expected a folder whose checkpoints are its own, got ${quote(folder)}, in which ${quote(path)} lies.`,
    );
  }
  return files;
}
