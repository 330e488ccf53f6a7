/** Many sparsities on the same images, as a search asks for them. */

import { randomWeights } from '@sparsevit/backbone';
import type { Dataset } from '@sparsevit/data';
import { createScenes } from '@sparsevit/data';
import { createEngine } from '@sparsevit/engine';
import type { Candidate } from '@sparsevit/search';
import { createSearch, runSearch } from '@sparsevit/search';
import type { TaskConfig } from '@sparsevit/tasks';
import { newTask } from '@sparsevit/tasks';
import { ConfigError, createRandom, createSparsitySpace, ImageError, uniformSparsity } from '@sparsevit/windows';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EvaluationEvent, TaskRunner } from '../src/index';
import { createValidation, engineRunner, evaluate, scoreNameOf, searchEvaluator, searchSparsity } from '../src/index';

const normalization = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
const architecture = { patchSize: 4, embedDim: 16, depths: [2, 2], heads: [1, 2], window: 4, mlpRatio: 2 };
const scenes = createScenes({ count: 6, seed: 2, height: 96, width: 128 });
const task: TaskConfig = { kind: 'semantic', classes: ['ground', ...scenes.classes], channels: 8 };
const checkpoint = newTask(
  task,
  { architecture, family: 'mmdet', weights: randomWeights(architecture, 1) },
  { seed: 1 },
);
const { signal } = new AbortController();

let engine: Awaited<ReturnType<typeof createEngine>>;
let runner: TaskRunner;
beforeAll(async () => {
  engine = await createEngine({ threads: 1 });
  runner = engineRunner(engine, checkpoint, { maxPlans: 1 });
});
afterAll(async () => {
  await runner.dispose();
  await engine.dispose();
});

/** Counts how often each item is read. */
function counted(dataset: Dataset): { dataset: Dataset; reads: number[] } {
  const reads = Array.from({ length: dataset.length }, () => 0);
  const read: Dataset['read'] = (index, abort) => {
    reads[index] = (reads[index] ?? 0) + 1;
    return dataset.read(index, abort);
  };
  return { dataset: { ...dataset, read }, reads };
}

describe('validation', () => {
  test.each([
    { size: { height: 64, width: 96 }, keepRatio: false },
    { size: { height: 80, width: 80 }, keepRatio: true },
    { size: undefined, keepRatio: false },
  ])('scores are those of evaluate, to the last bit: %o', async ({ size, keepRatio }) => {
    const options = { task, normalization, keepRatio, ...(size ? { size } : {}) };
    const cases = [0, 0.5, 0.8].map((ratio) => ({ name: `${ratio}`, sparsity: uniformSparsity(architecture, ratio) }));
    const expected = await evaluate(runner, scenes, { ...options, cases });
    const validation = createValidation(runner, scenes, options);
    for (const [i, { name, sparsity }] of cases.entries()) {
      expect(await validation.begin(name, sparsity).upTo(validation.length)).toEqual(expected[i]);
    }
  });

  test('each image is read once, however many sparsities there are', async () => {
    const { dataset, reads } = counted(scenes);
    const validation = createValidation(runner, dataset, { task, normalization, limit: 4 });
    expect(validation.length).toBe(4);
    for (const ratio of [0, 0.3, 0.6]) await validation.begin('a', uniformSparsity(architecture, ratio)).upTo(99);
    expect(reads).toEqual([1, 1, 1, 1, 0, 0]);
  });

  test('what does not fit into the cache is read again', async () => {
    const { dataset, reads } = counted(scenes);
    const oneImage = 96 * 128 * 4; // pixels and mask
    const validation = createValidation(runner, dataset, { task, normalization, limit: 3, cacheBytes: oneImage });
    const first = await validation.begin('a', null).upTo(3);
    expect(await validation.begin('a', null).upTo(3)).toEqual(first);
    expect(reads).toEqual([1, 2, 2, 0, 0, 0]);
  });

  test('growing subsets run each image once, and give what each would give alone', async () => {
    const ran: EvaluationEvent[] = [];
    const validation = createValidation(runner, scenes, { task, normalization, onEvent: (event) => ran.push(event) });
    const sparsity = uniformSparsity(architecture, 0.5);
    const running = validation.begin('a', sparsity);
    const grown = [await running.upTo(2), await running.upTo(4), await running.upTo(6)];
    expect(ran.map((event) => event.index)).toEqual([0, 1, 2, 3, 4, 5]);
    for (const [i, limit] of [2, 4, 6].entries()) {
      const [alone] = await evaluate(runner, scenes, { task, normalization, limit, cases: [{ name: 'a', sparsity }] });
      expect(grown[i]).toEqual(alone);
    }
  });

  test('broken items are told once and left out, or end it', async () => {
    const broken: Dataset = {
      ...scenes,
      async read(index, abort) {
        if (index === 1) throw new ImageError('no image');
        return scenes.read(index, abort);
      },
    };
    const events: EvaluationEvent[] = [];
    const onEvent = (event: EvaluationEvent): void => void (event.type === 'item-broken' && events.push(event));
    const validation = createValidation(runner, broken, { task, normalization, onBroken: 'skip', onEvent });
    expect((await validation.begin('a', null).upTo(6)).images).toBe(5);
    await validation.begin('b', null).upTo(6);
    expect(events).toMatchObject([{ index: 1, reason: 'no image' }]);
    const strict = createValidation(runner, broken, { task, normalization });
    await expect(strict.begin('a', null).upTo(6)).rejects.toThrow('no image');
    const nothing = createValidation(runner, { ...scenes, length: 0 }, { task, normalization });
    await expect(nothing.begin('a', null).upTo(1)).rejects.toThrow(ConfigError);
  });

  test('stops at once', async () => {
    const stop = new AbortController();
    const onEvent = (): void => stop.abort(new Error('enough'));
    const validation = createValidation(runner, scenes, { task, normalization, onEvent });
    await expect(validation.begin('a', null).upTo(6, stop.signal)).rejects.toThrow('enough');
  });
});

describe('the evaluator of a search', () => {
  const candidate = (changes: Partial<Candidate> = {}): Candidate => ({
    id: 1,
    generation: 0,
    prunedRatios: [[0.5], [0.5]],
    attempt: 1,
    seed: 0,
    subsets: [],
    ...changes,
  });

  test('tells the score by its name', async () => {
    const validation = createValidation(runner, scenes, { task, normalization });
    const evaluator = searchEvaluator(validation, { name: 'meanIou' });
    const { score } = await validation.begin('a', uniformSparsity(architecture, 0.5)).upTo(6);
    expect(await evaluator(candidate(), { signal })).toEqual({ values: { meanIou: score } });
    expect([scoreNameOf(task), scoreNameOf({ kind: 'detection' }), scoreNameOf({ kind: 'classification' })]).toEqual([
      'meanIou',
      'AP',
      'top1',
    ]);
  });

  test('gives up on a subset, or goes on to all of them', async () => {
    const evaluator = searchEvaluator(createValidation(runner, scenes, { task, normalization }), { name: 'meanIou' });
    const dropped = await evaluator(candidate({ subsets: [{ items: 2, dropBelow: 2 }, { items: 6 }] }), { signal });
    expect(dropped.values).toBeUndefined();
    expect(dropped.partial).toHaveLength(1);
    const kept = await evaluator(candidate({ subsets: [{ items: 2, dropBelow: -1 }, { items: 6 }] }), { signal });
    expect(kept.partial).toHaveLength(2);
    expect(kept.values?.meanIou).toBe(kept.partial?.[1]);
  });

  test('several at a time are the same as one after the other', async () => {
    const evaluator = searchEvaluator(createValidation(runner, scenes, { task, normalization }), { name: 'meanIou' });
    const all = [0.1, 0.4, 0.8].map((ratio, id) => candidate({ id, prunedRatios: [[ratio], [ratio]] }));
    const together = await Promise.all(all.map((one) => evaluator(one, { signal })));
    const alone = [];
    for (const one of all) alone.push(await evaluator(one, { signal }));
    expect(together).toEqual(alone);
  });

  test('a failure holds nobody up', async () => {
    const evaluator = searchEvaluator(createValidation(runner, scenes, { task, normalization }), { name: 'meanIou' });
    const wrong = evaluator(candidate({ prunedRatios: [[0.5], [0.5], [0.5]] }), { signal });
    const right = evaluator(candidate(), { signal });
    await expect(wrong).rejects.toThrow();
    expect((await right).values?.meanIou).toBeGreaterThanOrEqual(0);
  });
});

describe('searching a sparsity', () => {
  const space = createSparsitySpace(architecture);
  const predictMs = (ratios: readonly (readonly number[])[]): number =>
    10 - 5 * (ratios[0]?.[0] ?? 0) - 3 * (ratios[1]?.[0] ?? 0);
  /** Better the less is pruned, most of all in the last stage. */
  const accuracy = ([first = [], second = []]: Candidate['prunedRatios']): number =>
    1 - 0.1 * (first[0] ?? 0) ** 2 - 0.4 * (second[0] ?? 0) ** 2;
  const evaluateOne = ({ prunedRatios }: Candidate) => ({ values: { AP: accuracy(prunedRatios) } });
  const common = {
    space,
    predictMs,
    evaluate: evaluateOne,
    scoreName: 'AP',
    seed: 0,
    evaluations: 81,
    subject: 'test',
  };

  test('finds the best within the budget, which what is measured may correct', async () => {
    const random = createRandom(1);
    const result = await searchSparsity({
      ...common,
      budget: { atMostMs: 7, margin: 0 },
      wantsFront: false,
      measuring: { measure: (ratios) => predictMs(ratios) * (1.02 + 0.001 * random.uniform()), count: 20, rounds: 3 },
    });
    expect(result.best?.prunedRatios).toEqual([[0.6], [0]]);
    const winner = result.measured?.winner;
    expect(winner?.measured).toBeLessThanOrEqual(7);
    expect(winner?.measured).toBeGreaterThan(predictMs(winner?.prunedRatios ?? []));
    expect(winner?.objective).toBeLessThan(result.best?.values.AP ?? 0);
    expect(result.measured?.measuredOverPredicted).toBeCloseTo(1.0205, 2);
  });

  test('on a day when everything takes longer, what still meets the budget is measured as well', async () => {
    const result = await searchSparsity({
      ...common,
      budget: { atMostMs: 7, margin: 0 },
      wantsFront: false,
      measuring: { measure: (ratios) => 1.2 * predictMs(ratios), count: 3, rounds: 1 },
    });
    const { winner, measured, measuredOverPredicted } = result.measured ?? {};
    expect(measured).toHaveLength(6);
    expect(measuredOverPredicted).toBeCloseTo(1.2);
    expect(winner?.meetsBudget).toBe(true);
    // nothing that was evaluated is better and meets the budget at that speed
    const better = result.history.filter(({ values }) => (values.AP ?? 0) > (winner?.objective ?? 1));
    expect(better.every(({ prunedRatios }) => 1.2 * predictMs(prunedRatios) > 7)).toBe(true);
  });

  test('a front goes over all latencies, and a budget only says who wins', async () => {
    const result = await searchSparsity({
      ...common,
      budget: { atMostMs: 7, margin: 0 },
      wantsFront: true,
      measuring: { measure: predictMs, count: 5, rounds: 1 },
    });
    const latencies = result.front.map(({ values }) => values.latencyMs ?? 0);
    expect(Math.max(...latencies)).toBeGreaterThan(9);
    expect(Math.min(...latencies)).toBeLessThan(5);
    expect(result.measured?.winner?.prunedRatios).toEqual([[0.6], [0]]);
    expect(result.measured?.measured.every(({ measured }) => measured <= 7)).toBe(true);
  });

  test('of a front without a budget nobody wins', async () => {
    const measuring = { measure: predictMs, count: 4, rounds: 1 };
    const result = await searchSparsity({ ...common, budget: null, wantsFront: true, measuring });
    expect(result.measured?.winner).toBeNull();
    expect(result.measured?.measured).toHaveLength(4);
  });

  test('says what can be reached, before anything is evaluated', async () => {
    const evaluate = (): never => {
      throw new Error('evaluated');
    };
    for (const wantsFront of [true, false]) {
      const search = searchSparsity({
        ...common,
        evaluate,
        budget: { atMostMs: 1, margin: 0 },
        wantsFront,
        measuring: null,
      });
      await expect(search).rejects.toThrow(/the least is 3\.\d+, at 0\.8\|0\.8/);
    }
    await expect(
      searchSparsity({ ...common, evaluate, budget: null, wantsFront: false, measuring: null }),
    ).rejects.toThrow(ConfigError);
  });

  test('a journal of other weights or another table is refused', async () => {
    const search = (subject: string) =>
      createSearch({ space, objectives: [{ name: 'AP', direction: 'maximize' }], seed: 0, maxEvaluations: 4, subject });
    const one = search('a');
    await runSearch(one, evaluateOne);
    expect(() => search('b').restore(one.snapshot())).toThrow(/subject is "b", got "a"/);
    search('a').restore(one.snapshot());
  });
});
