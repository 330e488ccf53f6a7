import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createJournal } from '../src/node/journal';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'journal-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const linesOf = (file: string): string[] => readFileSync(file, 'utf8').split('\n').slice(0, -1);

test('a journal that was cut off goes on in a new line', () => {
  const file = join(folder, 'metrics.jsonl');
  createJournal(file)({ type: 'first' });
  appendFileSync(file, '{"type":"seco');
  const journal = createJournal(file);
  journal({ type: 'third' });
  journal({ type: 'fourth' });
  expect(linesOf(file)).toEqual(['{"type":"first"}', '{"type":"seco', '{"type":"third"}', '{"type":"fourth"}']);
});

test('a journal that is whole, or empty, has no empty lines', () => {
  const file = join(folder, 'metrics.jsonl');
  writeFileSync(file, '');
  createJournal(file)({ type: 'first' });
  createJournal(file)({ type: 'second' });
  expect(linesOf(file)).toEqual(['{"type":"first"}', '{"type":"second"}']);
});
