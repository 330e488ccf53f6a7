/** The files of a subject by their contents: the driver says what they are, a worker makes sure that its own are the same. */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import type { SubjectFile } from '@sparsevit/config';
import { ConfigError } from '@sparsevit/windows';

/**
 * Files and folders of a subject, with the hashes of their contents. A folder's hash is over the names and the contents of all files in it
 * that are not hidden.
 *
 * @param root a folder; paths are relative to it
 * @param paths by what they are to the evaluation
 * @throws ConfigError for a path that does not exist, or leads out of `root`
 * @example
 * const files = await identifyFiles('/data', { weights: 'runs/adapted/model.safetensors', data: 'camvid/val' });
 */
export async function identifyFiles(
  root: string,
  paths: Readonly<Record<string, string>>,
): Promise<Record<string, SubjectFile>> {
  const files: Record<string, SubjectFile> = {};
  for (const [name, path] of Object.entries(paths)) {
    files[name] = { path: path.split(sep).join('/'), sha256: await contentHash(await insideOf(root, path, name)) };
  }
  return files;
}

/**
 * Makes sure that the files of a subject are here, with the same contents.
 *
 * @param root the folder that their paths are relative to on this machine
 * @returns where each of them is
 * @throws ConfigError that names the first that is missing, leads out of `root`, or has other contents
 * @example
 * const { weights, data } = await checkFiles('/data', subject.files);
 */
export async function checkFiles(
  root: string,
  files: Readonly<Record<string, SubjectFile>>,
): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [name, { path, sha256 }] of Object.entries(files)) {
    const real = await insideOf(root, path, name);
    const own = await contentHash(real);
    if (own !== sha256) {
      throw new ConfigError(
        `evaluation subject: expected ${name} ${JSON.stringify(path)} with the SHA-256 ${sha256.slice(0, 12)}..., got ${own.slice(0, 12)}.... Use the files that the search was begun with.`,
      );
    }
    found[name] = real;
  }
  return found;
}

/** The real path of what lies inside of a folder, links followed. */
async function insideOf(root: string, path: string, name: string): Promise<string> {
  const fail = (why: string, cause?: unknown): never => {
    throw new ConfigError(
      `evaluation subject: expected ${name} inside of ${JSON.stringify(root)}, got ${JSON.stringify(path)}, which ${why}.`,
      { cause },
    );
  };
  if (path.includes('\0')) return fail('is no path');
  const realRoot = await realpath(root).catch((cause: unknown) => fail('has no such folder', cause));
  const real = await realpath(join(realRoot, path)).catch((cause: unknown) => fail('does not exist', cause));
  const inner = relative(realRoot, real);
  if (isAbsolute(path) || inner === '..' || inner.startsWith(`..${sep}`) || isAbsolute(inner)) fail('leads out of it');
  return real;
}

/** SHA-256 of a file, or of what lies in a folder. */
async function contentHash(path: string): Promise<string> {
  const hash = createHash('sha256');
  if (!(await stat(path)).isDirectory()) {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
    return hash.digest('hex');
  }
  for (const name of await filesBelow(path)) hash.update(`${name}\0${await contentHash(join(path, name))}\n`);
  return hash.digest('hex');
}

/** Names of all files below a folder, in order of code units, with `/` on every system. */
async function filesBelow(folder: string): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(folder, path).split(sep).join('/');
    const isHidden = name.split('/').some((part) => part.startsWith('.'));
    if (!isHidden && (entry.isFile() || (entry.isSymbolicLink() && (await stat(path)).isFile()))) names.push(name);
  }
  return names.sort((a, b) => (a < b ? -1 : 1));
}
