/** A redis-server of the bench's own, with an append-only file, as it should be for a search. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Starts it on a free loopback port; whoever connects waits for it. */
export async function startRedis(): Promise<{ readonly url: string; dispose(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'sparsevit-queue-'));
  const port = await freePort();
  const options = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'yes'];
  const server = spawn('redis-server', options, { stdio: 'ignore' });
  server.on('error', () => {
    throw new Error('queue: expected redis-server, got none. Run apt-get install redis-server, or give --redis.');
  });
  return {
    url: `redis://127.0.0.1:${port}`,
    async dispose() {
      const exit = once(server, 'exit');
      server.kill();
      await exit;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('expected a port');
  return address.port;
}
