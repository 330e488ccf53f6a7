/** Bundles the benchmark of the searches and runs it: `node search-bench.mjs --help`. */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const folder = dirname(fileURLToPath(import.meta.url));
const cache = join(folder, 'node_modules/.cache');
mkdirSync(cache, { recursive: true });
const file = join(cache, 'search-bench.mjs');
await build({
  entryPoints: [join(folder, 'src/main.ts')],
  outfile: file,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  conditions: ['@sparsevit/source'],
  logLevel: 'warning',
});
await import(pathToFileURL(file).href);
