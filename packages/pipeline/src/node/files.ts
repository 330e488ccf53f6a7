/** Reading what the user named and writing where the user asked, with one line about each that cannot be. */

import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, lstat, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { inputError, quote } from './errors';

/** The most that Node reads into one buffer. */
const maxFileBytes = 2 ** 31 - 1;

/**
 * Reads a whole file.
 *
 * @param what the option or argument that named it, which opens the error's message
 * @throws SparseViTError when it is missing, no file, may not be read, or has 2 GiB or more
 */
export async function readInputFile(path: string, what: string): Promise<Uint8Array> {
  const { size } = await checkInputFile(path, what);
  if (size > maxFileBytes) {
    throw inputError(`${what}: expected a file of less than 2 GiB, got ${quote(path)} with ${size} bytes.`);
  }
  return readFile(path).catch((cause: unknown) => {
    throw unreadable(path, what, cause);
  });
}

/** The file's size, once it is known to be one. */
export async function checkInputFile(path: string, what: string): Promise<{ size: number }> {
  const found = await stat(path).catch((cause: unknown) => {
    throw unreadable(path, what, cause);
  });
  if (found.isFile()) return found;
  throw inputError(
    `${what}: expected a file, got ${quote(path)}, which is ${found.isDirectory() ? 'a directory' : 'no regular file'}. Name a file.`,
  );
}

/**
 * Finds out before minutes of work whether a file can be written.
 *
 * @param others files that must not be overwritten, under any name or link: those that the command reads, and its other outputs
 * @throws SparseViTError when the folder is missing or may not be written, the path is no regular file, or one of `others`
 */
export async function checkOutputFile(path: string, option: string, others: readonly string[]): Promise<void> {
  const refuse = (reason: string, cause?: unknown): never => {
    throw inputError(`${option}: expected a file that can be written, got ${quote(path)}: ${reason}.`, { cause });
  };
  const folder = await stat(dirname(path)).catch((cause: unknown) => refuse(`its folder ${reasonOf(cause)}`, cause));
  if (!folder.isDirectory()) refuse('its folder is a file');
  const existing = await stat(path).catch(() => null);
  if (existing?.isDirectory()) refuse('it is a directory');
  if (existing !== null && !existing.isFile()) refuse('it is no regular file');
  if (existing === null && (await lstat(path).catch(() => null)) !== null) refuse('it is a link to nothing');
  const identity = await identityOf(path);
  for (const other of others) {
    if ((await identityOf(other)) === identity) refuse('this command uses it for something else');
  }
  if (existing !== null) {
    await access(path, constants.W_OK).catch((cause: unknown) => refuse(`it ${reasonOf(cause)}`, cause));
  }
  // asking for permission proves little (a superuser has every one), so a file is made
  await replaceFile(join(await realpath(dirname(path)), `.${randomUUID()}`), new Uint8Array(), { keep: false }).catch(
    (cause: unknown) => refuse(`it ${reasonOf(cause)}`, cause),
  );
}

/** Equal for two names of one file: device and inode of one that exists, else its folder's real path and its name. */
async function identityOf(path: string): Promise<string> {
  const existing = await stat(path, { bigint: true }).catch(() => null);
  if (existing !== null) return `${existing.dev}:${existing.ino}`;
  return join(await realpath(dirname(path)).catch(() => dirname(path)), basename(path));
}

/** Writes a file; an older one is replaced only when the new one is whole. */
export async function writeOutputFile(path: string, bytes: Uint8Array, option: string): Promise<void> {
  const target = await realpath(path).catch(() => path); // a link stays a link
  await replaceFile(target, bytes, { keep: true }).catch((cause: unknown) => {
    throw inputError(`${option}: expected a file that can be written, got ${quote(path)}: it ${reasonOf(cause)}.`, {
      cause,
    });
  });
}

/** Writes beside the target, then renames, or (`keep` false) only tries it. */
async function replaceFile(target: string, bytes: Uint8Array, { keep }: { keep: boolean }): Promise<void> {
  const beside = join(dirname(target), `.${basename(target)}.${randomUUID()}`);
  try {
    await writeFile(beside, bytes, { flag: 'wx' });
    if (keep) await rename(beside, target);
  } finally {
    await rm(beside, { force: true });
  }
}

/**
 * One output path per input: the path itself for one input, with the input's name before the extension for several, numbered where two
 * inputs share a name.
 *
 * @example
 * outputPaths('out.png', ['a/street.jpg', 'b/street.jpg']); // ['out.street.png', 'out.street-2.png']
 */
export function outputPaths(path: string, inputs: readonly string[]): string[] {
  if (inputs.length === 1) return [path];
  const extension = extname(path);
  const stem = join(dirname(path), basename(path, extension));
  const taken = new Set<string>();
  return inputs.map((input) => {
    const name = basename(input, extname(input));
    let candidate = `${stem}.${name}${extension}`;
    for (let i = 2; taken.has(candidate); i++) candidate = `${stem}.${name}-${i}${extension}`;
    taken.add(candidate);
    return candidate;
  });
}

function unreadable(path: string, what: string, cause: unknown): Error {
  return inputError(`${what}: expected a file, got ${quote(path)}, which ${reasonOf(cause)}. Check the path.`, {
    cause,
  });
}

/** Why the operating system refuses, as the end of a sentence. */
export function reasonOf(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'does not exist',
    ENOTDIR: 'does not exist',
    EACCES: 'is not permitted for this user',
    EPERM: 'is not permitted for this user',
    EROFS: 'is on a read-only disk',
    ENOSPC: 'does not fit on the disk',
    EDQUOT: 'does not fit into what this user may store',
    ENAMETOOLONG: 'has too long a name',
  };
  return reasons[code] ?? `cannot be used (${code || 'unknown reason'})`;
}
