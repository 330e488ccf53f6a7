/** The size budget: what a page downloads before it can predict, compressed, with the WebAssembly inside. */

import { gzipSync } from 'node:zlib';
import { build, type Metafile } from 'esbuild';
import { describe, expect, test } from 'vitest';

const kilobyte = 1000;

/** What a page with this module downloads: the bundle, what it imports statically, and modules that it loads later when they are named. */
async function downloadOf(
  code: string,
  later: readonly string[] = [],
): Promise<{ gzipKilobytes: number; files: string[] }> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: code, resolveDir: new URL('.', import.meta.url).pathname, loader: 'ts' },
    bundle: true,
    splitting: true,
    write: false,
    metafile: true,
    outdir: 'out',
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['@sparsevit/source'],
    logLevel: 'error',
  });
  const needed = imported(metafile, later);
  const bytes = needed.map((path) => {
    const file = outputFiles.find(({ path: written }) => written.endsWith(path));
    if (file === undefined) throw new Error(`expected the file ${path}, got none`);
    return gzipSync(file.contents).byteLength;
  });
  return {
    gzipKilobytes: bytes.reduce((sum, count) => sum + count, 0) / kilobyte,
    files: needed.flatMap((path) => Object.keys(metafile.outputs[path]?.inputs ?? {})),
  };
}

function imported({ outputs }: Metafile, later: readonly string[]): string[] {
  const found = new Set<string>();
  const visit = (path: string): void => {
    if (found.has(path)) return;
    found.add(path);
    for (const { path: next, kind, external } of outputs[path]?.imports ?? []) {
      if (kind === 'import-statement' && external !== true) visit(next);
    }
  };
  for (const entry of ['<stdin>', ...later]) {
    const path = Object.keys(outputs).find((one) => outputs[one]?.entryPoint?.endsWith(entry));
    if (path === undefined) throw new Error(`expected a chunk of ${entry}, got none`);
    visit(path);
  }
  return [...found];
}

describe('a page downloads', () => {
  test.each([
    [
      'the engine with a Swin and its checkpoints: at most 60 KB, nothing of TensorFlow.js',
      `import { createSwin, loadCheckpoint } from '@sparsevit/backbone';
       import { createEngine } from '@sparsevit/engine';
       console.log(createSwin, loadCheckpoint, createEngine);`,
      60,
    ],
    [
      'the runtime: at most 60 KB, TensorFlow.js only with a graphics card',
      `import { loadModel } from '../src/index';
       console.log(loadModel);`,
      60,
    ],
    [
      'the runtime, for a task file, with the choice of a sparsity: at most 90 KB',
      `import { chooseSparsity, loadModel } from '../src/index';
       console.log(chooseSparsity, loadModel);`,
      90,
      ['runtime/src/task-model.ts'],
    ],
  ])('%s', async (_, code, budget, later: readonly string[] = []) => {
    const { gzipKilobytes, files } = await downloadOf(code, later);
    expect(files.some((file) => file.includes('packages/engine/'))).toBe(true);
    expect(files.filter((file) => /tensorflow|packages\/ops|kernels-webgpu|zod/.test(file))).toEqual([]);
    expect(gzipKilobytes).toBeGreaterThan(20); // the binary is inside
    expect(gzipKilobytes).toBeLessThanOrEqual(budget);
  });

  test('heads, decoding and predictors only with a task file, and with a budget', async () => {
    const { files } = await downloadOf(`import { loadModel } from '../src/index';
       console.log(loadModel);`);
    expect(
      files.filter((file) => /packages\/(latency|tasks\/src\/(heads|decode|task\.ts))|deployment/.test(file)),
    ).toEqual([]);
  });
});
