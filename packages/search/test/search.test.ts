import { checkInSpace, everySparsity, sparsitySpaceSize } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import type { Candidate, SearchOptions, SearchPresetName } from '../src/index';
import { createSearch, searchPresets } from '../src/index';
import {
  bestWithin,
  budgetOf,
  completeOf,
  finish,
  largeSpace,
  madeUp,
  optionsOf,
  seeds,
  smallSpace,
  swinTSpace,
} from './problems';

const presetNames = Object.keys(searchPresets) as SearchPresetName[];
const small = madeUp(smallSpace, 3);
const swinT = madeUp(swinTSpace, 4);

/** Both objectives told or computed, no bounds. */
const twoObjectives = (options: Partial<SearchOptions> = {}): SearchOptions => ({
  space: small.space,
  objectives: [
    { name: 'accuracy', direction: 'maximize' },
    { name: 'latencyMs', of: small.latencyMs, direction: 'minimize' },
  ],
  seed: 0,
  ...options,
});

describe.each(presetNames)('%s', (preset) => {
  test.each([
    ['a space that can be enumerated', swinT, 0.7],
    ['a space of which little is allowed', swinT, 0.42],
    ['a small space', small, 0.6],
  ])('asks for what is legal, allowed and new, and ends: %s', (_, problem, share) => {
    const search = createSearch(optionsOf(problem, share, { preset, maxEvaluations: 150 }));
    const budget = budgetOf(problem, share);
    const seen = new Set<string>();
    while (search.hasNext()) {
      const asked = search.ask();
      for (const { id, prunedRatios, generation, attempt } of asked) {
        checkInSpace(problem.space, prunedRatios);
        expect(problem.latencyMs(prunedRatios)).toBeLessThanOrEqual(budget);
        expect(id).toBe(seen.size);
        expect(attempt).toBe(1);
        expect(generation).toBe(search.progress().generation);
        seen.add(JSON.stringify(prunedRatios));
        expect(seen.size).toBe(id + 1);
      }
      search.tell(asked.map((candidate) => completeOf(problem, candidate)));
    }
    expect(search.ask()).toEqual([]);
    const result = search.result();
    expect(seen.size).toBeLessThanOrEqual(150);
    expect(result.history.map(({ id }) => id)).toEqual([...seen].map((_key, id) => id));
    expect(['evaluations-spent', 'space-exhausted', 'stalled']).toContain(result.ending);
    if (result.ending === 'evaluations-spent') expect(seen.size).toBe(150);
    const best = Math.max(...result.history.map(({ values }) => values.accuracy ?? 0));
    expect(result.best?.values.accuracy).toBe(best);
    expect(result.best).toEqual(search.progress().best);
  });

  test('the same seed asks for the same, another one for something else', () => {
    const historyOf = (seed: number): unknown =>
      finish(createSearch(optionsOf(small, 0.6, { preset, seed, maxEvaluations: 60 })), small).result().history;
    expect(historyOf(1)).toEqual(historyOf(1));
    if (preset !== 'exhaustive') expect(historyOf(1)).not.toEqual(historyOf(2));
  });
});

test.each(['assisted', 'small', 'nsga2', 'random'] as const)(
  '%s searches a space that cannot be enumerated',
  (preset) => {
    const problem = madeUp(largeSpace, 5);
    expect(sparsitySpaceSize(largeSpace)).toBe(17_721_990);
    const search = finish(createSearch(optionsOf(problem, 0.7, { preset, maxEvaluations: 80 })), problem);
    const { history, best, feasibleShare } = search.result();
    expect(history).toHaveLength(80);
    for (const { prunedRatios, isFeasible } of history) {
      checkInSpace(largeSpace, prunedRatios);
      expect(isFeasible).toBe(true);
    }
    expect(best?.values.latencyMs).toBeLessThanOrEqual(budgetOf(problem, 0.7));
    expect(feasibleShare.isExact).toBe(false);
  },
);

describe('what it finds', () => {
  test('exhaustive finds the optimum and the front', () => {
    const search = finish(createSearch(optionsOf(small, 0.5, { preset: 'exhaustive', maxEvaluations: 1e6 })), small);
    const { best, history, ending, feasibleShare, front } = search.result();
    const budget = budgetOf(small, 0.5);
    const allowed = [...everySparsity(smallSpace)].filter((at) => small.latencyMs(at) <= budget);
    expect(best?.values.accuracy).toBe(bestWithin(small, budget));
    expect(history.map(({ prunedRatios }) => prunedRatios)).toEqual(allowed);
    expect(ending).toBe('space-exhausted');
    expect(feasibleShare).toEqual({ value: allowed.length / 2625, isExact: true });
    for (const { values } of front) {
      const { accuracy = 0, latencyMs = 0 } = values;
      const beaten = allowed.some((at) => small.accuracy(at) > accuracy && small.latencyMs(at) <= latencyMs);
      expect(beaten).toBe(false);
    }
  });

  test.each(seeds(5))('the default finds the optimum of Swin-T in 100 evaluations, seed %i', (seed) => {
    const problem = madeUp(swinTSpace, 100 + seed);
    const search = finish(createSearch(optionsOf(problem, 0.7, { seed, maxEvaluations: 100 })), problem);
    expect(search.progress().best?.values.accuracy).toBeCloseTo(bestWithin(problem, budgetOf(problem, 0.7)), 1);
  });

  test('evolution and the default beat random draws', () => {
    const bestOf = (preset: SearchPresetName): number => {
      const found = seeds(5).map((seed) => {
        const search = finish(createSearch(optionsOf(swinT, 0.6, { preset, seed, maxEvaluations: 250 })), swinT);
        return search.progress().best?.values.accuracy ?? 0;
      });
      return found.sort((a, b) => a - b)[2] ?? 0;
    };
    const random = bestOf('random');
    for (const preset of ['assisted', 'small', 'sparsevit', 'ofa', 'hat', 'spos', 'nsga2'] as const) {
      expect(bestOf(preset)).toBeGreaterThan(random);
    }
  });

  test.each(['assisted', 'nsga2'] as const)('%s finds fronts', (preset) => {
    const exact = finish(createSearch(twoObjectives({ preset: 'exhaustive', maxEvaluations: 1e6 })), small).result();
    const { reference } = exact;
    const found = finish(
      createSearch(twoObjectives({ preset, maxEvaluations: 300, ...(reference === null ? {} : { reference }) })),
      small,
    ).result();
    const last = (steps: readonly { readonly hypervolume: number }[]): number => steps.at(-1)?.hypervolume ?? 0;
    expect(last(found.hypervolume) / last(exact.hypervolume)).toBeGreaterThan(preset === 'assisted' ? 0.99 : 0.95);
    expect(found.reference).toEqual(reference);
    // it only grows
    const volumes = found.hypervolume.map(({ hypervolume }) => hypervolume);
    expect(volumes).toEqual([...new Set(volumes)].sort((a, b) => a - b));
    const latencies = found.front.map(({ values }) => values.latencyMs ?? 0);
    expect(latencies).toEqual([...latencies].sort((a, b) => b - a));
  });

  test.each(['assisted', 'nsga2'] as const)('%s takes three objectives, two of them told', (preset) => {
    const search = createSearch({
      space: smallSpace,
      objectives: [
        { name: 'accuracy', direction: 'maximize' },
        { name: 'energy', direction: 'minimize' },
        { name: 'latencyMs', of: small.latencyMs, direction: 'minimize' },
      ],
      preset,
      seed: 0,
      maxEvaluations: 100,
    });
    while (search.hasNext()) {
      const results = search.ask().map(({ id, prunedRatios }) => {
        const energy = small.latencyMs(prunedRatios) ** 2 + (prunedRatios[0]?.[0] ?? 0);
        return { id, state: 'complete' as const, values: { accuracy: small.accuracy(prunedRatios), energy } };
      });
      search.tell(results);
    }
    expect(search.result().history).toHaveLength(100);
    expect(search.result().front.length).toBeGreaterThan(5);
  });

  test('the genes that matter come out', () => {
    const accuracy = (at: readonly (readonly number[])[]): number =>
      40 - 5 * (at[1]?.[1] ?? 0) - 0.5 * (at[0]?.[0] ?? 0);
    const search = createSearch({ ...optionsOf(small, 0.9), maxEvaluations: 120 });
    while (search.hasNext()) {
      const results = search.ask().map(({ id, prunedRatios }) => {
        return { id, state: 'complete' as const, values: { accuracy: accuracy(prunedRatios) } };
      });
      search.tell(results);
    }
    const { importance } = search.result();
    expect(importance.map(({ stage, pair }) => [stage, pair])).toEqual([
      [0, 0],
      [1, 0],
      [1, 1],
      [2, 0],
      [2, 1],
      [2, 2],
    ]);
    expect(importance.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
    const [first, , second] = importance;
    expect(second?.share).toBeGreaterThan(0.95);
    expect(second?.effects[0]).toBe(0);
    expect(second?.effects.at(-1)).toBeCloseTo(-4, 1);
    expect(first?.effects.at(-1)).toBeCloseTo(-0.4, 1);
  });
});

describe('bounds', () => {
  test('two sides, and a margin', () => {
    const dense = budgetOf(small, 1);
    const constraint = {
      name: 'latencyMs',
      of: small.latencyMs,
      atLeast: 0.5 * dense,
      atMost: 0.55 * dense,
      margin: 0.02,
    };
    const search = finish(createSearch(optionsOf(small, 1, { constraints: [constraint], maxEvaluations: 50 })), small);
    const { history } = search.result();
    expect(history.length).toBeGreaterThan(20);
    for (const { values } of history) {
      expect(values.latencyMs).toBeGreaterThanOrEqual(0.5 * dense);
      expect(values.latencyMs).toBeLessThanOrEqual((0.55 * dense) / 1.02);
    }
  });

  test.each(['assisted', 'small', 'nsga2', 'sparsevit'] as const)('%s keeps to a bound that is told', (preset) => {
    const budget = budgetOf(small, 0.5);
    const search = createSearch({
      ...optionsOf(small, 1),
      constraints: [{ name: 'measuredMs', atMost: budget }],
      preset,
      maxEvaluations: 250,
    });
    while (search.hasNext()) {
      const results = search.ask().map(({ id, prunedRatios }) => {
        const values = { accuracy: small.accuracy(prunedRatios), measuredMs: small.latencyMs(prunedRatios) };
        return { id, state: 'complete' as const, values };
      });
      search.tell(results);
    }
    const { best, history } = search.result();
    expect(history.some(({ isFeasible }) => !isFeasible)).toBe(true);
    expect(best?.values.measuredMs).toBeLessThanOrEqual(budget);
    expect(best?.values.accuracy).toBeGreaterThan(bestWithin(small, budget) - 0.4);
  });

  test('when nothing told is feasible the nearest is named', () => {
    const search = createSearch({
      ...optionsOf(small, 1),
      constraints: [{ name: 'measuredMs', atMost: 1 }],
      maxEvaluations: 40,
    });
    while (search.hasNext()) {
      search.tell(
        search.ask().map(({ id, prunedRatios }) => {
          const values = { accuracy: small.accuracy(prunedRatios), measuredMs: small.latencyMs(prunedRatios) };
          return { id, state: 'complete' as const, values };
        }),
      );
    }
    const { best, leastInfeasible, history, front } = search.result();
    expect(best).toBe(null);
    expect(front).toEqual([]);
    const least = Math.min(...history.map(({ values }) => values.measuredMs ?? 0));
    expect(leastInfeasible?.values.measuredMs).toBe(least);
    expect(leastInfeasible?.violation).toBeCloseTo(least - 1);
  });
});

describe('ask and tell', () => {
  test('in portions of any size and any order it is the same search', () => {
    const whole = finish(createSearch(optionsOf(small, 0.6, { maxEvaluations: 90 })), small).snapshot();
    for (const portion of [1, 3, 10]) {
      const search = createSearch(optionsOf(small, 0.6, { maxEvaluations: 90 }));
      let held: Candidate[] = [];
      while (search.hasNext()) {
        const asked = search.ask(portion);
        expect(asked.length).toBeLessThanOrEqual(portion);
        held = [...asked, ...held];
        if (held.length < 7 && asked.length > 0) continue;
        search.tell(held.slice(0, 4).map((candidate) => completeOf(small, candidate)));
        held = held.slice(4);
      }
      expect(search.snapshot()).toEqual(whole);
    }
  });

  test('begins with what it is given, repaired where it is not allowed, each once', () => {
    const dense = [[0], [0, 0], [0, 0, 0]];
    const allowed = [[0.8], [0.6, 0.8], [0.4, 0.6, 0.8]];
    const options = optionsOf(small, 0.5, { initial: [allowed, dense, allowed], maxEvaluations: 30 });
    const [first, second, third] = createSearch(options).ask();
    expect(first?.prunedRatios).toEqual(allowed);
    expect(second?.prunedRatios).not.toEqual(dense);
    expect(small.latencyMs(second?.prunedRatios ?? [])).toBeLessThanOrEqual(budgetOf(small, 0.5));
    expect(third?.prunedRatios).not.toEqual(allowed);
    expect(() => createSearch(optionsOf(small, 0.5, { initial: [[[0.8], [0.6, 0.2], [0, 0, 0]]] }))).toThrow(
      'expected ratios that do not fall inside stage 1',
    );
  });

  test('what fails is asked for again, then counts as failed and is not asked for any more', () => {
    const search = createSearch(optionsOf(small, 0.6, { attempts: 3, maxEvaluations: 40 }));
    const attemptsOf = new Map<number, number[]>();
    while (search.hasNext()) {
      const results = search.ask(5).map((candidate) => {
        const { id, attempt } = candidate;
        attemptsOf.set(id, [...(attemptsOf.get(id) ?? []), attempt]);
        if (id % 7 === 3) return { id, state: 'failed' as const, reason: 'no memory' };
        if (id % 5 === 1 && attempt === 1) return { id, state: 'complete' as const, values: { accuracy: Number.NaN } };
        return completeOf(small, candidate);
      });
      search.tell(results);
    }
    const { history, counts, best } = search.result();
    for (const { id, state, attempts, reason, values } of history) {
      const isFailed = id % 7 === 3;
      expect(state).toBe(isFailed ? 'failed' : 'complete');
      expect(attempts).toBe(isFailed ? 3 : id % 5 === 1 ? 2 : 1);
      expect(attemptsOf.get(id)).toEqual(Array.from({ length: attempts }, (_, i) => i + 1));
      expect(reason).toBe(isFailed ? 'no memory' : undefined);
      expect(Object.keys(values)).toEqual(isFailed ? ['latencyMs'] : ['accuracy', 'latencyMs']);
    }
    expect(counts).toEqual({ complete: 34, dropped: 0, failed: 6 });
    expect(best?.state).toBe('complete');
  });

  test('a second result for the same candidate, or an old attempt, changes nothing', () => {
    const search = createSearch(optionsOf(small, 0.6, { maxEvaluations: 30 }));
    const [first, second] = search.ask(2);
    if (first === undefined || second === undefined) throw new Error('expected candidates');
    search.tell([completeOf(small, first)]);
    search.tell([{ id: first.id, state: 'complete', values: { accuracy: 99 } }]);
    search.tell([{ id: second.id, attempt: 1, state: 'failed', reason: 'lost' }]);
    search.tell([{ id: second.id, attempt: 1, state: 'failed', reason: 'lost' }]);
    const [again] = search.ask(1);
    expect(again).toMatchObject({ id: second.id, attempt: 2 });
    expect(search.progress().evaluations).toBe(1);
    search.tell([completeOf(small, second)]);
    const { history } = finish(search, small).result();
    expect(history[0]?.values.accuracy).toBe(small.accuracy(first.prunedRatios));
  });

  test('what does not fit is refused', () => {
    const search = createSearch(optionsOf(small, 0.6));
    const one = { id: 0, state: 'complete' as const, values: { accuracy: 1 } };
    expect(() => search.tell([one])).toThrow('expected a result for a candidate that was asked for, got id 0');
    search.ask();
    expect(() => search.tell([{ ...one, id: 77 }])).toThrow('got id 77');
    expect(() => search.tell([{ ...one, values: {} }])).toThrow(
      'expected to be told accuracy of id 0, got no accuracy',
    );
    expect(() => search.tell([{ id: 0, state: 'dropped', partial: [1] }])).toThrow('some of its 0 subsets');
    expect(() => search.tell([{ ...one, state: 'done' } as never])).toThrow(
      'complete, dropped or failed of id 0, got done',
    );
    expect(search.progress().evaluations).toBe(0);
  });

  test('an evolution of which all is known ends', () => {
    // three sparsities are allowed
    const few = { pairsPerStage: [1], choices: [0, 0.4, 0.8] };
    const problem = madeUp(few, 1);
    for (const preset of ['sparsevit', 'small', 'assisted', 'random', 'nsga2'] as const) {
      const { history, ending } = finish(
        createSearch(optionsOf(problem, 1, { preset, maxEvaluations: 50 })),
        problem,
      ).result();
      expect(history).toHaveLength(3);
      expect(ending).toBe(preset === 'sparsevit' ? 'stalled' : 'space-exhausted');
    }
  });
});

describe('refuses', () => {
  const space = smallSpace;
  const objective = { name: 'accuracy', direction: 'maximize' } as const;
  test.each<[string, Partial<SearchOptions>, string]>([
    ['no objective', { objectives: [] }, 'expected at least one objective'],
    ['an objective twice', { objectives: [objective, objective] }, 'expected accuracy once'],
    [
      'a direction that is none',
      { objectives: [{ name: 'a', direction: 'up' as never }] },
      'to maximize or minimize, got up',
    ],
    ['no bound', { constraints: [{ name: 'ms' }] }, 'expected atMost or atLeast for ms, got neither'],
    [
      'a bound that is none',
      { constraints: [{ name: 'ms', atMost: Number.NaN }] },
      'atMost of ms to be a finite number, got NaN',
    ],
    [
      'bounds that cross',
      { constraints: [{ name: 'ms', atLeast: 2, atMost: 1 }] },
      'atLeast of ms to be at most atMost',
    ],
    ['a margin below 0', { constraints: [{ name: 'ms', atMost: 2, margin: -1 }] }, 'margin of ms'],
    [
      'two functions for one quantity',
      {
        objectives: [objective, { name: 'ms', direction: 'minimize', of: () => 1 }],
        constraints: [{ name: 'ms', of: () => 1, atMost: 2 }],
      },
      'expected one function for ms, got two',
    ],
    [
      'a function that gives no number',
      { constraints: [{ name: 'ms', of: () => Number.NaN, atMost: 2 }] },
      'expected a finite ms, got NaN',
    ],
    ['a preset that is none', { preset: 'genetic' as never }, 'got genetic'],
    ['a preset with numbers that are none', { preset: { ...searchPresets.small, parents: 0 } }, 'expected parents'],
    [
      'a probability beyond 1',
      { preset: { ...searchPresets.small, mutationProbability: 2 } },
      'expected mutationProbability',
    ],
    [
      'a word that is none',
      { preset: { ...searchPresets.small, repeats: 'often' as never } },
      'expected repeats to be enter or skip, got often',
    ],
    [
      'an evolution with two objectives',
      { preset: 'ofa', objectives: [objective, { name: 'ms', direction: 'minimize' }] },
      'expected one objective',
    ],
    ['an enumeration of a large space', { preset: 'exhaustive', enumerateUpTo: 100 }, 'expected a space small enough'],
    ['a seed that is none', { seed: 0.5 }, 'expected seed'],
    ['no evaluations', { maxEvaluations: 0 }, 'expected maxEvaluations'],
    ['a reference that lacks an objective', { reference: {} }, 'expected a finite reference for accuracy'],
    ['a space without pairs', { space: { pairsPerStage: [0], choices: [0] } }, 'at least one pair'],
    ['a space beyond all measure', { space: { pairsPerStage: [1e9], choices: [0] } }, 'expected pairsPerStage'],
    ['choices that do not rise', { space: { pairsPerStage: [1], choices: [0.2, 0.1] } }, 'rising choices'],
    ['choices out of range', { space: { pairsPerStage: [1], choices: [0, 0.99] } }, 'rising choices'],
    ['a given sparsity of another space', { initial: [[[0.1]]] }, 'expected 3 stages, got 1'],
  ])('%s', (_, options, message) => {
    expect(() => createSearch({ space, objectives: [objective], seed: 0, ...options })).toThrow(message);
  });
});
