import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

test('the backbone imports nothing at run time but @sparsevit/windows', () => {
  const folder = new URL('../src/', import.meta.url);
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  expect(sources.length).toBeGreaterThan(5);
  const imported = new Set<string>();
  for (const source of sources) {
    const text = readFileSync(new URL(source, folder), 'utf8');
    for (const [, name = ''] of text.matchAll(/^(?:import|export|\}).*?from '([^'.][^']*)';$/gm)) imported.add(name);
  }
  expect([...imported]).toEqual(['@sparsevit/windows']);
});

test('the built package does not load TensorFlow.js', async () => {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  expect(Object.keys(manifest.dependencies)).toEqual(['@sparsevit/windows']);
  expect(manifest.peerDependencies).toBeUndefined();
});
