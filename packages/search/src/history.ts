/** What has happened in a search, and what follows from it. It is made by records alone, so that a search that is replayed stands where it stood. */

import { CheckpointError, ConfigError } from '@sparsevit/windows';
import type { Evaluation, EvaluationResult } from './candidate';
import type { NewMember, RunningGeneration } from './generation';
import { createGeneration } from './generation';
import type { Genome, Levels } from './genome';
import { keyOf, levelsOf, prunedRatiosOf } from './genome';
import type { Problem, Values } from './problem';
import type { GenerationRecord, SearchRecord } from './records';
import type { SearchSettings } from './settings';
import type { Member, Strategy } from './strategies/strategy';
import { candidateSeed } from './streams';
import { subsetSteps } from './subsets';
import { checkResult, evaluationOf, memberOf } from './told';

/** What is known at a time. */
export interface Standing {
  /** The generation that is being evaluated; null between two. */
  readonly running: RunningGeneration | null;
  /** Generations that have begun. */
  readonly generations: number;
  /** Generations in a row, up to the last one, without a new candidate. */
  readonly stalls: number;
  /** Candidates that have ended. */
  readonly ended: number;
  /** New candidates of the last generation. */
  readonly candidatesInGeneration: number;
  /** The best feasible evaluation in the first objective, whether its generation is done or not. */
  readonly best: Evaluation | null;
}

/** The history of a search. */
export interface History {
  /** In the order in which things happened. */
  readonly records: readonly SearchRecord[];
  /** Of generations that are done, in order of ids. */
  readonly evaluations: readonly Evaluation[];
  now(): Standing;
  /** The id of a sparsity that was drawn before, by its key. */
  idOf(key: string): number | undefined;
  /** Sparsities that were drawn. */
  size(): number;
  begin(record: GenerationRecord): void;
  /** Takes results in order of ids. */
  settle(results: readonly EvaluationResult[]): void;
  /** @throws CheckpointError for a record that does not follow on what has happened */
  replay(record: SearchRecord): void;
}

/** A history in which nothing has happened. */
export function createHistory(genome: Genome, problem: Problem, settings: SearchSettings, strategy: Strategy): History {
  const { seed, attempts, subsets } = settings;
  const ids = new Map<string, number>();
  const records: SearchRecord[] = [];
  const evaluations: Evaluation[] = [];
  const members: Member[] = [];
  // of the generation that is being evaluated
  const ended = new Map<number, Evaluation>();
  let standing: Standing = {
    running: null,
    generations: 0,
    stalls: 0,
    ended: 0,
    candidatesInGeneration: 0,
    best: null,
  };

  const newMember = (id: number, levels: Levels, computed: Values): NewMember => ({
    id,
    levels,
    prunedRatios: prunedRatiosOf(genome, levels),
    computed,
    seed: candidateSeed(seed, id),
    subsets: subsets === null ? [] : subsetSteps(subsets, problem, computed, evaluations),
  });

  const begin = (record: GenerationRecord): void => {
    const { generation, candidates } = record;
    records.push(record);
    const fresh = candidates.map(({ id, prunedRatios, values }) =>
      newMember(id, levelsOf(genome, prunedRatios), values),
    );
    for (const { id, levels } of fresh) ids.set(keyOf(levels), id);
    standing = {
      ...standing,
      running: createGeneration(generation, record.members, fresh, attempts),
      generations: generation + 1,
      stalls: fresh.length === 0 ? standing.stalls + 1 : 0,
      candidatesInGeneration: fresh.length,
    };
    finish();
  };

  /** Hands a generation to the strategy when all of it is told. */
  const finish = (): void => {
    const { running } = standing;
    const settled = running?.settled() ?? null;
    if (running === null || settled === null) return;
    for (const one of settled) {
      const evaluation = ended.get(one.id);
      if (evaluation === undefined) continue;
      evaluations.push(evaluation);
      members.push(memberOf(one, evaluation, problem));
    }
    ended.clear();
    strategy.learn(running.memberIds.flatMap((id) => members[id] ?? []));
    standing = { ...standing, running: null };
  };

  const isBetter = (one: Evaluation, than: Evaluation | null): boolean => {
    if (!one.isFeasible || than === null) return one.isFeasible;
    const difference = (problem.minimized(one.values)[0] ?? 0) - (problem.minimized(than.values)[0] ?? 0);
    return difference < 0 || (difference === 0 && one.id < than.id);
  };

  const settleOne = (result: EvaluationResult): void => {
    if (members[result.id] !== undefined) return; // it has ended, with its generation
    const { running } = standing;
    const took = running?.settle(result);
    if (running === null || took === undefined) {
      throw new ConfigError(`search: expected a result for a candidate that was asked for, got id ${result.id}.`);
    }
    if (took === null) return;
    records.push({ type: 'result', ...result, attempt: took.attempt });
    if (took.ended === null) return;
    const evaluation = evaluationOf(took.ended, running.generation, problem);
    ended.set(evaluation.id, evaluation);
    const best = isBetter(evaluation, standing.best) ? evaluation : standing.best;
    standing = { ...standing, ended: standing.ended + 1, best };
  };

  /** That a saved generation is the next one, its candidates are new, and what is computed of them is what it was. */
  const checkNext = ({ generation, members: memberIds, candidates }: GenerationRecord): void => {
    if (standing.running !== null || generation !== standing.generations) {
      throw new CheckpointError(
        `search: expected generation ${standing.generations} after one that is done, got ${generation}. Records are missing.`,
      );
    }
    const end = ids.size + candidates.length;
    if (!memberIds.every((id) => id < end) || !candidates.every(({ id }, i) => id === ids.size + i)) {
      throw new CheckpointError(
        `search: expected ids in order in generation ${generation}, got others. Records are missing.`,
      );
    }
    const keys = new Set<string>();
    for (const { prunedRatios, values } of candidates) {
      const key = keyOf(levelsOf(genome, prunedRatios));
      if (ids.has(key) || keys.has(key)) {
        throw new CheckpointError(`search: expected new candidates in generation ${generation}, got one twice.`);
      }
      keys.add(key);
      for (const [name, value] of Object.entries(problem.computeAll(prunedRatios))) {
        const saved = values[name];
        if (saved !== undefined && Math.abs(saved - value) <= sameValue * Math.max(1, Math.abs(value))) continue;
        throw new CheckpointError(
          `search: expected ${name} to be computed as before, got ${value} where ${String(saved)} was saved. Give the function, or the table, of the first run.`,
        );
      }
    }
  };

  return {
    records,
    evaluations,
    now: () => standing,
    idOf: (key) => ids.get(key),
    size: () => ids.size,
    begin,
    settle(results) {
      results.forEach(settleOne);
      finish();
    },
    replay(record) {
      try {
        if (record.type === 'generation') {
          if (record.generation < standing.generations) return; // written twice, by two runs at a time
          checkNext(record);
          begin(record);
          return;
        }
        const { type: _, ...result } = record;
        settleOne(checkResult(result, problem, subsets));
        finish();
      } catch (cause) {
        if (cause instanceof CheckpointError) throw cause;
        throw new CheckpointError(
          `search: expected records of this search, got one that does not fit (${cause instanceof Error ? cause.message : String(cause)}).`,
          { cause },
        );
      }
    },
  };
}

/** How much a computed value may differ where it is computed again: the last bits, as of another processor's functions. */
const sameValue = 1e-9;
