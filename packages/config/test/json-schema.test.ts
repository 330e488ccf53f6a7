import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { modelConfigJsonSchema, swinPresetNames } from '../src/index';

const schema = modelConfigJsonSchema();

test('schema.json is current; if not: pnpm --filter @sparsevit/config schema', () => {
  const committed = readFileSync(new URL('../schema.json', import.meta.url), 'utf8');
  expect(committed).toBe(`${JSON.stringify(schema, null, 2)}\n`);
});

test('is for documents as they are written: what has a default is optional', () => {
  expect(schema).toMatchObject({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    additionalProperties: false,
    required: ['version', 'architecture'],
  });
  expect(Object.keys(schema.properties ?? {})).toEqual([
    '$schema',
    'version',
    'architecture',
    'sparsity',
    'preprocessing',
  ]);
  expect(schema).not.toHaveProperty('$defs');
});

test('an editor can complete the presets', () => {
  expect(schema.properties?.architecture).toMatchObject({ anyOf: [{ enum: swinPresetNames }, { type: 'object' }] });
});

test('every field has a description', () => {
  const missing: string[] = [];
  const visit = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const [name, child] of Object.entries(node)) {
      if (path.endsWith('.properties') && !('description' in child)) missing.push(`${path}.${name}`);
      visit(child, `${path}.${name}`);
    }
  };
  visit({ schema }, '');
  expect(missing).toEqual([]);
});

test('defaults are in the schema', () => {
  const text = JSON.stringify(schema);
  for (const part of ['"default":"0"', '"default":7', '"default":4', '"default":"clean"', '"default":null']) {
    expect(text).toContain(part);
  }
});
