/**
 * Task checkpoints as files: the backbone's weights under the keys of a known layout, so that whatever reads a Swin reads it from here too, the
 * head's under `task.`, and in the metadata, versioned, the task and what it sees of an image.
 */

import type { HostTensor, WritableTensor } from '@sparsevit/backbone';
import { loadCheckpoint, readSafetensors, saveCheckpoint, toFloat32, writeSafetensors } from '@sparsevit/backbone';
import { CheckpointError, SparseViTError } from '@sparsevit/windows';
import type { TaskConfig } from './config';
import { checkTask } from './config';
import type { TaskInput } from './input';
import { checkTaskInput } from './input';
import { taskMetadataKey } from './is-task-file';
import type { TaskCheckpoint } from './task';
import { headSlots } from './task';

const version = 1;
/** Not `head.`, under which classifiers of Swin are found. */
const headPrefix = 'task.';

/**
 * Writes a task as safetensors.
 *
 * @throws CheckpointError when a weight is misshapen or not finite
 * @example
 * await writeFile('detector.safetensors', saveTask(checkpoint));
 */
export function saveTask({ config, backbone, head, input }: TaskCheckpoint): Uint8Array<ArrayBuffer> {
  // microsoft's layout has places for output norms and for a classifier, whatever the family
  const { tensors, metadata } = readSafetensors(saveCheckpoint(backbone, { layout: 'microsoft' }));
  const all = new Map<
    string,
    WritableTensor | (typeof tensors extends ReadonlyMap<string, infer Stored> ? Stored : never)
  >(tensors);
  for (const [key, { values, shape }] of head) {
    if (!values.every(Number.isFinite))
      throw new CheckpointError(`saveTask: expected finite weights, got others in ${key}.`);
    all.set(`${headPrefix}${key}`, { values: values as Float32Array, shape });
  }
  return writeSafetensors(all, { ...metadata, [taskMetadataKey]: JSON.stringify({ version, config, input }) });
}

/**
 * Reads a task.
 *
 * @throws CheckpointError for a file that is damaged, holds no task (a bare Swin is read by `loadCheckpoint`), is of a newer version, or lacks weights
 * @example
 * const checkpoint = loadTask(await readFile('detector.safetensors'));
 */
export function loadTask(bytes: Uint8Array): TaskCheckpoint {
  const { tensors, metadata } = readSafetensors(bytes);
  const { config, input } = readDocument(metadata[taskMetadataKey]);
  const heads = [...tensors].filter(([key]) => key.startsWith(headPrefix));
  const bare = new Map([...tensors].filter(([key]) => !key.startsWith(headPrefix)));
  const backbone = loadCheckpoint({ tensors: bare, metadata });
  const head = new Map<string, HostTensor>();
  for (const { key, shape } of headSlots(config, backbone.architecture)) {
    const stored = tensors.get(`${headPrefix}${key}`);
    if (stored === undefined || stored.shape.join() !== shape.join()) {
      throw new CheckpointError(
        `loadTask: expected ${key} of [${shape.join(', ')}], got ${stored === undefined ? 'none' : `[${stored.shape.join(', ')}]`}.`,
      );
    }
    const values = toFloat32(stored, key);
    if (!values.every(Number.isFinite))
      throw new CheckpointError(`loadTask: expected finite weights, got others in ${key}.`);
    head.set(key, { values, shape });
  }
  if (head.size !== heads.length) {
    throw new CheckpointError(`loadTask: expected ${head.size} weights of a ${config.kind} head, got ${heads.length}.`);
  }
  return { config, backbone, head, ...(input === undefined ? {} : { input }) };
}

function readDocument(text: string | undefined): { config: TaskConfig; input: TaskInput | undefined } {
  if (text === undefined) {
    throw new CheckpointError(
      'loadTask: expected a task with its head, got a file without one. A bare Swin is a backbone: newTask puts a fresh head on it.',
    );
  }
  let document: { version?: unknown; config?: unknown; input?: unknown } | null;
  try {
    document = JSON.parse(text) as typeof document;
  } catch (cause) {
    throw new CheckpointError('loadTask: expected JSON about the task, got text that is none.', { cause });
  }
  if (typeof document?.version !== 'number' || document.version > version) {
    throw new CheckpointError(
      `loadTask: expected version ${version} at most, got ${String(document?.version)}. It was written by a newer @sparsevit/tasks: update this one.`,
    );
  }
  try {
    return {
      config: checkTask(document.config as TaskConfig),
      input: document.input === undefined ? undefined : checkTaskInput(document.input as TaskInput),
    };
  } catch (cause) {
    if (!SparseViTError.isInstance(cause)) throw cause;
    throw new CheckpointError(`loadTask: ${cause.message}`, { cause });
  }
}
