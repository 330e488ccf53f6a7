/** A program as one file that Node runs by itself. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

/** Beside the packages that the program loads as they are. */
const place = join(import.meta.dirname, '../../node_modules/.cache');

/** Bundles a program, by its path from this folder; gives the path of the file. */
export async function buildProgram(name: string, entry = 'adapt.ts'): Promise<string> {
  mkdirSync(place, { recursive: true });
  const outfile = join(place, name);
  await build({
    entryPoints: [join(import.meta.dirname, entry)],
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
