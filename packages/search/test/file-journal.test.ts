import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointError } from '@sparsevit/windows';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSearch, runSearch } from '../src/index';
import { fileJournal } from '../src/node';
import { madeUp, optionsOf, smallSpace } from './problems';

const problem = madeUp(smallSpace, 8);
const options = optionsOf(problem, 0.6, { preset: 'small', maxEvaluations: 30 });
const evaluate = ({
  prunedRatios,
}: {
  prunedRatios: readonly (readonly number[])[];
}): { values: { accuracy: number } } => ({
  values: { accuracy: problem.accuracy(prunedRatios) },
});

describe('a file', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sparsevit-journal-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('is made with its folder, and gone on from when it was torn', async () => {
    const path = join(folder, 'deep', 'search.jsonl');
    const result = await runSearch(createSearch(options), evaluate, { journal: fileJournal(path) });
    const whole = readFileSync(path, 'utf8');
    for (const length of [whole.length - 7, Math.floor(whole.length / 2), 9, 0]) {
      truncateSync(path, length);
      appendFileSync(path, Buffer.alloc(length % 2 === 0 ? 0 : 100)); // zeros, as some file systems leave
      if (length === 9) writeFileSync(path, whole.slice(0, 9));
      expect(await runSearch(createSearch(options), evaluate, { journal: fileJournal(path) })).toEqual(result);
      expect(readFileSync(path, 'utf8')).toBe(whole);
    }
  });

  test('that the disk refuses is a CheckpointError that names it', async () => {
    const journal = fileJournal(folder);
    await expect(journal.read()).rejects.toThrow(CheckpointError);
    await expect(journal.append('x')).rejects.toThrow(JSON.stringify(folder));
    await expect(fileJournal(join(folder, 'none')).truncate(0)).rejects.toThrow('expected to cut');
    expect(await fileJournal(join(folder, 'none')).read()).toBe('');
  });
});
