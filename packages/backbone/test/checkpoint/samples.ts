/** Small checkpoints with random weights (no zeros, no ones: a value that lands in a wrong place shows), and their files. */

import type { SwinArchitecture } from '@sparsevit/windows';
import { createRandom } from '@sparsevit/windows';
import type { SwinCheckpoint, SwinFamily } from '../../src/checkpoint';
import { readSafetensors } from '../../src/formats/safetensors';
import { writeSafetensors } from '../../src/formats/safetensors-writer';
import type { StoredTensor } from '../../src/formats/tensor';
import { elementCount } from '../../src/formats/tensor';
import type { HostTensor, SwinParts } from '../../src/weights';
import { buildWeights, listWeights } from '../../src/weights';

export const tiny: SwinArchitecture = {
  embedDim: 4,
  depths: [2, 1, 1],
  heads: [1, 2, 2],
  window: 3,
  mlpRatio: 2,
  patchSize: 2,
};

export const classifierParts: SwinParts = { outputNorms: [false, false, false], hasFinalNorm: true, classes: 5 };
export const detectorParts: SwinParts = { outputNorms: [true, true, true], hasFinalNorm: false, classes: 0 };
export const allParts: SwinParts = { outputNorms: [true, true, true], hasFinalNorm: true, classes: 5 };

export function sample(
  family: SwinFamily,
  options: { parts?: SwinParts; architecture?: SwinArchitecture; seed?: number } = {},
): SwinCheckpoint {
  const { parts = classifierParts, architecture = tiny, seed = 1 } = options;
  const random = createRandom(seed);
  const weights = buildWeights(architecture, parts, ({ shape }) => ({
    values: Float32Array.from({ length: elementCount(shape) }, () => random.normal()),
    shape,
  }));
  return { architecture, family, weights, sparsity: null, notes: [] };
}

/** Weights by key, as one flat record that compares well. */
export function flat({
  architecture,
  weights,
}: Pick<SwinCheckpoint, 'architecture' | 'weights'>): Record<string, unknown> {
  return Object.fromEntries(listWeights(architecture, weights).map(({ slot, value }) => [slot.key, value]));
}

/** The keys of weights that are not the same bits in both; typed arrays of millions are slow to compare by `toEqual`. */
export function differing(a: SwinCheckpoint, b: SwinCheckpoint): string[] {
  const [left, right] = [flat(a), flat(b)] as Record<string, HostTensor>[];
  const keys = new Set([...Object.keys(left ?? {}), ...Object.keys(right ?? {})]);
  const bits = (tensor: HostTensor | undefined): string =>
    tensor === undefined ? '' : `${tensor.shape}:${Buffer.from(tensor.values.buffer).toString('latin1')}`;
  return [...keys].filter((key) => bits(left?.[key]) !== bits(right?.[key]));
}

/** A file's tensors with other keys, other tensors, or without the metadata of ours. */
export function edit(
  bytes: Uint8Array,
  change: (tensors: Map<string, StoredTensor>) => void,
  metadata: Record<string, string> = {},
): Uint8Array {
  const tensors = new Map(readSafetensors(bytes).tensors);
  change(tensors);
  return writeSafetensors(tensors, metadata);
}

/** The same file as another library would write it: without our metadata. */
export function foreign(bytes: Uint8Array, rename: (key: string) => string = (key) => key): Uint8Array {
  return writeSafetensors(new Map([...readSafetensors(bytes).tensors].map(([key, tensor]) => [rename(key), tensor])));
}

export function zeros(...shape: number[]): StoredTensor {
  return { dtype: 'F32', shape, bytes: new Uint8Array(4 * elementCount(shape)) };
}
