/** One file of the bench's sources, so that any Node and a page can run it. */
import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const benchFolder = dirname(dirname(fileURLToPath(import.meta.url)));

/** What is made and fetched lies here, outside of git: bundles, models, results. */
const cacheFolder = join(benchFolder, '.cache');

/**
 * In Node packages are loaded as they are, but for one file of TensorFlow.js that Node cannot import.
 * @type {import('esbuild').Plugin}
 */
const packagesOutside = {
  name: 'packages-outside',
  setup({ onResolve }) {
    onResolve({ filter: /^(@tensorflow\/|onnxruntime-|playwright$)/ }, ({ path }) =>
      path.startsWith('@tensorflow/tfjs-core/dist/') ? null : { path, external: true },
    );
  },
};

/**
 * Bundles a program for Node; returns the file.
 * @param {string} entry
 */
export const bundleForNode = (entry) =>
  bundle(entry, { platform: 'node', target: 'node20', plugins: [packagesOutside] }, 'mjs');

/** Bundles the bench for a page, with one copy of TensorFlow.js; returns the file. */
export const bundleForPage = () => bundle('src/browser/page.ts', { platform: 'browser', target: 'chrome120' }, 'js');

/**
 * The file is named by what is in it: sources that change during a run do not change what its fresh processes run.
 * @param {string} entry
 * @param {import('esbuild').BuildOptions} options
 * @param {string} extension
 */
const bundle = async (entry, options, extension) => {
  const { outputFiles } = await build({
    entryPoints: [join(benchFolder, entry)],
    write: false,
    bundle: true,
    format: 'esm',
    conditions: ['@sparsevit/source'],
    mainFields: ['module', 'main'],
    logLevel: 'warning',
    ...options,
  });
  const [{ contents }] = outputFiles;
  const hash = createHash('sha256').update(contents).digest('hex').slice(0, 12);
  const file = join(cacheFolder, `bundle-${hash}.${extension}`);
  mkdirSync(cacheFolder, { recursive: true });
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, contents);
  renameSync(unfinished, file);
  return file;
};
