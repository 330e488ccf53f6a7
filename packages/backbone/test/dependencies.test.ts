import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** What a TypeScript source imports from other packages: `import x from`, `export x from`, bare and dynamic imports. */
function importedPackages(text: string): string[] {
  const statements =
    /^(?:import|export|\}).*?from '([^'.][^']*)'|^import '([^'.][^']*)'|\bimport\(\s*['"]([^'".][^'"]*)['"]/gm;
  return [...text.matchAll(statements)].map(([, from, bare, dynamic]) => from ?? bare ?? dynamic ?? '');
}

test('every form of import is seen', () => {
  const text =
    "import 'a';\nimport { b } from 'b';\nimport type {\n  c,\n} from 'c';\nexport * from 'd';\nawait import('e');\nimport './own';";
  expect(importedPackages(text)).toEqual(['a', 'b', 'c', 'd', 'e']);
});

test('the backbone imports nothing but @sparsevit/windows', () => {
  const folder = new URL('../src/', import.meta.url);
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  expect(sources.length).toBeGreaterThan(5);
  const imported = new Set(
    sources.flatMap((source) => importedPackages(readFileSync(new URL(source, folder), 'utf8'))),
  );
  expect([...imported]).toEqual(['@sparsevit/windows']);
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  expect(Object.keys(manifest.dependencies)).toEqual(['@sparsevit/windows']);
  expect(manifest.peerDependencies).toBeUndefined();
});
