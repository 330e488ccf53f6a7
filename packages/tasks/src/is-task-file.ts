/** What tells a task file from a bare Swin; alone in its module, so that a page that has no task file need not download heads to know. */

import { readSafetensors } from '@sparsevit/backbone';

/** The name in the metadata under which a file has its task. */
export const taskMetadataKey = 'sparsevit-task';

/**
 * True for a file that `loadTask` reads; false for a bare Swin, and for what is no model.
 *
 * @example
 * const checkpoint = isTaskFile(bytes) ? loadTask(bytes) : loadCheckpoint(bytes);
 */
export function isTaskFile(bytes: Uint8Array): boolean {
  try {
    return Object.hasOwn(readSafetensors(bytes).metadata, taskMetadataKey);
  } catch {
    return false;
  }
}
