/** The model that a run begins with: a task that was saved, a fresh head on a checkpoint, or random weights. */

import { createHash } from 'node:crypto';
import { loadCheckpoint, randomWeights } from '@sparsevit/backbone';
import type { TrainingRun } from '@sparsevit/config';
import { describeArchitecture, presetOf, swinPreset } from '@sparsevit/config';
import type { TaskCheckpoint, TaskConfig } from '@sparsevit/tasks';
import { isTaskFile, newTask } from '@sparsevit/tasks';
import type { SwinArchitecture } from '@sparsevit/windows';
import { inputError, quote } from './errors';
import { readInputFile } from './files';
import { namingFile, openTask } from './task-file';

/** The model and where it comes from. */
export interface StartingTask {
  readonly checkpoint: TaskCheckpoint;
  /** `a detector of "model.safetensors"`, for people. */
  readonly origin: string;
  /** Equal for equal weights: a run is resumed only from the same. */
  readonly identity: string;
}

/**
 * Loads or draws the weights.
 *
 * @throws SparseViTError when nothing says which model, or the checkpoint is of another
 */
export async function startingTask(
  { task, model }: Pick<TrainingRun, 'task' | 'model'>,
  classes: readonly string[],
): Promise<StartingTask> {
  const config = { ...task, classes } as TaskConfig; // the kinds of both are the same, which a test checks
  const { preset, weights, family, seed } = model;
  const wanted = preset === undefined ? model.architecture : swinPreset(preset);
  if (weights === undefined) {
    if (wanted === undefined) {
      throw inputError('model: expected preset, architecture or weights, got none of them. Name one in the config.');
    }
    const backbone = {
      architecture: wanted,
      family: family ?? ('microsoft-detection' as const),
      weights: randomWeights(wanted, seed),
    };
    const origin = `random weights, seed ${seed}`;
    const identity = JSON.stringify([wanted, backbone.family, seed]);
    return { checkpoint: newTask(config, backbone, { seed }), origin, identity };
  }
  const bytes = await readInputFile(weights, 'model.weights');
  const identity = createHash('sha256').update(bytes).digest('hex') + JSON.stringify([family, seed]);
  if (isTaskFile(bytes)) {
    const saved = openTask(bytes, weights);
    checkArchitecture(saved.backbone.architecture, wanted, weights);
    const same = saved.config.kind === config.kind && saved.config.classes.join('\n') === classes.join('\n');
    if (!same) {
      throw inputError(
        `model.weights: expected ${nameOf(config)}, got ${quote(weights)} of ${nameOf(saved.config)}. Give it data of the same task and classes.`,
      );
    }
    const checkpoint = { ...saved, config: { ...saved.config, ...config } as TaskConfig };
    return { checkpoint, origin: `the ${config.kind} task in ${quote(weights)}`, identity };
  }
  const backbone = namingFile(weights, () => loadCheckpoint(bytes, family === undefined ? {} : { family }));
  checkArchitecture(backbone.architecture, wanted, weights);
  return {
    checkpoint: newTask(config, backbone, { seed }),
    origin: `the backbone in ${quote(weights)}, a fresh head of seed ${seed}`,
    identity,
  };
}

function checkArchitecture(own: SwinArchitecture, wanted: SwinArchitecture | undefined, path: string): void {
  if (wanted === undefined || describeArchitecture(own) === describeArchitecture(wanted)) return;
  const named = (architecture: SwinArchitecture): string =>
    presetOf(architecture) ?? describeArchitecture(architecture);
  throw inputError(
    `model: expected the architecture of ${quote(path)} (${named(own)}), got ${named(wanted)}. Leave out preset and architecture.`,
  );
}

function nameOf({ kind, classes }: TaskConfig): string {
  const some = classes.slice(0, 6).map(quote).join(', ');
  return `${kind} of ${some}${classes.length > 6 ? `, ... (${classes.length} classes)` : ''}`;
}
