/** Files of a data set stay inside its folder: names and symbolic links that lead out of it are refused. */

import { readdir, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { ConfigError, ImageError } from '@sparsevit/windows';

/** A folder of a data set: as it was named, and where it really lies. */
export interface DataFolder {
  readonly path: string;
  readonly realPath: string;
}

/** A name in a folder and what it leads to. */
export interface FolderEntry {
  readonly name: string;
  readonly kind: 'folder' | 'file' | 'other';
}

/**
 * Opens a folder of a data set.
 *
 * @throws ConfigError when it is not there, or no folder
 */
export async function openDataFolder(path: string, caller: string): Promise<DataFolder> {
  const fail = (why: string, cause?: unknown): never => {
    throw new ConfigError(`${caller}: expected a folder, got ${JSON.stringify(path)}, which ${why}. Check the path.`, {
      cause,
    });
  };
  if (typeof path !== 'string') return fail('is no path');
  const realPath = await realpath(path).catch((cause: unknown) => fail('cannot be opened', cause));
  if (!(await stat(realPath)).isDirectory()) fail('is no folder');
  return { path, realPath };
}

/**
 * The real path of a file inside a folder, links followed.
 *
 * @param name a relative path
 * @throws ImageError when there is no such file, or it really lies elsewhere
 */
export async function fileInside(folder: DataFolder, name: string): Promise<string> {
  const path = join(folder.path, name);
  const real = await realpath(join(folder.realPath, name)).catch((cause: unknown) => {
    throw new ImageError(`fileInside: expected a file, got ${JSON.stringify(path)}, which does not exist.`, { cause });
  });
  const inner = relative(folder.realPath, real);
  if (inner === '' || inner === '..' || inner.startsWith(`..${sep}`) || isAbsolute(inner)) {
    throw new ImageError(
      `fileInside: expected a file inside of ${JSON.stringify(folder.path)}, got ${JSON.stringify(name)}, which leads out of it.`,
    );
  }
  return real;
}

/** What lies in a folder, sorted by name (code units, the same everywhere), without hidden files. */
export async function listFolder(path: string): Promise<FolderEntry[]> {
  const entries = await readdir(path, { withFileTypes: true });
  const listed = await Promise.all(
    entries
      .filter((entry) => !entry.name.startsWith('.'))
      .map(async (entry): Promise<FolderEntry> => {
        const { name } = entry;
        // A link is what it leads to; one that leads nowhere is found out when it is opened.
        const target = entry.isSymbolicLink() ? await stat(join(path, name)).catch(() => entry) : entry;
        return { name, kind: target.isDirectory() ? 'folder' : target.isFile() ? 'file' : 'other' };
      }),
  );
  return listed.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** True for the names of files that are decoded. */
export const isImageName = (name: string): boolean => /\.(jpe?g|png|webp)$/i.test(name);

/** The first reason in an error's words, for a report inside a sentence. */
export function wordsOf(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.replace(/\.$/, '');
}
