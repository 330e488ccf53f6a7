/** Which Swin a command works on: a checkpoint, or a preset with seeded random weights. */

import type { HostTensor, SwinCheckpoint, SwinFamily, SwinWeights } from '@sparsevit/backbone';
import { familyRules, loadCheckpoint, randomWeights } from '@sparsevit/backbone';
import type { SwinPresetName } from '@sparsevit/config/presets';
import { describeArchitecture, presetOf, swinPreset, swinPresetNames } from '@sparsevit/config/presets';
import { readInputFile } from '@sparsevit/pipeline/files';
import type { Sparsity, SwinArchitecture } from '@sparsevit/windows';
import { SparseViTError } from '@sparsevit/windows';
import { inputError, quote } from './errors';
import { parseChoice, parseInteger, seedRange } from './values';

/** A model and where it comes from. */
export interface LoadedModel {
  readonly architecture: SwinArchitecture;
  readonly family: SwinFamily;
  /** The sparsity saved with the weights. */
  readonly sparsity: Sparsity | null;
  /** What is odd about the checkpoint. */
  readonly notes: readonly string[];
  /** The preset with this architecture; null for another. */
  readonly preset: SwinPresetName | null;
  /** The checkpoint file, or the seed of random weights. */
  readonly source: { readonly weights: string } | { readonly seed: number };
  /** The weights; random ones are drawn now, which takes seconds, so ask when all else is known to be right. */
  readWeights(): SwinWeights<HostTensor>;
}

const defaultPreset: SwinPresetName = 'swin-t';
const windowRange = { min: 1, max: 64 };

/**
 * Loads the checkpoint, or takes random weights for the preset (default swin-t, seed 0, rules of Microsoft's detector).
 *
 * @throws SparseViTError for a file that is no such checkpoint, an unknown preset or family, or a seed beside a file
 */
export async function loadModel(options: {
  weights?: string | undefined;
  family?: string | undefined;
  model?: string | undefined;
  seed?: string | undefined;
  prefix?: string | undefined;
  window?: string | undefined;
}): Promise<LoadedModel> {
  const family = options.family === undefined ? undefined : parseFamily(options.family);
  const wanted = options.model === undefined ? undefined : swinPreset(options.model);
  if (options.weights === undefined) {
    for (const option of ['prefix', 'window'] as const) {
      if (options[option] !== undefined) throw inputError(`--${option}: expected --weights beside it, got none.`);
    }
    const seed = options.seed === undefined ? 0 : parseInteger(options.seed, '--seed', seedRange);
    const architecture = wanted ?? swinPreset(defaultPreset);
    return {
      architecture,
      family: family ?? 'microsoft-detection',
      sparsity: null,
      notes: [],
      preset: presetOf(architecture),
      source: { seed },
      readWeights: () => randomWeights(architecture, seed),
    };
  }
  if (options.seed !== undefined) {
    throw inputError('--seed: expected no --weights beside it, got both. A seed is for random weights.');
  }
  const { weights, ...facts } = await readCheckpoint(options.weights, '--weights', { ...options, family });
  const preset = presetOf(facts.architecture);
  if (wanted !== undefined && preset !== presetOf(wanted)) {
    const own = preset ?? describeArchitecture(facts.architecture);
    throw inputError(
      `--model: expected the architecture of ${quote(options.weights)} (${own}), got ${options.model}. Leave out --model.`,
    );
  }
  return { ...facts, preset, source: { weights: options.weights }, readWeights: () => weights };
}

/**
 * Reads a checkpoint file.
 *
 * @param what the option or argument that named it
 * @throws SparseViTError with the file's name in front of what is wrong with it
 */
export async function readCheckpoint(
  path: string,
  what: string,
  options: { family?: SwinFamily | undefined; prefix?: string | undefined; window?: string | undefined },
): Promise<SwinCheckpoint> {
  const { family, prefix } = options;
  const window = options.window === undefined ? undefined : parseInteger(options.window, '--window', windowRange);
  const bytes = await readInputFile(path, what);
  try {
    return loadCheckpoint(bytes, { family, prefix, window });
  } catch (error) {
    if (!SparseViTError.isInstance(error)) throw error;
    throw new SparseViTError(error.code, `${quote(path)}: ${error.message}`, { cause: error });
  }
}

/** Reads the name of a family. */
export function parseFamily(text: string): SwinFamily {
  return parseChoice(text, '--family', Object.keys(familyRules) as SwinFamily[]);
}

/** The options that say how a checkpoint is read. */
export const checkpointOptions: Record<'family' | 'prefix' | 'window', { value: string; description: string }> = {
  family: {
    value: 'NAME',
    description: `Force whose rules the weights follow: ${Object.keys(familyRules).join(', ')}.`,
  },
  prefix: { value: 'TEXT', description: 'Which keys of a checkpoint with several Swins: those that begin so.' },
  window: { value: 'N', description: 'Resize the bias tables of the checkpoint to another window.' },
};

/** The help of `--model`. */
export const presetList: string = swinPresetNames.join(', ');
