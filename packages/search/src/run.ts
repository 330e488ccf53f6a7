/** Runs a search: several evaluations at a time, each result in the journal before anything follows from it. */

import { ConfigError, SparseViTError } from '@sparsevit/windows';
import type { Candidate, EvaluationResult } from './candidate';
import type { JournalStorage } from './journal';
import { openJournal } from './journal';
import type { SearchRecord } from './records';
import type { SearchEnding, SearchResult } from './result';
import type { Search, SearchProgress } from './search';

/** What an evaluation gives: every quantity that is told, or, of a candidate that was given up, the metric on the subsets that were done. */
export type EvaluationOutcome =
  | { readonly values: Readonly<Record<string, number>>; readonly partial?: readonly number[] }
  | { readonly values?: undefined; readonly partial: readonly number[] };

/**
 * Evaluates a candidate: in this process, in another, or on another machine. It may be called again while it runs, up to the concurrency of
 * the run. What it throws counts as a failed attempt. It should end soon when the signal aborts.
 */
export type Evaluator = (
  candidate: Candidate,
  surroundings: { readonly signal: AbortSignal },
) => Promise<EvaluationOutcome> | EvaluationOutcome;

/** An event of a run. */
export type SearchEvent =
  | {
      readonly type: 'search-start';
      readonly spaceSize: number;
      readonly feasibleShare: { readonly value: number; readonly isExact: boolean };
      readonly progress: SearchProgress;
    }
  | { readonly type: 'search-resumed'; readonly progress: SearchProgress; readonly lostCharacters: number }
  | { readonly type: 'generation-start'; readonly generation: number; readonly candidates: number }
  | {
      readonly type: 'evaluation-end';
      readonly candidate: Candidate;
      readonly result: EvaluationResult;
      readonly durationMs: number;
      readonly progress: SearchProgress;
      /** Milliseconds that the rest takes at the pace of this run so far. */
      readonly remainingMs: number;
    }
  | { readonly type: 'evaluation-retry'; readonly candidate: Candidate; readonly reason: string }
  | { readonly type: 'search-end'; readonly ending: SearchEnding; readonly progress: SearchProgress };

/** What a run needs from outside. */
export interface RunOptions {
  /** Evaluations at a time; default 1. It changes nothing but the time that the search takes. */
  readonly concurrency?: number;
  /** Stops the run: evaluations that are under way are waited for, those that end well still count. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: SearchEvent) => void;
  /** Where everything is written down; what is there already is gone on from. */
  readonly journal?: JournalStorage;
  /** Milliseconds; default `performance.now`. */
  readonly now?: () => number;
}

interface Finished {
  readonly candidate: Candidate;
  readonly result: EvaluationResult;
  readonly durationMs: number;
}

/**
 * Runs a search to its end.
 *
 * @throws the signal's reason when stopped; the journal has what was done
 * @throws CheckpointError when the journal is damaged, or is that of another search
 * @throws SparseViTError with code `search` when every evaluation of a generation failed
 * @throws ConfigError when the evaluator leaves out a quantity
 * @example
 * const result = await runSearch(search, async ({ prunedRatios }) => ({ values: { accuracy: await judge(prunedRatios) } }), { concurrency: 4 });
 * console.log(result.best?.prunedRatios);
 */
export async function runSearch(search: Search, evaluate: Evaluator, options: RunOptions = {}): Promise<SearchResult> {
  const { concurrency = 1, onEvent = () => {}, now = () => performance.now() } = options;
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw new ConfigError(`runSearch: expected concurrency to be a whole number of at least 1, got ${concurrency}.`);
  }
  options.signal?.throwIfAborted();
  const journal = options.journal === undefined ? null : await openJournal(options.journal, search);
  const { spaceSize, feasibleShare } = search.outlook();
  onEvent({ type: 'search-start', spaceSize, feasibleShare, progress: search.progress() });
  if (journal?.isResumed === true) {
    onEvent({ type: 'search-resumed', progress: search.progress(), lostCharacters: journal.lostCharacters });
  }

  // stops what is still running when the run ends early, for whatever reason
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const running = new Set<Promise<void>>();
  let finished: Finished[] = [];
  const watch = watchFailures(search);
  const begin = { timeMs: now(), evaluations: search.progress().evaluations };

  const start = (candidate: Candidate): void => {
    const startMs = now();
    const done = attemptOf(evaluate, candidate, signal).then((result) => {
      running.delete(done);
      if (result !== null) finished.push({ candidate, result, durationMs: now() - startMs });
    });
    running.add(done);
  };

  /** Tells what has ended, and writes it down. */
  const settle = async (): Promise<void> => {
    const ended = finished;
    finished = [];
    if (ended.length === 0) return;
    search.tell(ended.map(({ result }) => result));
    await journal?.catchUp();
    const progress = search.progress();
    const pace = (now() - begin.timeMs) / Math.max(1, progress.evaluations - begin.evaluations);
    const remainingMs = pace * (progress.maxEvaluations - progress.evaluations);
    for (const { candidate, result, durationMs } of ended) {
      if (result.state === 'failed' && candidate.attempt < search.settings.attempts) {
        onEvent({ type: 'evaluation-retry', candidate, reason: result.reason });
      } else onEvent({ type: 'evaluation-end', candidate, result, durationMs, progress, remainingMs });
    }
    watch();
  };

  try {
    let generation = -1;
    while (search.hasNext()) {
      const asked = search.ask(concurrency - running.size);
      const first = asked[0];
      if (first !== undefined && first.generation !== generation) {
        generation = first.generation;
        await journal?.catchUp();
        const { candidatesInGeneration } = search.progress();
        onEvent({ type: 'generation-start', generation, candidates: candidatesInGeneration });
      }
      for (const candidate of asked) start(candidate);
      if (running.size === 0 && finished.length === 0) break; // nothing was left to propose
      if (running.size > 0 && finished.length === 0) await untilOneEnds(running, options.signal);
      if (options.signal?.aborted === true) break;
      await settle();
    }
    if (options.signal?.aborted === true) {
      await Promise.all(running);
      await settle();
      options.signal.throwIfAborted();
    }
    await journal?.catchUp();
    const result = search.result();
    onEvent({ type: 'search-end', ending: result.ending ?? 'space-exhausted', progress: search.progress() });
    return result;
  } finally {
    stop.abort();
    await Promise.all(running);
  }
}

/** The result of one attempt; null for one that was stopped. */
async function attemptOf(
  evaluate: Evaluator,
  candidate: Candidate,
  signal: AbortSignal,
): Promise<EvaluationResult | null> {
  const { id, attempt } = candidate;
  try {
    const outcome = await evaluate(candidate, { signal });
    if (outcome.values === undefined) return { id, attempt, state: 'dropped', partial: outcome.partial };
    const { values, partial } = outcome;
    return { id, attempt, state: 'complete', values, ...(partial === undefined ? {} : { partial }) };
  } catch (error) {
    if (signal.aborted) return null;
    return { id, attempt, state: 'failed', reason: error instanceof Error ? error.message : String(error) };
  }
}

function untilOneEnds(running: ReadonlySet<Promise<void>>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return Promise.race(running);
  let onAbort = (): void => {};
  const aborted = new Promise<void>((resolve) => {
    onAbort = resolve;
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  return Promise.race([...running, aborted]).finally(() => signal.removeEventListener('abort', onAbort));
}

/** Looks at new records and throws when all of a generation has failed: something is wrong that has nothing to do with the sparsities. */
function watchFailures(search: Search): () => void {
  let looked = 0;
  let candidates = 0;
  let failed = 0;
  const look = (record: SearchRecord): void => {
    if (record.type === 'generation') [candidates, failed] = [record.candidates.length, 0];
    else if (record.state === 'failed' && record.attempt >= search.settings.attempts) {
      failed++;
      if (failed < candidates) return;
      throw new SparseViTError(
        'search',
        `runSearch: expected some evaluations to succeed, got ${failed} that failed, all of a generation (the last: ${record.reason}). Mend that and start again: what was evaluated before stays.`,
      );
    }
  };
  return () => {
    const records = search.recordsFrom(looked);
    looked += records.length;
    records.forEach(look);
  };
}
