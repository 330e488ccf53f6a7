/**
 * The search: asks for sparsities to evaluate, is told what came of them, and knows the best. It is synchronous in generations: one is drawn
 * when the one before it is done, from a stream of random numbers of its own. So what it asks for does not depend on how many evaluations run
 * at a time, in which order they end, or whether it was stopped in between.
 */

import type { Random } from '@sparsevit/windows';
import { CheckpointError, ConfigError, createRandom } from '@sparsevit/windows';
import type { Candidate, Evaluation, EvaluationResult } from './candidate';
import type { NewMember, RunningGeneration } from './generation';
import { createGeneration } from './generation';
import type { Levels } from './genome';
import { createGenome, keyOf, levelsOf, prunedRatiosOf } from './genome';
import { createStrategy, presetOf } from './presets';
import type { Values } from './problem';
import { createProblem } from './problem';
import type { GenerationRecord, SearchRecord, SearchSnapshot } from './records';
import { readSnapshot, searchFormat, searchVersion } from './records';
import { createRegion } from './region';
import type { SearchEnding, SearchResult } from './result';
import { summarize } from './result';
import type { SearchOptions, SearchSettings } from './settings';
import { checkSameSettings, settingsOf } from './settings';
import type { Member } from './strategies/strategy';
import { checkSubsets, subsetSteps } from './subsets';
import { checkResult, evaluationOf, memberOf } from './told';

/** Generations in a row without anything new, after which a search ends. */
const mostStalls = 100;

/** A search for sparsities. */
export interface Search {
  readonly settings: SearchSettings;
  /**
   * Candidates to evaluate, at most `count` and none of them twice; draws the next generation when all of the last one is told. Empty when
   * results are waited for, or when the search has ended.
   */
  ask(count?: number): readonly Candidate[];
  /**
   * What came of candidates, in any order and any portions. A candidate that failed is asked for again until its attempts are used up. A
   * second result for a candidate that has ended changes nothing.
   *
   * @throws ConfigError for a candidate that was not asked for, or values that are missing
   */
  tell(results: readonly EvaluationResult[]): void;
  /** False when the search has ended. */
  hasNext(): boolean;
  /** What has been found so far. */
  result(): SearchResult;
  /** The search as it stands, as plain JSON; candidates that are out count as not asked for. */
  snapshot(): SearchSnapshot;
  /**
   * Goes on from a snapshot: allowed before anything was asked for, and only with the same settings (`maxEvaluations` may be larger).
   *
   * @throws CheckpointError when it is none, is damaged, is of another search, or computed values differ
   */
  restore(snapshot: unknown): void;
  /** What happened, from the `first`-th record on, in the order in which it did: for a journal. */
  recordsFrom(first: number): readonly SearchRecord[];
}

/** What changes beside the lists. */
interface Now {
  running: RunningGeneration | null;
  generations: number;
  stalls: number;
  ending: SearchEnding | null;
}

/** A stream of its own for each use of a seed. */
const streamSeed = (seed: number, use: number): number => (Math.imul(seed ^ 0x2545f491, 0x9e3779b1) + Math.imul(use, 0x85ebca6b)) | 0;

/**
 * A search over a space of sparsities.
 *
 * @throws InfeasibleBudgetError at once, when no sparsity meets the computed constraints; it names the nearest
 * @throws ConfigError for options that are not valid
 * @example
 * const search = createSearch({
 *   space: createSparsitySpace(architecture),
 *   objectives: [{ name: 'accuracy', direction: 'maximize' }],
 *   constraints: [{ name: 'latencyMs', of: (prunedRatios) => table.predict(prunedRatios), atMost: 33 }],
 *   seed: 0,
 * });
 * while (search.hasNext()) {
 *   search.tell(search.ask().map(({ id, prunedRatios }) => ({ id, state: 'complete', values: { accuracy: judge(prunedRatios) } })));
 * }
 * console.log(search.result().best);
 */
export function createSearch(options: SearchOptions): Search {
  const genome = createGenome(options.space);
  const problem = createProblem(options.objectives, options.constraints ?? []);
  if (options.subsets !== undefined) checkSubsets(options.subsets, problem);
  const settings = settingsOf(options, presetOf(options.preset ?? 'assisted'), problem.computed);
  const initial = settings.initial.map((prunedRatios) => levelsOf(genome, prunedRatios));
  const region = createRegion(genome, problem, settings);
  const strategy = createStrategy(settings.preset, problem, region);
  const { seed, maxEvaluations, attempts, subsets } = settings;

  const idOf = new Map<string, number>();
  const members: Member[] = [];
  const evaluations: Evaluation[] = [];
  const records: SearchRecord[] = [];
  const now: Now = { running: null, generations: 0, stalls: 0, ending: null };

  const newMember = (id: number, levels: Levels, computed: Values): NewMember => ({
    id,
    levels,
    prunedRatios: prunedRatiosOf(genome, levels),
    computed,
    seed: streamSeed(seed, -1 - id) >>> 0,
    subsets:
      subsets === null
        ? []
        : subsetSteps(subsets, problem, computed, evaluations.flatMap(({ values, partial }) => (partial === undefined ? [] : [{ values, partial }]))),
  });

  /** What the next generation consists of; sets `ending` when there is none. */
  const draw = (): GenerationRecord | null => {
    const random = createRandom(streamSeed(seed, now.generations));
    const room = maxEvaluations - idOf.size;
    if (room <= 0) {
      now.ending = 'evaluations-spent';
      return null;
    }
    const isKnown = (levels: Levels): boolean => idOf.has(keyOf(levels));
    let proposed = strategy.propose({ random, region, isKnown, room });
    if (now.generations === 0) proposed = withInitial(proposed, random);
    if (proposed.length === 0) now.ending = 'space-exhausted';
    else if (now.stalls >= mostStalls) now.ending = 'stalled';
    if (now.ending !== null) return null;
    const ids = new Map<string, number>();
    const memberIds: number[] = [];
    const fresh: GenerationRecord['candidates'][number][] = [];
    for (const levels of proposed) {
      const key = keyOf(levels);
      let id = idOf.get(key) ?? ids.get(key);
      if (id === undefined) {
        if (fresh.length >= room) continue;
        id = idOf.size + fresh.length;
        ids.set(key, id);
        const prunedRatios = prunedRatiosOf(genome, levels);
        fresh.push({ id, prunedRatios, values: problem.computeAll(prunedRatios) });
      }
      memberIds.push(id);
    }
    return { type: 'generation', generation: now.generations, members: memberIds, candidates: fresh };
  };

  const withInitial = (proposed: readonly Levels[], random: Random): readonly Levels[] => {
    const all = [...initial.map((levels) => region.repair(levels, random)), ...proposed];
    const distinct = [...new Map(all.map((levels) => [keyOf(levels), levels])).values()];
    return distinct.slice(0, Math.max(initial.length, proposed.length));
  };

  const begin = (record: GenerationRecord): void => {
    records.push(record);
    const fresh = record.candidates.map(({ id, prunedRatios, values }) => newMember(id, levelsOf(genome, prunedRatios), values));
    for (const { id, levels } of fresh) idOf.set(keyOf(levels), id);
    now.running = createGeneration(record.generation, record.members, fresh, attempts);
    now.generations++;
    now.stalls = fresh.length === 0 ? now.stalls + 1 : 0;
    finish();
  };

  /** Hands a generation to the strategy when all of it is told. */
  const finish = (): void => {
    const settled = now.running?.settled() ?? null;
    if (now.running === null || settled === null) return;
    for (const one of settled) {
      const evaluation = evaluationOf(one, now.running.generation, problem);
      evaluations.push(evaluation);
      members.push(memberOf(one, evaluation, problem));
    }
    strategy.learn(now.running.memberIds.flatMap((id) => members[id] ?? []));
    now.running = null;
  };

  const settle = (result: EvaluationResult): void => {
    if (members[result.id] !== undefined) return;
    if (now.running === null) {
      throw new ConfigError(`search: expected a result for a candidate that was asked for, got id ${result.id}.`);
    }
    const attempt = now.running.settle(result);
    if (attempt !== null) records.push({ type: 'result', ...result, attempt });
  };

  return {
    settings,
    ask(count = Number.POSITIVE_INFINITY) {
      while (now.running === null && now.ending === null) {
        const record = draw();
        if (record !== null) begin(record);
      }
      return now.running?.take(count) ?? [];
    },
    tell(results) {
      const inOrder = [...results].sort((a, b) => a.id - b.id).map((result) => checkResult(result, problem, subsets));
      for (const result of inOrder) settle(result);
      finish();
    },
    hasNext: () => now.running !== null || (now.ending === null && idOf.size < maxEvaluations),
    result: () =>
      summarize({
        settings,
        genome,
        problem,
        region,
        evaluations,
        generations: now.running === null ? now.generations : now.generations - 1,
        ending: now.ending ?? (now.running === null && idOf.size >= maxEvaluations ? 'evaluations-spent' : null),
      }),
    snapshot: () => ({ format: searchFormat, version: searchVersion, settings, records: inOrderOfIds(records) }),
    restore(snapshot) {
      if (records.length > 0) {
        throw new CheckpointError('search: expected to restore before anything was asked for, got a search under way.');
      }
      const saved = readSnapshot(snapshot);
      checkSameSettings(settings, saved.settings);
      for (const record of saved.records) replay(record);
    },
    recordsFrom: (first) => records.slice(first),
  };

  function replay(record: SearchRecord): void {
    try {
      if (record.type === 'generation') {
        if (record.generation < now.generations) return; // written twice
        checkDrawn(record);
        begin(record);
        return;
      }
      const { type: _, ...result } = record;
      if (members[record.id] !== undefined) return; // written twice
      settle(checkResult(result, problem, subsets));
      finish();
    } catch (cause) {
      if (cause instanceof CheckpointError) throw cause;
      throw new CheckpointError(
        `search: expected records of this search, got one that does not fit (${cause instanceof Error ? cause.message : String(cause)}).`,
        { cause },
      );
    }
  }

  /** That a saved generation is the next one, its candidates are new, and what is computed of them is what it was. */
  function checkDrawn({ generation, members: ids, candidates }: GenerationRecord): void {
    if (now.running !== null || generation !== now.generations) {
      throw new CheckpointError(`search: expected generation ${now.generations} when the one before is done, got ${generation}. Records are missing.`);
    }
    const end = idOf.size + candidates.length;
    if (!ids.every((id) => id < end) || !candidates.every(({ id }, i) => id === idOf.size + i)) {
      throw new CheckpointError(`search: expected ids in order in generation ${generation}, got others. Records are missing.`);
    }
    for (const { prunedRatios, values } of candidates) {
      const key = keyOf(levelsOf(genome, prunedRatios));
      if (idOf.has(key)) throw new CheckpointError(`search: expected new candidates in generation ${generation}, got one twice.`);
      for (const [name, value] of Object.entries(problem.computeAll(prunedRatios))) {
        const saved = values[name];
        if (saved !== undefined && Math.abs(saved - value) <= 1e-9 * Math.max(1, Math.abs(value))) continue;
        throw new CheckpointError(
          `search: expected ${name} to be computed as before, got ${value} where ${String(saved)} was saved. Give the function, or the table, of the first run.`,
        );
      }
    }
  }
}

/** Records as they would be if results came in order of ids. */
function inOrderOfIds(records: readonly SearchRecord[]): SearchRecord[] {
  const ordered: SearchRecord[] = [];
  let results: Extract<SearchRecord, { type: 'result' }>[] = [];
  const flush = (): void => {
    ordered.push(...results.sort((a, b) => a.id - b.id || a.attempt - b.attempt));
    results = [];
  };
  for (const record of records) {
    if (record.type === 'result') results.push(record);
    else {
      flush();
      ordered.push(record);
    }
  }
  flush();
  return ordered;
}
