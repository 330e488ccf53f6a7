/** Files of trained tasks, with the name of the file in what is said about them. */

import type { TaskCheckpoint } from '@sparsevit/tasks';
import { loadTask } from '@sparsevit/tasks';
import { SparseViTError } from '@sparsevit/windows';
import { quote } from './errors';
import { readInputFile } from './files';

/**
 * Reads a trained task.
 *
 * @param what the option or field that named the file, which opens the error's message
 * @throws SparseViTError with the file's name in front of what is wrong with it
 * @example
 * const { config, backbone } = await readTaskFile('runs/adapted/model.safetensors', '--weights');
 */
export async function readTaskFile(path: string, what: string): Promise<TaskCheckpoint> {
  return openTask(await readInputFile(path, what), path);
}

/** `loadTask` with the file's name in its errors. */
export function openTask(bytes: Uint8Array, path: string): TaskCheckpoint {
  return namingFile(path, () => loadTask(bytes));
}

/** Reads something of a file; what is wrong with it is said with the file's name. */
export function namingFile<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!SparseViTError.isInstance(error)) throw error;
    throw new SparseViTError(error.code, `${quote(path)}: ${error.message}`, { cause: error });
  }
}
