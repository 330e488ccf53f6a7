/** Serves the page of the bench, the runtimes and the models on this machine only. */

import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, dirname, extname, join } from 'node:path';

/** A server that runs. */
export interface PageServer {
  readonly url: string;
  close(): void;
}

const contentTypes: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

/** What makes a page cross-origin isolated. */
const isolation: Readonly<Record<string, string>> = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

const pageWith = (script: string): string =>
  `<!doctype html><meta charset="utf-8"><title>bench</title><script type="module" src="/${script}"></script>`;

/**
 * Starts it.
 *
 * @param script the bundle of the page
 * @param options.isIsolated the page may share memory between threads
 * @param folders what is served beside it: the first part of a path to a folder; folders in it are not
 */
export async function servePage(
  script: string,
  folders: Readonly<Record<string, string>>,
  { isIsolated }: { isIsolated: boolean },
): Promise<PageServer> {
  const headers = isIsolated ? isolation : {};
  const places: Readonly<Record<string, string>> = { ...folders, '': dirname(script) };
  const server = createServer(({ url = '/' }, response) => {
    const { pathname } = new URL(url, 'http://localhost');
    if (pathname === '/') {
      response.writeHead(200, { ...headers, 'content-type': 'text/html' }).end(pageWith(basename(script)));
      return;
    }
    const folder = places[dirname(pathname).slice(1)];
    const file = folder === undefined ? null : join(folder, basename(pathname));
    if (file === null || !isFile(file)) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { ...headers, 'content-type': contentTypes[extname(file)] ?? 'application/octet-stream' });
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // of TCP, as it was asked for
  return {
    url: `http://127.0.0.1:${port}/`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
