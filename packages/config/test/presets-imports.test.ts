import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';

const packages = fileURLToPath(new URL('../../', import.meta.url));

/** Every source file of ours that an entry reaches, and every package from outside, by any form of import, of types too. */
function reach(entry: string): { files: Set<string>; foreign: Set<string> } {
  const files = new Set<string>();
  const foreign = new Set<string>();
  const visit = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    for (const { fileName } of ts.preProcessFile(readFileSync(file, 'utf8'), true, true).importedFiles) {
      const ours = /^@sparsevit\/(\w+)$/.exec(fileName)?.[1];
      if (fileName.startsWith('.')) visit(sourceOf(join(dirname(file), fileName)));
      else if (ours !== undefined) visit(join(packages, ours, 'src/index.ts'));
      else foreign.add(fileName);
    }
  };
  visit(join(packages, entry));
  return { files, foreign };
}

function sourceOf(path: string): string {
  return existsSync(`${path}.ts`) ? `${path}.ts` : join(path, 'index.ts');
}

test('presets and all they import are free of zod and of every other package', () => {
  const { files, foreign } = reach('config/src/presets.ts');
  expect([...foreign]).toEqual([]);
  expect(files).toContain(join(packages, 'config/src/sparsity-notation.ts'));
  expect(files).toContain(join(packages, 'windows/src/sparsity.ts'));
});

test('the same walk finds zod behind the main entry', () => {
  expect([...reach('config/src/index.ts').foreign]).toEqual(['zod']);
});
