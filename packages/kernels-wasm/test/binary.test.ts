import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { generate } from '../scripts/assemble.mjs';
import { binaryCases } from './cases/binary';

binaryCases();

test('the embedded binaries are those of assembly/', async () => {
  for (const { url, text } of await generate()) {
    expect((await readFile(url, 'utf8')) === text, `${url.pathname} is stale: run \`pnpm assemble\``).toBe(true);
  }
});
