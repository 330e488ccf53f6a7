/** Whose latency is measured: a trained task with its head, or a backbone. */

import { presetOf } from '@sparsevit/config/presets';
import type { LatencySubject } from '@sparsevit/pipeline';
import { readInputFile } from '@sparsevit/pipeline/files';
import { readTaskFile } from '@sparsevit/pipeline/node';
import { isTaskFile, taskInputOf } from '@sparsevit/tasks';
import type { Sparsity, SwinArchitecture } from '@sparsevit/windows';
import { inputError } from '../errors';
import { loadModel } from '../model';
import type { Size } from '../values';

/** A model, and what its file says about how it is run. */
export interface ProfiledModel {
  readonly architecture: SwinArchitecture;
  /** `swin-t`, `detection on swin-nano` */
  readonly name: string;
  /** Where it comes from. */
  readonly origin: string;
  readonly savedSparsity: Sparsity | null;
  /** What images are resized to, where the file says so. */
  readonly savedSize: Size | null;
  /** The weights; random ones are drawn now. */
  readSubject(): LatencySubject;
}

/** The options that say so, as they were typed. */
export interface ModelOptions {
  readonly weights?: string;
  readonly model?: string;
  readonly family?: string;
  readonly prefix?: string;
  readonly window?: string;
}

/**
 * Reads a task file or a checkpoint of a Swin, or takes random weights of a preset.
 *
 * @throws SparseViTError for a file that is neither, or options that do not go with it
 */
export async function openProfiledModel(options: ModelOptions): Promise<ProfiledModel> {
  const { weights, model, family, prefix, window } = options;
  if (weights !== undefined && isTaskFile(await readInputFile(weights, '--weights'))) {
    for (const option of ['model', 'family', 'prefix', 'window'] as const) {
      if (options[option] === undefined) continue;
      throw inputError(
        `--${option}: expected a checkpoint of a bare Swin beside it, got a trained task. Leave it out.`,
      );
    }
    const checkpoint = await readTaskFile(weights, '--weights');
    const { architecture, sparsity } = checkpoint.backbone;
    return {
      architecture,
      name: `${checkpoint.config.kind} on ${presetOf(architecture) ?? 'a Swin'}`,
      origin: weights,
      savedSparsity: sparsity,
      savedSize: taskInputOf(checkpoint).size,
      readSubject: () => checkpoint,
    };
  }
  const loaded = await loadModel({ weights, model, family, prefix, window });
  const { architecture, sparsity, preset, source, readWeights } = loaded;
  return {
    architecture,
    name: preset ?? 'a Swin',
    origin: 'seed' in source ? 'random weights: times are those of any weights' : source.weights,
    savedSparsity: sparsity,
    savedSize: null,
    readSubject: () => ({ architecture, family: loaded.family, weights: readWeights() }),
  };
}
