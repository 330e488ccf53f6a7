/** That the number of evaluations at a time, the order in which they end, and stops at any point change nothing. */

import { createRandom } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import type { Candidate, Evaluator, JournalStorage, SearchEvent, SearchOptions, SearchResult } from '../src/index';
import { createSearch, evaluateOnSubsets, memoryJournal, runSearch } from '../src/index';
import { budgetOf, madeUp, optionsOf, smallSpace } from './problems';

const problem = madeUp(smallSpace, 6);

/** Ends after a number of turns of the event loop that the seed decides, so that evaluations overtake each other. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Fails at times, as the candidate's seed and attempt decide, and takes a varying time. */
const evaluator =
  (shuffle: number): Evaluator =>
  async (candidate) => {
    const { seed, attempt, prunedRatios } = candidate;
    await turns(createRandom(seed ^ shuffle).integer(0, 4));
    if (seed % 11 === 0 || (seed % 5 === 0 && attempt === 1)) throw new Error(`failed with seed ${seed}`);
    if (candidate.subsets.length === 0) return { values: { accuracy: problem.accuracy(prunedRatios) } };
    // fewer items, less exact; the same each time
    const noisy = (items: number): number =>
      problem.accuracy(prunedRatios) + createRandom(seed).normal() / Math.sqrt(items);
    const { metric, partial } = await evaluateOnSubsets(candidate, noisy);
    return metric === null ? { partial } : { values: { accuracy: metric }, partial };
  };

const kinds: readonly [string, SearchOptions][] = [
  ['assisted', optionsOf(problem, 0.6, { maxEvaluations: 100 })],
  ['assisted, on subsets', optionsOf(problem, 0.6, { maxEvaluations: 100, subsets: { items: [10, 100, 1000] } })],
  ['small', optionsOf(problem, 0.6, { preset: 'small', maxEvaluations: 60 })],
  ['sparsevit', optionsOf(problem, 0.75, { preset: 'sparsevit', maxEvaluations: 160 })],
  [
    'nsga2, two objectives',
    {
      space: smallSpace,
      objectives: [
        { name: 'accuracy', direction: 'maximize' },
        { name: 'latencyMs', of: problem.latencyMs, direction: 'minimize' },
      ],
      preset: 'nsga2',
      seed: 3,
      maxEvaluations: 90,
    },
  ],
  [
    'assisted, two objectives',
    {
      space: smallSpace,
      objectives: [
        { name: 'accuracy', direction: 'maximize' },
        { name: 'latencyMs', of: problem.latencyMs, direction: 'minimize' },
      ],
      seed: 4,
      maxEvaluations: 90,
      subsets: { items: [10, 100, 1000] },
    },
  ],
  ['random', optionsOf(problem, 0.6, { preset: 'random', maxEvaluations: 50 })],
];

/** Text of a journal whose results are in order of ids, as those of one evaluation at a time. */
async function journalOf(options: SearchOptions, concurrency: number): Promise<{ text: string; result: SearchResult }> {
  const journal = memoryJournal();
  const result = await runSearch(createSearch(options), evaluator(concurrency), { concurrency, journal });
  return { text: await journal.read(), result };
}

describe.each(kinds)('%s', (_, options) => {
  test('1, 2, 7 and 16 evaluations at a time give the same', async () => {
    const one = await journalOf(options, 1);
    expect(one.result.history.length).toBe(options.maxEvaluations);
    expect(one.result.counts.failed).toBeGreaterThan(0);
    if (options.subsets !== undefined) expect(one.result.counts.dropped).toBeGreaterThan(0);
    for (const concurrency of [2, 7, 16]) {
      const other = await journalOf(options, concurrency);
      expect(other.result).toEqual(one.result);
      // lines in another order, the same lines
      expect(other.text.split('\n').sort()).toEqual(one.text.split('\n').sort());
    }
  });

  test('killed at any line of the journal, and inside one, it goes on to the same', async () => {
    const { text, result } = await journalOf(options, 4);
    const lines = text.split('\n').slice(0, -1);
    const random = createRandom(5);
    let length = 0;
    for (const [i, line] of lines.entries()) {
      // every boundary of a generation, and some of the others
      const isBoundary =
        line.startsWith('{"type":"generation"') || lines[i + 1]?.startsWith('{"type":"generation"') === true;
      const torn = length + random.integer(0, line.length + 1);
      length += line.length + 1;
      if (!isBoundary && i % 17 !== 0) continue;
      for (const kept of [length, torn]) {
        const journal = memoryJournal(text.slice(0, kept));
        const again = await runSearch(createSearch(options), evaluator(i), { concurrency: 1 + (i % 5), journal });
        expect(again).toEqual(result);
        const written = (await journal.read()).split('\n').sort();
        expect(written).toEqual(text.split('\n').sort());
      }
    }
  });

  test('stopped again and again by the signal, it goes on to the same', async () => {
    const whole = await journalOf(options, 3);
    const journal = memoryJournal();
    let stops = 0;
    for (; stops < 1000; stops++) {
      const controller = new AbortController();
      let left = 7;
      const counting: Evaluator = async (candidate, surroundings) => {
        if (left-- <= 0) controller.abort(new Error('stop'));
        surroundings.signal.throwIfAborted();
        return evaluator(stops)(candidate, surroundings);
      };
      const search = createSearch(options);
      const run = runSearch(search, counting, { concurrency: 3, journal, signal: controller.signal });
      const result = await run.catch((error: unknown) => {
        expect(error).toBe(controller.signal.reason);
        return null;
      });
      if (result === null) continue;
      expect(result).toEqual(whole.result);
      break;
    }
    expect(stops).toBeGreaterThan(3);
    expect(stops).toBeLessThan(1000);
  });

  test('a snapshot in the middle of a generation goes on to the same', async () => {
    const { result } = await journalOf(options, 1);
    const search = createSearch(options);
    const asked = search.ask(9);
    const told: Candidate[] = asked.slice(3).reverse();
    for (const candidate of told) {
      try {
        const outcome = await evaluator(1)(candidate, { signal: new AbortController().signal });
        if (outcome.values === undefined)
          search.tell([{ id: candidate.id, state: 'dropped', partial: outcome.partial }]);
        else search.tell([{ id: candidate.id, state: 'complete', ...outcome }]);
      } catch (error) {
        search.tell([{ id: candidate.id, state: 'failed', reason: (error as Error).message }]);
      }
    }
    const saved: unknown = JSON.parse(JSON.stringify(search.snapshot()));
    const resumed = createSearch(options);
    resumed.restore(saved);
    expect(resumed.snapshot()).toEqual(search.snapshot());
    expect(await runSearch(resumed, evaluator(2), { concurrency: 2 })).toEqual(result);
  });
});

describe('a run', () => {
  const options = optionsOf(problem, 0.6, { preset: 'small', maxEvaluations: 30 });

  test('tells what happens', async () => {
    const events: SearchEvent[] = [];
    let time = 0;
    const journal = memoryJournal();
    const onEvent = (event: SearchEvent): void => void events.push(event);
    const result = await runSearch(createSearch(options), evaluator(0), { onEvent, journal, now: () => time++ });
    const of = <Type extends SearchEvent['type']>(type: Type): Extract<SearchEvent, { type: Type }>[] =>
      events.filter((event): event is Extract<SearchEvent, { type: Type }> => event.type === type);
    expect(events[0]).toMatchObject({ type: 'search-start', spaceSize: 2625, feasibleShare: result.feasibleShare });
    expect(of('generation-start').map(({ candidates }) => candidates)).toEqual([24, 6]);
    const ends = of('evaluation-end');
    expect(ends.map(({ candidate }) => candidate.id).sort((a, b) => a - b)).toEqual(result.history.map(({ id }) => id));
    expect(ends.map(({ progress }) => progress.evaluations)).toEqual(ends.map((_, i) => i + 1));
    expect(ends.every(({ durationMs, remainingMs }) => durationMs > 0 && remainingMs >= 0)).toBe(true);
    expect(ends.at(-1)?.remainingMs).toBe(0);
    expect(ends.at(-1)?.progress.best).toEqual(result.best);
    expect(of('evaluation-retry').length).toBe(result.history.filter(({ attempts }) => attempts > 1).length);
    expect(events.at(-1)).toMatchObject({ type: 'search-end', ending: 'evaluations-spent' });

    const again: SearchEvent[] = [];
    const same = await runSearch(createSearch(options), evaluator(0), {
      onEvent: (event) => void again.push(event),
      journal,
    });
    expect(same).toEqual(result);
    expect(again.map(({ type }) => type)).toEqual(['search-start', 'search-resumed', 'search-end']);
    expect(again[1]).toMatchObject({ lostCharacters: 0, progress: { evaluations: 30 } });
  });

  test('never has more evaluations at a time than asked for', async () => {
    let running = 0;
    let most = 0;
    const counted: Evaluator = async (candidate, surroundings) => {
      most = Math.max(most, ++running);
      try {
        return await evaluator(1)(candidate, surroundings);
      } finally {
        running--;
      }
    };
    await runSearch(createSearch(options), counted, { concurrency: 5 });
    expect(most).toBe(5);
    expect(running).toBe(0);
  });

  test('when all of a generation fails it stops, and once that is mended it goes on', async () => {
    const journal = memoryJournal();
    let calls = 0;
    const broken: Evaluator = () => {
      calls++;
      throw new Error('no such file: weights.safetensors');
    };
    await expect(runSearch(createSearch(options), broken, { journal, concurrency: 3 })).rejects.toThrow(
      'got 24 that failed, all of a generation (the last: no such file: weights.safetensors)',
    );
    expect(calls).toBe(48);
    const mended = await runSearch(createSearch(options), evaluator(1), { journal });
    expect(mended).toEqual(await runSearch(createSearch(options), evaluator(1)));
  });

  test('an evaluator that leaves a quantity out ends it, and the others are stopped', async () => {
    let stopped = 0;
    const forgetful: Evaluator = async ({ id }, { signal }) => {
      if (id === 0) return { values: {} };
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      stopped++;
      throw signal.reason;
    };
    await expect(runSearch(createSearch(options), forgetful, { concurrency: 4 })).rejects.toThrow('got no accuracy');
    expect(stopped).toBe(3);
  });

  test('a journal that cannot be written to ends it', async () => {
    const full: JournalStorage = {
      ...memoryJournal(),
      append: () => Promise.reject(new Error('no space left on device')),
    };
    await expect(runSearch(createSearch(options), evaluator(1), { journal: full })).rejects.toThrow('no space left');
  });

  test('a signal that has aborted before, and concurrency that is none', async () => {
    const signal = AbortSignal.abort(new Error('not now'));
    await expect(runSearch(createSearch(options), evaluator(1), { signal })).rejects.toThrow('not now');
    await expect(runSearch(createSearch(options), evaluator(1), { concurrency: 0 })).rejects.toThrow(
      'expected concurrency',
    );
  });

  test('goes on with more evaluations than it began with', async () => {
    const journal = memoryJournal();
    const budget = { atMost: budgetOf(problem, 0.6) };
    expect(budget.atMost).toBeGreaterThan(0);
    await runSearch(createSearch(options), evaluator(1), { journal });
    const longer = await runSearch(createSearch({ ...options, maxEvaluations: 50 }), evaluator(1), { journal });
    expect(longer.history).toHaveLength(50);
    // and from then on with that number
    const same = await runSearch(createSearch({ ...options, maxEvaluations: 50 }), evaluator(1), { journal });
    expect(same).toEqual(longer);
  });
});
