/** One file of the bench's sources, so that any Node and a page can run it. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** The folder of the bench. */
export const benchFolder = dirname(dirname(fileURLToPath(import.meta.url)));

/** What is made and fetched lies here, outside of git: bundles, models, results. */
export const cacheFolder = join(benchFolder, '.cache');

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
 * @param {string} outfile
 */
export const bundleForNode = (entry, outfile) =>
  bundle(entry, { platform: 'node', target: 'node20', outfile, plugins: [packagesOutside] });

/** Bundles the bench for a page, with one copy of TensorFlow.js; returns the file. */
export const bundleForPage = () =>
  bundle('src/browser/page.ts', { platform: 'browser', target: 'chrome120', outfile: 'page.js' });

/**
 * @param {string} entry
 * @param {import('esbuild').BuildOptions & { outfile: string }} options
 */
const bundle = async (entry, { outfile, ...options }) => {
  const file = join(cacheFolder, outfile);
  await build({
    entryPoints: [join(benchFolder, entry)],
    outfile: file,
    bundle: true,
    format: 'esm',
    conditions: ['@sparsevit/source'],
    mainFields: ['module', 'main'],
    sourcemap: 'linked',
    logLevel: 'warning',
    ...options,
  });
  return file;
};
