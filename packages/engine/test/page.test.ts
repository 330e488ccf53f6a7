/** The engine in pages: with shared memory and without, under a content security policy that forbids evaluation. */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSwin } from '@sparsevit/backbone';
import { createEngine } from '@sparsevit/engine';
import { uniformSparsity } from '@sparsevit/windows';
import { build } from 'esbuild';
import { type Browser, chromium } from 'playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath } from '../../../tooling/scripts/lib/chromium.mjs';
import { pixelsOf, randomCheckpoint } from './cases/checkpoint';
import type { PageFindings, PageTask } from './page/entry';

const executablePath = chromiumPath();

const isolation = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};
/** No evaluation of text; WebAssembly only. */
const policy = (workers: string): Record<string, string> => ({
  'content-security-policy': `default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src ${workers}`,
});

const pages: Record<string, Record<string, string>> = {
  '/plain': policy('blob:'),
  '/isolated': { ...isolation, ...policy('blob:') },
  '/own-worker': { ...isolation, ...policy("'self'") },
};

describe.skipIf(executablePath === null)('in Chromium', () => {
  let server: Server;
  let browser: Browser;
  let origin = '';

  beforeAll(async () => {
    const bundle = async (entry: string): Promise<string> => {
      const { outputFiles } = await build({
        entryPoints: [new URL(entry, import.meta.url).pathname],
        bundle: true,
        write: false,
        minify: true, // names that the texts of workers rely on would be lost here
        format: 'esm',
        platform: 'browser',
        target: 'es2022',
        conditions: ['@sparsevit/source'],
      });
      return outputFiles[0]?.text ?? '';
    };
    const scripts: Record<string, string> = {
      '/entry.js': await bundle('./page/entry.ts'),
      '/worker.js': await bundle('../src/worker.ts'),
    };
    server = createServer(({ url = '' }, response) => {
      const headers = pages[url];
      if (headers !== undefined) {
        response.writeHead(200, { ...headers, 'content-type': 'text/html' });
        response.end('<!doctype html><script type="module" src="/entry.js"></script>');
        return;
      }
      const script = scripts[url];
      // a worker has the policy of its own answer
      const workerHeaders = { ...isolation, ...policy("'self'"), 'content-type': 'text/javascript' };
      response.writeHead(script === undefined ? 404 : 200, workerHeaders).end(script);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox'] });
  });

  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  async function runIn(path: string, task: PageTask): Promise<PageFindings> {
    const page = await browser.newPage();
    try {
      await page.goto(origin + path);
      await page.waitForFunction(() => window.runEngine !== undefined);
      const found = await page.evaluate((given) => window.runEngine(given), task);
      if ('error' in found) throw new Error(found.error);
      return found;
    } finally {
      await page.close();
    }
  }

  /** The same in this Node. */
  async function valuesHere(): Promise<number[]> {
    const engine = await createEngine({ threads: 1 });
    const checkpoint = randomCheckpoint();
    const model = createSwin(engine.ops, checkpoint);
    const sparsity = uniformSparsity(checkpoint.architecture, 0.5);
    const plan = engine.compile((image) => model.forward(image, { sparsity, outputs: [1] }).features[1], {
      shape: [1, 112, 144, 3],
    });
    const result = await plan.run(pixelsOf(plan.shape));
    await engine.dispose();
    return [...(result?.values ?? [])];
  }

  function expectClose(actual: readonly number[], expected: readonly number[]): void {
    expect(actual).toHaveLength(expected.length);
    // another build of the kernels rounds otherwise
    const worst = actual.reduce((most, value, i) => Math.max(most, Math.abs(value - (expected[i] ?? Number.NaN))), 0);
    expect(worst).toBeLessThan(1e-4);
  }

  test('threads in an isolated page, one thread in another: the same bits, and the page is not held up', async () => {
    const one = await runIn('/plain', { threads: 2 });
    expect(one).toMatchObject({ threads: 1, whyOneThread: 'the page is not cross-origin isolated', isIsolated: false });
    const single = await runIn('/isolated', { threads: 1 });
    const two = await runIn('/isolated', { threads: 2 });
    expect(two).toMatchObject({ threads: 2, whyOneThread: null, isIsolated: true });
    expect(two.values).toEqual(one.values);
    expect(single.values).toEqual(one.values);
    expectClose(one.values, await valuesHere());
    for (const { ticks } of [one, single, two]) expect(ticks).toBeGreaterThan(1);
  });

  test('a worker from an address, where blob: is forbidden; without it the error says so', async () => {
    const two = await runIn('/own-worker', { threads: 2, workerUrl: '/worker.js' });
    expect(two.threads).toBe(2);
    expectClose(two.values, await valuesHere());
    await expect(runIn('/own-worker', { threads: 2 })).rejects.toThrow(
      /createEngine: expected (to start a worker|a thread to start)/,
    );
  });

  test('an abort in a page', async () => {
    for (const path of ['/plain', '/isolated']) {
      const { abortMs, values } = await runIn(path, { threads: 2, abortAfterMs: 20 });
      expect(abortMs, path).not.toBeNull();
      expectClose(values, await valuesHere());
    }
  });
});
