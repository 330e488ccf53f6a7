/** The bytes of a model file, from wherever it is. */

import { CheckpointError } from '@sparsevit/windows';

/** Bytes, a file that a user chose (`Blob`, `File`), or an address: `http:`, `https:`, `data:`, `blob:`, in Node also `file:` and a path. */
export type ModelSource = Uint8Array | ArrayBuffer | Blob | URL | string;

/** In pages every address is fetched; in Node those that `fetch` knows. */
const fetched = /^(?:https?|data|blob):/i;

/**
 * Reads a model file.
 *
 * @throws CheckpointError when there is none, or the server refuses; the signal's reason when aborted
 */
export async function readSource(source: ModelSource, signal: AbortSignal | undefined): Promise<Uint8Array> {
  signal?.throwIfAborted();
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (typeof Blob !== 'undefined' && source instanceof Blob) return new Uint8Array(await source.arrayBuffer());
  if (typeof source !== 'string' && !(source instanceof URL)) {
    const got = source === null ? 'null' : Object.prototype.toString.call(source);
    throw new CheckpointError(`loadModel: expected bytes, a Blob, or the address of a file, got ${got}.`);
  }
  const address = String(source);
  try {
    return isNode() && !fetched.test(address) ? await readFile(source, signal) : await fetchBytes(address, signal);
  } catch (cause) {
    signal?.throwIfAborted();
    throw new CheckpointError(
      `loadModel: expected a model file at ${JSON.stringify(address.slice(0, 200))}, got ${reasonOf(cause)}.`,
      { cause },
    );
  }
}

function isNode(): boolean {
  return typeof (globalThis as { process?: { versions?: { node?: string } } }).process?.versions?.node === 'string';
}

async function fetchBytes(address: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const response = await fetch(address, signal ? { signal } : {});
  if (!response.ok) throw new Error(`the answer ${response.status} ${response.statusText}`.trimEnd());
  return new Uint8Array(await response.arrayBuffer());
}

async function readFile(file: string | URL, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const name = 'node:fs/promises'; // only in Node: a name that no bundler follows
  const files: {
    readFile(file: string | URL, options: { signal?: AbortSignal }): Promise<Uint8Array>;
  } = await import(/* @vite-ignore */ /* webpackIgnore: true */ name);
  const isUrl = typeof file === 'string' && /^file:/i.test(file);
  return files.readFile(isUrl ? new URL(file) : file, signal ? { signal } : {});
}

/** Of a failed `fetch` the reason is in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
