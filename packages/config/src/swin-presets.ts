/** The architectures with a name: those of the Swin paper, the narrow ones of the SparseViT paper, and a small one of our own. */

import type { SwinArchitecture } from '@sparsevit/windows';
import { ConfigError } from '@sparsevit/windows';
import { quote } from './quote';

/** The name of an architecture. */
export type SwinPresetName =
  | 'swin-t'
  | 'swin-s'
  | 'swin-b'
  | 'swin-l'
  | 'swin-b-384'
  | 'swin-l-384'
  | 'swin-t-0.9x'
  | 'swin-t-0.8x'
  | 'swin-t-0.6x'
  | 'swin-nano';

const swin = (
  embedDim: number,
  options: { depths: readonly number[]; heads: readonly number[]; window?: number },
): SwinArchitecture => ({ window: 7, mlpRatio: 4, patchSize: 4, embedDim, ...options });

const tiny = { depths: [2, 2, 6, 2], heads: [3, 6, 12, 24] };
const base = { depths: [2, 2, 18, 2], heads: [4, 8, 16, 32] };
const large = { depths: [2, 2, 18, 2], heads: [6, 12, 24, 48] };

/**
 * The architectures by name.
 *
 * - `swin-t`, `-s`, `-b`, `-l`: Swin (Liu et al., 2021) with windows of 7 tokens; `-384` are those trained on 384 pixels, with windows of 12
 * - `swin-t-0.9x`, `-0.8x`, `-0.6x`: Swin-T with 84, 72 and 60 channels and the same heads, the narrow baselines of SparseViT (Chen et al., 2023)
 * - `swin-nano`: ours, small enough to train on a CPU
 *
 * @example
 * swinPresets['swin-t'].depths; // [2, 2, 6, 2]
 */
export const swinPresets: Readonly<Record<SwinPresetName, SwinArchitecture>> = {
  'swin-t': swin(96, tiny),
  'swin-s': swin(96, { ...tiny, depths: [2, 2, 18, 2] }),
  'swin-b': swin(128, base),
  'swin-l': swin(192, large),
  'swin-b-384': swin(128, { ...base, window: 12 }),
  'swin-l-384': swin(192, { ...large, window: 12 }),
  'swin-t-0.9x': swin(84, tiny),
  'swin-t-0.8x': swin(72, tiny),
  'swin-t-0.6x': swin(60, tiny),
  'swin-nano': swin(32, { depths: [2, 2, 2, 2], heads: [1, 2, 4, 8] }),
};

/** The names, in the order of `swinPresets`. */
export const swinPresetNames: readonly SwinPresetName[] = Object.keys(swinPresets) as SwinPresetName[];

/** True for the name of a preset. */
export function isSwinPresetName(name: string): name is SwinPresetName {
  return Object.hasOwn(swinPresets, name);
}

/**
 * The architecture with this name.
 *
 * @throws ConfigError when no preset has it; the message lists those there are
 * @example
 * swinPreset('swin-nano').embedDim; // 32
 */
export function swinPreset(name: string): SwinArchitecture {
  if (!isSwinPresetName(name)) {
    throw new ConfigError(`swinPreset: expected one of ${swinPresetNames.join(', ')}, got ${quote(name)}.`);
  }
  return swinPresets[name];
}

/**
 * The name of the preset that an architecture equals; null when there is none.
 *
 * @example
 * presetOf(checkpoint.architecture) ?? describeArchitecture(checkpoint.architecture); // 'swin-t'
 */
export function presetOf(architecture: SwinArchitecture): SwinPresetName | null {
  const { embedDim, depths, heads, window, mlpRatio, patchSize } = architecture;
  const facts = (a: SwinArchitecture): string =>
    JSON.stringify([a.embedDim, a.depths, a.heads, a.window, a.mlpRatio, a.patchSize]);
  const wanted = facts({ embedDim, depths, heads, window, mlpRatio, patchSize });
  return swinPresetNames.find((name) => facts(swinPreset(name)) === wanted) ?? null;
}

/**
 * What an architecture is made of, in words.
 *
 * @example
 * describeArchitecture(swinPreset('swin-t')); // 'embed 96, depths 2,2,6,2, heads 3,6,12,24, window 7, MLP ratio 4, patch 4'
 */
export function describeArchitecture(architecture: SwinArchitecture): string {
  const { embedDim, depths, heads, window, mlpRatio, patchSize } = architecture;
  return `embed ${embedDim}, depths ${depths.join(',')}, heads ${heads.join(',')}, window ${window}, MLP ratio ${mlpRatio}, patch ${patchSize}`;
}
