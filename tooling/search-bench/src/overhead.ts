/** What the searcher itself costs: asking and telling, filtering a large space by a predictor, and saying that a budget cannot be met. */

import type { SearchPresetName } from '@sparsevit/search';
import { createSearch, InfeasibleBudgetError } from '@sparsevit/search';
import type { PrunedRatios, SparsitySpace } from '@sparsevit/windows';
import { sparsitySpaceSize } from '@sparsevit/windows';
import type { Spread } from '../../bench/src/statistics';
import { spreadOf } from '../../bench/src/statistics';
import type { SensitivityModel } from './sensitivity';

/** Milliseconds. */
export interface Overhead {
  readonly what: string;
  readonly ms: Spread;
  readonly goalMs: number | null;
}

interface ThreadTimes {
  readonly threadCpuUsage?: () => { readonly user: number; readonly system: number };
}

/** How times are taken: the thread's own processor time where Node tells it (from 23.9 on), which other work on the machine does not add to. */
export const clock: { readonly name: string; now(): number } = (() => {
  const { threadCpuUsage } = process as ThreadTimes;
  if (threadCpuUsage === undefined) return { name: 'wall time', now: () => performance.now() };
  return {
    name: "the thread's processor time",
    now() {
      const { user, system } = threadCpuUsage.call(process);
      return (user + system) / 1000;
    },
  };
})();

/** Asking for and telling 100 candidates: each search of 500, but for its first 100, which bring the enumeration of the space along. */
export function askAndTell(
  model: SensitivityModel,
  denseMs: number,
  {
    preset,
    isFront,
    rounds,
  }: { readonly preset: SearchPresetName; readonly isFront: boolean; readonly rounds: number },
): Spread {
  const latency = { name: 'latencyMs', of: model.latencyMs };
  const accuracy = { name: 'accuracy', direction: 'maximize' } as const;
  const times: number[] = [];
  // the first rounds warm up
  for (let round = -2; round < rounds; round++) {
    const search = createSearch({
      space: model.space,
      objectives: isFront ? [accuracy, { ...latency, direction: 'minimize' }] : [accuracy],
      constraints: isFront ? [] : [{ ...latency, atMost: 0.7 * denseMs }],
      preset,
      seed: round,
      maxEvaluations: 500,
    });
    let candidates = 0;
    let spentMs = 0;
    while (search.hasNext()) {
      const beforeAsk = clock.now();
      const asked = search.ask();
      const asking = clock.now() - beforeAsk;
      const results = asked.map(({ id, prunedRatios }) => {
        const values = { accuracy: model.accuracy(prunedRatios) };
        return { id, state: 'complete' as const, values };
      });
      const beforeTell = clock.now();
      search.tell(results);
      const telling = clock.now() - beforeTell;
      if (search.progress().evaluations <= 100) continue;
      candidates += asked.length;
      spentMs += asking + telling;
    }
    if (round >= 0 && candidates > 0) times.push((100 * spentMs) / candidates);
  }
  return spreadOf(times);
}

/** A space of 1.5 million sparsities, and a table of latencies for it. */
export function largeFilter(rounds: number): { readonly size: number; readonly ms: Spread } {
  const choices = Array.from({ length: 14 }, (_, i) => i / 16);
  const space: SparsitySpace = { pairsPerStage: [1, 1, 3, 1], choices };
  const table = space.pairsPerStage.map((pairs, stage) =>
    Array.from({ length: pairs }, (_, pair) => choices.map((choice) => (3 + stage + 0.1 * pair) * (1 - choice))),
  );
  const latencyMs = (prunedRatios: PrunedRatios): number => {
    let ms = 2;
    for (let stage = 0; stage < prunedRatios.length; stage++) {
      const ratios = prunedRatios[stage] ?? [];
      for (let pair = 0; pair < ratios.length; pair++)
        ms += table[stage]?.[pair]?.[16 * (ratios[pair] ?? 0)] ?? Number.NaN;
    }
    return ms;
  };
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = clock.now();
    createSearch({
      space,
      objectives: [{ name: 'accuracy', direction: 'maximize' }],
      constraints: [{ name: 'latencyMs', of: latencyMs, atMost: 15 }],
      preset: 'exhaustive',
      seed: 0,
    }).ask(1);
    times.push(clock.now() - before);
  }
  return { size: sparsitySpaceSize(space), ms: spreadOf(times) };
}

/** From `createSearch` to the error that names the least latency, with a budget that nothing meets. */
export function infeasibleAnswers(model: SensitivityModel, rounds: number): Spread {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = clock.now();
    try {
      createSearch({
        space: model.space,
        objectives: [{ name: 'accuracy', direction: 'maximize' }],
        constraints: [{ name: 'latencyMs', of: model.latencyMs, atMost: 1 }],
        seed: round,
      });
      throw new Error('expected a budget that cannot be met');
    } catch (error) {
      if (!InfeasibleBudgetError.isInstance(error)) throw error;
    }
    times.push(clock.now() - before);
  }
  return spreadOf(times);
}
