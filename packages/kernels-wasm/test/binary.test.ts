import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { generate } from '../scripts/assemble.mjs';
import { relaxedSimdBinary } from '../src/generated/relaxed-simd';
import { simdBinary } from '../src/generated/simd';
import { binaryCases } from './cases/binary';
import { binaryAttentionCases } from './cases/binary-attention';
import { binaryPlanCases } from './cases/binary-plan';
import { binaryRowCases } from './cases/binary-rows';

binaryCases();
binaryRowCases();
binaryAttentionCases();
binaryPlanCases();

describe('the embedded binaries', () => {
  test('are those of assembly/', async () => {
    for (const { url, text } of await generate()) {
      expect((await readFile(url, 'utf8')) === text, `${url.pathname} is stale: run \`pnpm assemble\``).toBe(true);
    }
  });

  // types, imports, functions, exports, code; with relaxed SIMD also globals and a start function, which sets them
  test.each([
    ['SIMD', simdBinary, [1, 2, 3, 7, 10]],
    ['relaxed SIMD', relaxedSimdBinary, [1, 2, 3, 6, 7, 8, 10]],
  ])('import a memory and nothing else, and bring none and no data of their own (%s)', (_, base64, expected) => {
    const sections = sectionsOf(Buffer.from(base64, 'base64'));
    expect([...sections.keys()]).toEqual(expected);
    const imports = Buffer.from([1, 3, ...Buffer.from('env'), 6, ...Buffer.from('memory'), 2]); // one: a memory
    expect(sections.get(2)?.subarray(0, imports.length)).toEqual(imports);
  });
});

/** The sections of a module by their number. */
function sectionsOf(module: Buffer): Map<number, Buffer> {
  const sections = new Map<number, Buffer>();
  let at = 8; // magic and version
  while (at < module.length) {
    const id = module[at++] ?? -1;
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = module[at++] ?? 0;
      size |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    sections.set(id, module.subarray(at, at + size));
    at += size;
  }
  return sections;
}
