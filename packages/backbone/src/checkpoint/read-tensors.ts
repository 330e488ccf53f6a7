/** The tensors of a checkpoint file, whichever of the two formats it is in. */

import { CheckpointError } from '@sparsevit/windows';
import { convertCommand, readPyTorch } from '../formats/pytorch';
import { refuse } from '../formats/refuse';
import { readSafetensors } from '../formats/safetensors';
import type { StoredTensor } from '../formats/tensor';

/** What a checkpoint file holds, before anything is made of it. */
export interface TensorFile {
  readonly format: 'safetensors' | 'pytorch';
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** The strings of a safetensors header; empty for a PyTorch file. */
  readonly metadata: Readonly<Record<string, string>>;
  /** What was left out of a PyTorch file; one sentence each. */
  readonly notes: readonly string[];
}

const here = 'checkpoint';

/**
 * Reads a safetensors file or a PyTorch file (`torch.save` since 1.6), told apart by their first bytes.
 *
 * @throws CheckpointError when it is neither, or damaged
 * @example
 * const { format, tensors } = readTensors(bytes);
 */
export function readTensors(bytes: Uint8Array): TensorFile {
  if (!(bytes instanceof Uint8Array)) throw new CheckpointError(`${here}: expected a Uint8Array, got ${typeof bytes}.`);
  if (startsWith(bytes, 0x50, 0x4b, 0x03, 0x04)) {
    return { format: 'pytorch', metadata: {}, ...readPyTorch(bytes) };
  }
  if (bytes[8] === 0x7b) {
    return { format: 'safetensors', notes: [], ...readSafetensors(bytes) };
  }
  const isPickle = bytes[0] === 0x80 && (bytes[1] ?? 0) >= 2 && (bytes[1] ?? 0) <= 5;
  const isTar = startsWith(bytes.subarray(257), 0x75, 0x73, 0x74, 0x61, 0x72);
  if (isPickle || isTar) {
    refuse(
      here,
      'safetensors or a PyTorch zip file',
      isPickle ? 'a bare pickle (PyTorch before 1.6, or a .pkl)' : 'a tar archive (PyTorch before 0.4)',
      `Convert it where you have PyTorch: ${convertCommand(false)}`,
    );
  }
  return refuse(here, 'safetensors or a PyTorch zip file', bytes.length === 0 ? 'an empty file' : 'neither');
}

function startsWith(bytes: Uint8Array, ...start: readonly number[]): boolean {
  return start.every((byte, i) => bytes[i] === byte);
}
