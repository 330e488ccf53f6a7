/** Bundles the programs of the site and runs one: `node tooling/site/site.mjs build`, `dev`, or `figures`. */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const folder = dirname(fileURLToPath(import.meta.url));
const outdir = join(folder, 'node_modules/.cache/site');
mkdirSync(outdir, { recursive: true });
await build({
  entryPoints: [join(folder, 'src/main.ts')],
  outdir,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  conditions: ['@sparsevit/source'],
  external: ['@tensorflow/*', 'typedoc', 'vitepress'],
  logLevel: 'warning',
});
const { runSite } = await import(pathToFileURL(join(outdir, 'main.mjs')).href);
process.exitCode = await runSite(process.argv.slice(2), join(folder, '../..'));
