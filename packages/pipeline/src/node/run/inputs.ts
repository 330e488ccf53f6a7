/** Where the result of each stage lies: in the run's folder, or where the document says. */

import type { PipelineRun } from '@sparsevit/config';
import type { TaskCheckpoint } from '@sparsevit/tasks';
import { inputError } from '../errors';
import { readTaskFile } from '../task-file';
import type { RunFolder } from './run-folder';

/** What models are called when a stage reads them. */
export type ModelRole = 'dense' | 'adapted' | 'final';

/** The file of a model, and the field that named it. */
export function modelFile(
  run: PipelineRun,
  folder: RunFolder,
  role: ModelRole,
): { readonly path: string; readonly what: string } {
  const own = (stage: string): { path: string; what: string } => ({
    path: folder.at(stage, 'model.safetensors'),
    what: 'output',
  });
  if (role === 'final') {
    if (run.finetune === undefined) return modelFile(run, folder, 'adapted');
    return 'file' in run.finetune ? { path: run.finetune.file, what: 'finetune.file' } : own('finetune');
  }
  if (role === 'adapted') return 'file' in run.adapt ? { path: run.adapt.file, what: 'adapt.file' } : own('adapt');
  if (run.train !== undefined) {
    return 'file' in run.train ? { path: run.train.file, what: 'train.file' } : own('train');
  }
  const { weights } = run.model;
  if (weights === undefined) {
    throw inputError('model.weights: expected a trained task, got none, and there is no train to make one.');
  }
  return { path: weights, what: 'model.weights' };
}

/**
 * Reads a model of the run.
 *
 * @throws SparseViTError with the field and the file in front of what is wrong
 */
export function readModel(run: PipelineRun, folder: RunFolder, role: ModelRole): Promise<TaskCheckpoint> {
  const { path, what } = modelFile(run, folder, role);
  return readTaskFile(path, what);
}

/** The file of latencies, and the field that named it. */
export function latencyFile(
  { latency }: PipelineRun,
  folder: RunFolder,
): { readonly path: string; readonly what: string } {
  return 'file' in latency
    ? { path: latency.file, what: 'latency.file' }
    : { path: folder.at('profile', 'table.json'), what: 'output' };
}

/** The file of the search's result, and the field that named it. */
export function searchFile(
  { search }: PipelineRun,
  folder: RunFolder,
): { readonly path: string; readonly what: string } {
  return 'file' in search
    ? { path: search.file, what: 'search.file' }
    : { path: folder.at('search', 'result.json'), what: 'output' };
}
