/** The program of this folder as one file that Node runs by itself. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

/** Beside the packages that the program loads as they are. */
const place = join(import.meta.dirname, '../../node_modules/.cache');

/** Bundles `adapt.ts`; gives the path of the file. */
export async function buildProgram(name: string): Promise<string> {
  mkdirSync(place, { recursive: true });
  const outfile = join(place, name);
  await build({
    entryPoints: [join(import.meta.dirname, 'adapt.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    conditions: ['@sparsevit/source'],
    mainFields: ['module', 'main'],
    logLevel: 'error',
    plugins: [
      {
        name: 'tensorflow-outside',
        setup({ onResolve }) {
          onResolve({ filter: /^@tensorflow\// }, ({ path }) =>
            // Node cannot import its files one by one
            path.startsWith('@tensorflow/tfjs-core/dist/') ? null : { path, external: true },
          );
        },
      },
    ],
  });
  return outfile;
}
