/** Where checkpoints are kept, and which of them. */

import { CheckpointError, SparseViTError } from '@sparsevit/windows';

/** A place for files by name: a folder, a browser's storage, memory. */
export interface CheckpointStore {
  list(): Promise<readonly string[]>;
  /** @throws CheckpointError when there is none */
  read(name: string): Promise<Uint8Array>;
  /** All or nothing: when it fails, or the process is killed, what was there before is there still. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  remove(name: string): Promise<void>;
}

/** The name of the best checkpoint so far. */
export const bestName = 'best.safetensors';

const stepName = (step: number): string => `step-${String(step).padStart(8, '0')}.safetensors`;
const isStep = (name: string): boolean => /^step-\d{8,}\.safetensors$/.test(name);

/** The checkpoints of steps, the latest first. */
async function stepsIn(store: CheckpointStore): Promise<string[]> {
  return [...(await store.list())].filter(isStep).sort((a, b) => b.length - a.length || (a < b ? 1 : -1));
}

/**
 * Saves a step, then lets go of all but the last ones.
 *
 * @returns the name that it was saved under
 */
export async function saveStep(
  store: CheckpointStore,
  step: number,
  bytes: Uint8Array,
  keepLast: number,
): Promise<string> {
  const name = stepName(step);
  await store.write(name, bytes);
  for (const old of (await stepsIn(store)).slice(keepLast)) await store.remove(old);
  return name;
}

/**
 * Opens the latest checkpoint that is whole.
 *
 * @param open reads its bytes; what it refuses as no checkpoint is skipped and reported
 * @returns null when there is none
 * @throws CheckpointError when there are some and not one is whole: beginning anew would let go of them
 */
export async function openLatest<Opened>(
  store: CheckpointStore,
  open: (bytes: Uint8Array) => Opened,
  onSkipped: (name: string, reason: string) => void,
): Promise<{ name: string; opened: Opened } | null> {
  const names = await stepsIn(store);
  let lastReason = '';
  for (const name of names) {
    try {
      return { name, opened: open(await store.read(name)) };
    } catch (error) {
      if (!SparseViTError.isInstance(error) || error.code !== 'checkpoint') throw error;
      onSkipped(name, error.message);
      lastReason = error.message;
    }
  }
  if (names.length === 0) return null;
  throw new CheckpointError(
    `train: expected a checkpoint to go on from, got ${names.length} that cannot be used (${lastReason}). Give another folder, or remove them to begin anew.`,
  );
}

/**
 * Checkpoints in memory, for pages that keep none, and tests.
 *
 * @example
 * await train(model, data, config, { store: memoryStore() });
 */
export function memoryStore(): CheckpointStore {
  const files = new Map<string, Uint8Array>();
  return {
    list: async () => [...files.keys()],
    async read(name) {
      const bytes = files.get(name);
      if (bytes === undefined) throw new CheckpointError(`memoryStore: expected ${name}, got no such file.`);
      return bytes;
    },
    write: async (name, bytes) => void files.set(name, bytes.slice()),
    remove: async (name) => void files.delete(name),
  };
}
