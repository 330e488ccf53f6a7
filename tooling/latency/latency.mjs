/** Bundles a study and runs it: `node latency.mjs bench`, `node latency.mjs hat`, `node latency.mjs predictors`. */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const [study = ''] = process.argv.slice(2);
if (!['bench', 'hat', 'predictors'].includes(study)) {
  console.error(`latency: expected bench, hat or predictors, got ${study || 'nothing'}.`);
  process.exit(2);
}
const folder = dirname(fileURLToPath(import.meta.url));
const cache = join(folder, '.cache');
mkdirSync(cache, { recursive: true });
const file = join(cache, `${study}.mjs`);
await build({
  entryPoints: [join(folder, `src/${study}.ts`)],
  outfile: file,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  conditions: ['@sparsevit/source'],
  mainFields: ['module', 'main'],
  logLevel: 'warning',
  plugins: [
    {
      name: 'left-outside',
      setup({ onResolve }) {
        // in Node packages are loaded as they are, but for one file of TensorFlow.js that Node cannot import
        onResolve({ filter: /^@tensorflow\// }, ({ path }) =>
          path.startsWith('@tensorflow/tfjs-core/dist/') ? null : { path, external: true },
        );
      },
    },
  ],
});
await import(pathToFileURL(file).href);
