/**
 * The search: asks for sparsities to evaluate, is told what came of them, and knows the best. It is synchronous in generations: one is drawn
 * when the one before it is done, from a stream of random numbers of its own. So what it asks for does not depend on how many evaluations run
 * at a time, in which order they end, or whether it was stopped in between.
 */

import { CheckpointError, createRandom } from '@sparsevit/windows';
import type { Candidate, Evaluation, EvaluationResult } from './candidate';
import type { Levels } from './genome';
import { createGenome, keyOf, levelsOf, prunedRatiosOf } from './genome';
import { createHistory } from './history';
import { createStrategy, presetOf } from './presets';
import { createProblem } from './problem';
import type { GenerationRecord, SearchRecord, SearchSnapshot } from './records';
import { readSnapshot, searchFormat, searchVersion } from './records';
import { createRegion } from './region';
import type { SearchEnding, SearchResult } from './result';
import { summarize } from './result';
import type { SearchOptions, SearchSettings } from './settings';
import { checkSameSettings, settingsOf } from './settings';
import { generationSeed } from './streams';
import { checkSubsets } from './subsets';
import { checkResult } from './told';

/** Generations in a row without anything new, after which a search ends. */
const mostStalls = 100;

/** How far a search is. */
export interface SearchProgress {
  /** Candidates that have ended. */
  readonly evaluations: number;
  readonly maxEvaluations: number;
  /** The generation under way, or the last one; -1 before the first. */
  readonly generation: number;
  /** New candidates in it. */
  readonly candidatesInGeneration: number;
  /** The feasible evaluation that is best in the first objective so far. */
  readonly best: Evaluation | null;
}

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
  /** How far it is, at any time; cheap. */
  progress(): SearchProgress;
  /** What there is to look through. */
  outlook(): Pick<SearchResult, 'spaceSize' | 'feasibleShare'>;
  /** What has been found so far, by generations that are done. */
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

  const history = createHistory(genome, problem, settings, strategy);
  let ending: SearchEnding | null = null;

  /** The next generation, and what makes the draws of it; null, with `ending` set, when there is none. */
  const drawNext = (): GenerationRecord | null => {
    const { generations, stalls } = history.now();
    const room = settings.maxEvaluations - history.size();
    if (room <= 0) ending = 'evaluations-spent';
    else if (stalls >= mostStalls) ending = 'stalled';
    if (ending !== null) return null;
    const random = createRandom(generationSeed(settings.seed, generations));
    let proposed = strategy.propose({ random, region, isKnown: (key) => history.idOf(key) !== undefined });
    if (generations === 0)
      proposed = beginWith(
        initial.map((levels) => region.repair(levels, random)),
        proposed,
      );
    if (proposed.length === 0) {
      ending = 'space-exhausted';
      return null;
    }
    return recordOf(generations, proposed, room);
  };

  const recordOf = (generation: number, proposed: readonly Levels[], room: number): GenerationRecord => {
    const fresh = new Map<string, GenerationRecord['candidates'][number]>();
    const members: number[] = [];
    for (const levels of proposed) {
      const key = keyOf(levels);
      let id = history.idOf(key) ?? fresh.get(key)?.id;
      if (id === undefined) {
        if (fresh.size >= room) continue;
        id = history.size() + fresh.size;
        const prunedRatios = prunedRatiosOf(genome, levels);
        fresh.set(key, { id, prunedRatios, values: problem.computeAll(prunedRatios) });
      }
      members.push(id);
    }
    return { type: 'generation', generation, members, candidates: [...fresh.values()] };
  };

  const isSpent = (): boolean => history.now().running === null && history.size() >= settings.maxEvaluations;

  return {
    settings,
    ask(count = Number.POSITIVE_INFINITY) {
      while (history.now().running === null) {
        const record = drawNext();
        if (record === null) return [];
        history.begin(record);
      }
      return history.now().running?.take(count) ?? [];
    },
    tell(results) {
      const checked = results.map((result) => checkResult(result, problem, settings.subsets));
      history.settle(checked.sort((a, b) => a.id - b.id));
    },
    hasNext: () => ending === null && !isSpent(),
    progress() {
      const { ended, generations, candidatesInGeneration, best } = history.now();
      const { maxEvaluations } = settings;
      return { evaluations: ended, maxEvaluations, generation: generations - 1, candidatesInGeneration, best };
    },
    outlook: () => ({ spaceSize: genome.size, feasibleShare: region.share() }),
    result() {
      const { running, generations } = history.now();
      return summarize({
        settings,
        genome,
        problem,
        region,
        evaluations: history.evaluations,
        generations: running === null ? generations : generations - 1,
        ending: ending ?? (isSpent() ? 'evaluations-spent' : null),
      });
    },
    snapshot: () => ({
      format: searchFormat,
      version: searchVersion,
      settings,
      records: inOrderOfIds(history.records),
    }),
    restore(snapshot) {
      if (history.records.length > 0) {
        throw new CheckpointError('search: expected to restore before anything was asked for, got a search under way.');
      }
      const saved = readSnapshot(snapshot);
      checkSameSettings(settings, saved.settings);
      saved.records.forEach(history.replay);
    },
    recordsFrom: (first) => history.records.slice(first),
  };
}

/** The given ones first, then what was drawn, no more than there are of the longer list, each once. */
function beginWith(given: readonly Levels[], drawn: readonly Levels[]): readonly Levels[] {
  const distinct = new Map([...given, ...drawn].map((levels) => [keyOf(levels), levels]));
  return [...distinct.values()].slice(0, Math.max(given.length, drawn.length));
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
