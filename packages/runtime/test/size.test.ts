/** The size budget: what a page downloads before it can predict, compressed, with the WebAssembly inside. */

import { gzipSync } from 'node:zlib';
import { build, type Metafile } from 'esbuild';
import { describe, expect, test } from 'vitest';

const kilobyte = 1000;

/** What a page with this module downloads at once: the bundle and what it imports statically. */
async function downloadOf(code: string): Promise<{ gzipKilobytes: number; files: string[] }> {
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
  const needed = staticallyImported(metafile);
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

function staticallyImported({ outputs }: Metafile): string[] {
  const entry = Object.keys(outputs).find((path) => outputs[path]?.entryPoint === '<stdin>');
  const found = new Set<string>();
  const visit = (path: string): void => {
    if (found.has(path)) return;
    found.add(path);
    for (const { path: next, kind, external } of outputs[path]?.imports ?? []) {
      if (kind === 'import-statement' && external !== true) visit(next);
    }
  };
  if (entry !== undefined) visit(entry);
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
  ])('%s', async (_, code, budget) => {
    const { gzipKilobytes, files } = await downloadOf(code);
    expect(files.some((file) => file.includes('packages/engine/'))).toBe(true);
    expect(files.filter((file) => /tensorflow|packages\/ops|kernels-webgpu|zod/.test(file))).toEqual([]);
    expect(gzipKilobytes).toBeGreaterThan(20); // the binary is inside
    expect(gzipKilobytes).toBeLessThanOrEqual(budget);
  });
});
