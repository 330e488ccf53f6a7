/** Files of trained tasks: what `saveTask` of `@sparsevit/tasks` writes, with what the model saw in training in the metadata. */

import { readSafetensors, writeSafetensors } from '@sparsevit/backbone';
import type { TrainingInput } from '@sparsevit/config';
import { imagenetNormalization } from '@sparsevit/config';
import type { TaskCheckpoint } from '@sparsevit/tasks';
import { loadTask, saveTask } from '@sparsevit/tasks';
import { SparseViTError } from '@sparsevit/windows';
import { quote } from '../errors';
import { readInputFile } from '../files';

const metadataKey = 'sparsevit-input';

/** What the model sees of an image; `size` null for each its own. */
export interface TaskInput {
  readonly size: { readonly height: number; readonly width: number } | null;
  readonly keepRatio: boolean;
  readonly normalization: TrainingInput['normalization'];
}

/** The bytes of a task, and how images are made ready for it. */
export function writeTaskFile(checkpoint: TaskCheckpoint, input: TaskInput): Uint8Array<ArrayBuffer> {
  const { tensors, metadata } = readSafetensors(saveTask(checkpoint));
  return writeSafetensors(tensors, { ...metadata, [metadataKey]: JSON.stringify(input) });
}

/**
 * Reads a task file.
 *
 * @throws SparseViTError with the file's name in front of what is wrong with it
 */
export async function readTaskFile(path: string): Promise<{ checkpoint: TaskCheckpoint; input: TaskInput }> {
  const bytes = await readInputFile(path, '--weights');
  return { checkpoint: openTask(bytes, path), input: inputOf(readSafetensors(bytes).metadata[metadataKey]) };
}

/** `loadTask` with the file's name in its errors. */
export function openTask(bytes: Uint8Array, path: string): TaskCheckpoint {
  try {
    return loadTask(bytes);
  } catch (error) {
    if (!SparseViTError.isInstance(error)) throw error;
    throw new SparseViTError(error.code, `${quote(path)}: ${error.message}`, { cause: error });
  }
}

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isThree = (value: unknown): value is [number, number, number] =>
  Array.isArray(value) && value.length === 3 && value.every(isNumber);
const isSide = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 1e5;

/** What the metadata say; each image's own size and ImageNet's normalisation where they say nothing that can be used. */
function inputOf(text: string | undefined): TaskInput {
  let document: {
    size?: { height?: unknown; width?: unknown };
    keepRatio?: unknown;
    normalization?: Record<string, unknown>;
  };
  try {
    document = (JSON.parse(text ?? '{}') ?? {}) as typeof document;
  } catch {
    document = {};
  }
  const { height, width } = document.size ?? {};
  const { mean, std } = document.normalization ?? {};
  return {
    size: isSide(height) && isSide(width) ? { height, width } : null,
    keepRatio: document.keepRatio === true,
    normalization:
      isThree(mean) && isThree(std) && std.every((value) => value > 0) ? { mean, std } : imagenetNormalization,
  };
}
