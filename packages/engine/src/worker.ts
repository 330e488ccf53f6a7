/**
 * The worker as a module of its own, for pages whose content security policy forbids workers from `blob:` addresses: give its address to
 * `createEngine({ workerUrl })`.
 */

import { interpret } from './interpret';
import type { WorkerReply, WorkerRequest } from './worker-main';
import { workerMain } from './worker-main';

const scope = globalThis as unknown as {
  postMessage(reply: WorkerReply): void;
  onmessage: ((event: { data: WorkerRequest }) => void) | null;
};

workerMain(
  interpret,
  (reply) => scope.postMessage(reply),
  (handle) => {
    scope.onmessage = ({ data }) => handle(data);
  },
);
