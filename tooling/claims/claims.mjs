/** Bundles the study and runs it: `node claims.mjs --help`. */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const folder = dirname(fileURLToPath(import.meta.url));
const cache = join(folder, '.cache');
mkdirSync(cache, { recursive: true });
const file = join(cache, 'claims.mjs');
/** The study, and the program that evaluates for a search. */
const entries = [
  [join(folder, 'src/main.ts'), file],
  [join(folder, '../../packages/pipeline/src/evaluation-process.ts'), join(cache, 'evaluation-process.mjs')],
];
// the jobs that the study starts run what it was bundled to, whatever happens to the sources meanwhile
if (!process.argv.includes('--job')) {
  for (const [entry, outfile] of entries) {
    await build({
      entryPoints: [entry],
      outfile,
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
            onResolve({ filter: /^sharp$/ }, ({ path }) => ({ path, external: true }));
            onResolve({ filter: /^@tensorflow\// }, ({ path }) =>
              path.startsWith('@tensorflow/tfjs-core/dist/') ? null : { path, external: true },
            );
          },
        },
      ],
    });
  }
}
await import(pathToFileURL(file).href);
