/** What a queue costs: `node tooling/search-bench/queue.mjs --help`. Bundles the driver and the worker, and runs them in this Node. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const outdir = join(import.meta.dirname, 'node_modules/.cache/queue');
await build({
  entryPoints: ['main', 'worker'].map((name) => join(import.meta.dirname, `src/queue/${name}.ts`)),
  outdir,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  conditions: ['@sparsevit/source'],
  mainFields: ['module', 'main'],
  // ioredis asks for Node's own modules at run time
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
  logLevel: 'warning',
});
await import(pathToFileURL(join(outdir, 'main.mjs')).href);
