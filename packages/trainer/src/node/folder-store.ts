/** Checkpoints in a folder. A file is written beside, flushed, and then renamed: whatever has a checkpoint's name is whole. */

import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CheckpointError } from '@sparsevit/windows';
import type { CheckpointStore } from '../store';

const unfinished = '.unfinished';

/**
 * A folder as a place for checkpoints; made when the first is written. Unfinished files of a killed process are cleared away then.
 *
 * @throws CheckpointError from its functions, when the disk refuses; what was saved before stays
 * @example
 * const store = folderStore('runs/adapt');
 */
export function folderStore(path: string): CheckpointStore {
  const fileOf = (name: string): string => {
    if (basename(name) !== name || name.startsWith('.')) {
      throw new CheckpointError(`folderStore: expected a file name, got ${JSON.stringify(name)}.`);
    }
    return join(path, name);
  };
  const refuse = (what: string, cause: unknown): CheckpointError =>
    new CheckpointError(
      `folderStore: expected to ${what} in ${JSON.stringify(path)}, got ${cause instanceof Error ? cause.message : String(cause)}. Checkpoints that were saved before are whole.`,
      { cause },
    );
  const list = async (): Promise<string[]> => {
    try {
      return (await readdir(path, { withFileTypes: true })).filter((entry) => entry.isFile()).map(({ name }) => name);
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return [];
      throw refuse('list files', error);
    }
  };
  return {
    list: async () => (await list()).filter((name) => !name.endsWith(unfinished)),
    async read(name) {
      const file = fileOf(name);
      try {
        return new Uint8Array(await readFile(file));
      } catch (error) {
        throw refuse(`read ${name}`, error);
      }
    },
    async write(name, bytes) {
      const file = fileOf(name);
      const beside = `${file}${unfinished}`;
      try {
        await mkdir(path, { recursive: true });
        for (const left of (await list()).filter((other) => other.endsWith(unfinished))) await rm(join(path, left));
        const handle = await open(beside, 'w');
        try {
          await handle.writeFile(bytes);
          await handle.sync();
        } finally {
          await handle.close();
        }
        await rename(beside, file);
        await syncFolder(path);
      } catch (error) {
        await rm(beside, { force: true }).catch(() => {});
        throw refuse(`write ${name}`, error);
      }
    },
    async remove(name) {
      const file = fileOf(name);
      try {
        await rm(file, { force: true });
      } catch (error) {
        throw refuse(`remove ${name}`, error);
      }
    },
  };
}

/** A rename is on the disk when its folder is; where folders cannot be opened (Windows) the file system sees to it. */
async function syncFolder(path: string): Promise<void> {
  try {
    const handle = await open(path, 'r');
    await handle.sync().finally(() => handle.close());
  } catch {
    // not supported here
  }
}
