import { ConfigError } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import { parseSearchJournalLine, parseSearchResult, searchResultJsonSchema } from '../src/index';
import { errorOf } from './error-of';

// that what @sparsevit/search writes is what stands here is tested there (test/documents.test.ts)

const settings = {
  space: { pairsPerStage: [1], choices: [0, 0.5] },
  objectives: [{ name: 'accuracy', direction: 'maximize', isComputed: false }],
  constraints: [{ name: 'latencyMs', atMost: 9, isComputed: true }],
  preset: { kind: 'random', generation: 32 },
  seed: 0,
  maxEvaluations: 2,
  initial: [],
  subsets: null,
  attempts: 2,
  enumerateUpTo: 100,
  reference: null,
  subject: null,
};
const evaluation = {
  id: 0,
  generation: 0,
  prunedRatios: [[0.5]],
  state: 'complete',
  values: { accuracy: 1, latencyMs: 8 },
  isFeasible: true,
  violation: 0,
  attempts: 1,
};
const result = {
  format: 'sparsevit-search-result',
  version: 1,
  settings,
  ending: 'space-exhausted',
  best: evaluation,
  leastInfeasible: null,
  front: [evaluation],
  hypervolume: [],
  reference: null,
  importance: [],
  spaceSize: 2,
  feasibleShare: { value: 0.5, isExact: true },
  generations: 1,
  counts: { complete: 1, dropped: 0, failed: 0 },
  history: [evaluation],
};
const header = { type: 'search', format: 'sparsevit-search-journal', version: 1, settings };

describe('parseSearchResult', () => {
  test('gives back what is valid', () => {
    expect(parseSearchResult(result)).toEqual(result);
  });

  test.each<[string, Record<string, unknown>, string[]]>([
    ['another version', { version: 2 }, ['✖ Invalid input: expected 1, got 2', '  → at version']],
    ['another format', { format: 'x' }, ['  → at format']],
    ['a field that is unknown', { winner: 1 }, ['✖ Unrecognized key: "winner"']],
    ['an evaluation without values', { history: [{ ...evaluation, values: undefined }] }, ['  → at history[0].values']],
    ['a value that is none', { best: { ...evaluation, values: { accuracy: null } } }, ['  → at best.values.accuracy']],
    ['a ratio out of range', { best: { ...evaluation, prunedRatios: [[2]] } }, ['  → at best.prunedRatios[0][0]']],
    ['a preset of no kind', { settings: { ...settings, preset: { kind: 'luck' } } }, ['  → at settings.preset.kind']],
  ])('refuses %s', (_, change, lines) => {
    const error = errorOf(() => parseSearchResult({ ...result, ...change }));
    expect(error).toBeInstanceOf(ConfigError);
    const found = error.message.split('\n');
    expect(found[0]).toBe('parseSearchResult: expected a valid search result, got');
    for (const line of lines) expect(found).toContain(line);
  });
});

describe('parseSearchJournalLine', () => {
  test.each([
    header,
    { type: 'generation', generation: 0, members: [0, 0], candidates: [{ id: 0, prunedRatios: [[0]], values: {} }] },
    { type: 'result', id: 0, attempt: 1, state: 'complete', values: { accuracy: 1 } },
    { type: 'result', id: 0, attempt: 1, state: 'complete', values: { accuracy: 1 }, partial: [0.5, 1] },
    { type: 'result', id: 0, attempt: 2, state: 'dropped', partial: [0.5] },
    { type: 'result', id: 0, attempt: 1, state: 'failed', reason: 'no memory' },
  ])('gives back $type $state', (line) => {
    expect(parseSearchJournalLine(line)).toEqual(line);
  });

  test.each([
    null,
    {},
    { ...header, version: 2 },
    { type: 'result', id: 0, attempt: 0, state: 'failed', reason: '' },
    { type: 'result', id: 0, attempt: 1, state: 'dropped' },
    { type: 'generation', generation: 0, members: [-1], candidates: [] },
  ])('refuses %j', (line) => {
    expect(errorOf(() => parseSearchJournalLine(line))).toBeInstanceOf(ConfigError);
  });
});

test('the JSON Schema describes every field', () => {
  const missing: string[] = [];
  const visit = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const [name, child] of Object.entries(node)) {
      if (path.endsWith('.properties') && !('description' in child) && !('$ref' in child))
        missing.push(`${path}.${name}`);
      visit(child, `${path}.${name}`);
    }
  };
  visit({ schema: searchResultJsonSchema() }, '');
  expect(missing).toEqual([]);
});
