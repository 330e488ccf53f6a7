/** Threads: Web Workers in a page, worker threads in Node, behind one interface. */

import { BackendError } from '@sparsevit/windows';
import { interpret } from './interpret';
import type { WorkerReply, WorkerRequest } from './worker-main';
import { workerMain } from './worker-main';

/** A thread of its own. */
export interface Thread {
  post(request: WorkerRequest): void;
  /** Ends it at once. */
  terminate(): void;
  /** Whether it keeps the process alive (Node). */
  keepAlive(isBusy: boolean): void;
}

/** What a thread tells. */
export interface ThreadEvents {
  reply(reply: WorkerReply): void;
  /** It ended, or will not work any more. */
  ended(reason: string): void;
}

/** What of `node:worker_threads` is used. */
interface NodeWorker {
  postMessage(message: unknown): void;
  terminate(): Promise<number>;
  ref(): void;
  unref(): void;
  on(event: string, handle: (value: never) => void): void;
}
interface NodeWorkerThreads {
  readonly Worker: new (source: string, options: { eval: boolean; name: string }) => NodeWorker;
}

interface NodeProcess {
  readonly versions?: { readonly node?: string };
  getBuiltinModule?(name: string): unknown;
}

const nodeProcess = (globalThis as { process?: NodeProcess }).process;

/** A module of Node's own: found without an import, so that a bundle for a page has none. */
function builtinModule<Module>(name: string): Module {
  const found = nodeProcess?.getBuiltinModule?.(name);
  if (found === undefined) {
    throw new BackendError(
      `createEngine: expected ${name}, got a Node without process.getBuiltinModule. Use Node 20.19 or newer.`,
    );
  }
  return found as Module;
}

/** True in Node, where threads may also be waited for. */
export const isNode: boolean = nodeProcess?.versions?.node !== undefined && nodeProcess.getBuiltinModule !== undefined;

/** True in a page, whose thread must not wait. */
export const isPage: boolean = !isNode && typeof document !== 'undefined';

/** Why threads cannot share memory here; null where they can. */
export function whyNotShared(): string | null {
  const { crossOriginIsolated } = globalThis as { crossOriginIsolated?: boolean };
  if (crossOriginIsolated === false) return 'the page is not cross-origin isolated';
  if (typeof SharedArrayBuffer === 'undefined') return 'SharedArrayBuffer is missing';
  if (!isNode && typeof Worker === 'undefined') return 'there are no workers';
  return null;
}

/** Cores of this machine that threads may use. */
export function availableCores(): number {
  if (isNode) {
    return builtinModule<{ availableParallelism(): number }>('node:os').availableParallelism();
  }
  return globalThis.navigator?.hardwareConcurrency ?? 1;
}

/**
 * Starts a thread.
 *
 * @param workerUrl address of `@sparsevit/engine/worker`, for pages where a worker may not come from a `blob:` address
 */
export function startThread(events: ThreadEvents, workerUrl: string | URL | undefined): Thread {
  return isNode ? startNodeThread(events) : startWebThread(events, workerUrl);
}

// The functions are given to each other as arguments: a bundler may rename them, their texts stay whole.
const nodeSource = (): string => `
const { parentPort } = require('node:worker_threads');
(${workerMain.toString()})(
  ${interpret.toString()},
  (reply) => parentPort.postMessage(reply),
  (handle) => parentPort.on('message', handle),
);`;

const webSource = (): string => `
(${workerMain.toString()})(
  ${interpret.toString()},
  (reply) => postMessage(reply),
  (handle) => { onmessage = ({ data }) => handle(data); },
);`;

function startNodeThread(events: ThreadEvents): Thread {
  const { Worker } = builtinModule<NodeWorkerThreads>('node:worker_threads');
  const worker = new Worker(nodeSource(), { eval: true, name: 'sparsevit-engine' });
  worker.on('message', (reply: WorkerReply) => events.reply(reply));
  worker.on('error', (error: Error) => events.ended(error.message));
  worker.on('exit', (code: number) => events.ended(`it exited with code ${code}`));
  worker.unref();
  return {
    post: (request) => worker.postMessage(request),
    terminate: () => void worker.terminate(),
    keepAlive: (isBusy) => (isBusy ? worker.ref() : worker.unref()),
  };
}

function startWebThread(events: ThreadEvents, workerUrl: string | URL | undefined): Thread {
  const blobUrl =
    workerUrl === undefined ? URL.createObjectURL(new Blob([webSource()], { type: 'text/javascript' })) : null;
  let worker: Worker;
  try {
    worker = workerUrl === undefined ? new Worker(blobUrl ?? '') : new Worker(workerUrl, { type: 'module' });
  } catch (cause) {
    throw new BackendError(
      'createEngine: expected to start a worker, got a refusal. Allow `worker-src blob:` in the content security policy, or give `workerUrl`, the address of @sparsevit/engine/worker.',
      { cause },
    );
  }
  const forgetUrl = (): void => {
    if (blobUrl !== null) URL.revokeObjectURL(blobUrl);
  };
  worker.onmessage = ({ data }: { data: WorkerReply }) => {
    if (data.kind === 'ready') forgetUrl();
    events.reply(data);
  };
  worker.onerror = (event) => {
    forgetUrl();
    event.preventDefault();
    events.ended(event.message || 'it could not be started');
  };
  return {
    post: (request) => worker.postMessage(request),
    terminate: () => worker.terminate(),
    keepAlive: () => {},
  };
}
