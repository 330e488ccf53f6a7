/** That what is written is what the schemas of `@sparsevit/config` say, in types and in values. */

import type { SearchJournalLine, SearchResultDocument, SearchSettingsDocument } from '@sparsevit/config';
import { parseSearchJournalLine, parseSearchResult } from '@sparsevit/config';
import { describe, expect, expectTypeOf, test } from 'vitest';
import type {
  MeasuredTop,
  SearchOptions,
  SearchPresetName,
  SearchRecord,
  SearchResult,
  SearchSettings,
} from '../src/index';
import { createSearch, measureTop, memoryJournal, runSearch, searchPresets } from '../src/index';
import { budgetOf, madeUp, optionsOf, smallSpace } from './problems';

const problem = madeUp(smallSpace, 8);

async function run(options: Partial<SearchOptions>): Promise<{ result: SearchResult; text: string }> {
  const journal = memoryJournal();
  const search = createSearch(optionsOf(problem, 0.6, { maxEvaluations: 40, ...options }));
  const result = await runSearch(
    search,
    ({ prunedRatios, id, subsets }) => {
      if (id === 5) throw new Error('no memory');
      const metric = problem.accuracy(prunedRatios);
      if (id === 7 && subsets.length > 0) return { partial: [metric] };
      return { values: { accuracy: metric }, ...(subsets.length > 0 ? { partial: subsets.map(() => metric) } : {}) };
    },
    { journal },
  );
  return { result, text: await journal.read() };
}

const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('types', () => {
  expectTypeOf<SearchResult>().toExtend<SearchResultDocument>();
  expectTypeOf<Omit<SearchResultDocument, 'measured'>>().toExtend<SearchResult>();
  expectTypeOf<SearchRecord>().toExtend<SearchJournalLine>();
  expectTypeOf<Exclude<SearchJournalLine, { type: 'search' }>>().toExtend<SearchRecord>();
  expectTypeOf<SearchSettings>().toExtend<SearchSettingsDocument>();
  expectTypeOf<MeasuredTop>().toExtend<NonNullable<SearchResultDocument['measured']>>();
});

describe('values', () => {
  test.each(Object.keys(searchPresets) as SearchPresetName[])('of %s', async (preset) => {
    const { result, text } = await run({ preset });
    expect(parseSearchResult(asJson(result))).toEqual(result);
    for (const line of text.trimEnd().split('\n')) parseSearchJournalLine(JSON.parse(line));
  });

  test('with everything that may be there', async () => {
    const { result, text } = await run({
      subsets: { items: [10, 100], keepShare: 0.4, least: 3 },
      initial: [[[0.8], [0.8, 0.8], [0.8, 0.8, 0.8]]],
      reference: { accuracy: 0, latencyMs: 99 },
      constraints: [
        { name: 'latencyMs', of: problem.latencyMs, atMost: budgetOf(problem, 0.6), atLeast: 1, margin: 0.01 },
      ],
    });
    const measured = await measureTop(result.history, problem.latencyMs, {
      objective: { name: 'accuracy', direction: 'maximize' },
      budget: { name: 'latencyMs', atMost: 99 },
      seed: 0,
    });
    expect(result.counts).toEqual({ complete: 38, dropped: 1, failed: 1 });
    expect(result.hypervolume.length).toBeGreaterThan(0);
    const document = { ...result, measured };
    expect(parseSearchResult(asJson(document))).toEqual(document);
    for (const line of text.trimEnd().split('\n')) parseSearchJournalLine(JSON.parse(line));
  });

  test('of a search that has not begun, and of one in which nothing is feasible', () => {
    const none = createSearch(optionsOf(problem, 0.6)).result();
    expect(parseSearchResult(asJson(none))).toEqual(none);
    const search = createSearch(
      optionsOf(problem, 1, { constraints: [{ name: 'ms', atMost: 1 }], maxEvaluations: 20 }),
    );
    while (search.hasNext()) {
      const told = search.ask().map(({ id }) => ({ id, state: 'complete' as const, values: { accuracy: 1, ms: 2 } }));
      search.tell(told);
    }
    const result = search.result();
    expect(result.leastInfeasible).not.toBe(null);
    expect(parseSearchResult(asJson(result))).toEqual(result);
  });
});
