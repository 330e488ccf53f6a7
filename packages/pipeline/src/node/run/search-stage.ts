/** The stage that searches, and the choice that follows from its result. */

import type { PipelineSearch, SearchResultDocument } from '@sparsevit/config';
import { parseSearchResult } from '@sparsevit/config';
import { fileJournal, hashOf } from '@sparsevit/search/node';
import { taskInputOf } from '@sparsevit/tasks';
import type { PrunedRatios, SparsityRules } from '@sparsevit/windows';
import { createSparsitySpace, SparseViTError } from '@sparsevit/windows';
import { timeSparsity } from '../../latency/time-sparsity';
import { scoreNameOf } from '../../search-evaluator';
import { latencyName, predictedMargin, searchSparsity } from '../../search-sparsity';
import { quote } from '../errors';
import { createEvaluationPool } from '../evaluation-pool';
import type { SearchSubject } from '../evaluation-subject';
import { describeSubject, subjectPaths } from '../evaluation-subject';
import { readJsonFile } from '../json';
import type { PredictionSource } from '../prediction-source';
import type { StageContext } from './context';
import { modelFile, readModel, searchFile } from './inputs';
import { uniformRatios } from './judge-cases';
import { startEngineModel } from './timed-model';

/** The sparsity that a search is for. */
export interface ChosenSparsity {
  readonly prunedRatios: PrunedRatios;
  readonly predictedMs: number;
  /** At the end of the search; null when nothing was measured. */
  readonly measuredMs: number | null;
  /** With the adapted weights, on the validation images. */
  readonly score: number;
  readonly budgetMs: number;
  readonly meetsBudget: boolean;
}

/** The budget in milliseconds. */
function budgetMsOf({ budgetMs, budgetRatio = 1 }: PipelineSearch, { predictor }: PredictionSource): number {
  if (budgetMs !== undefined) return budgetMs;
  const dense = predictor.space.pairsPerStage.map((pairs) => Array.from({ length: pairs }, () => 0));
  return budgetRatio * predictor.predictMs(dense);
}

/**
 * Searches, from where it was stopped, and measures the best.
 *
 * @returns the files that it wrote, in the run's folder
 * @throws as `searchSparsity`; the signal's reason
 */
export async function searchStage(
  context: StageContext,
  search: PipelineSearch,
  { latency, rules }: { readonly latency: PredictionSource; readonly rules: SparsityRules },
): Promise<readonly string[]> {
  const { run, folder, now, signal, tell, startTimedModel = startEngineModel } = context;
  const weights = modelFile(run, folder, 'adapted').path;
  const checkpoint = await readModel(run, folder, 'adapted');
  const { height, width, keepRatio, normalization } = run.input;
  const of: SearchSubject = {
    weights,
    source: run.data.validation ?? run.data.train,
    input: { ...taskInputOf(checkpoint), size: { height, width }, keepRatio, normalization },
    limit: search.limit ?? run.evaluation?.limit ?? null,
    rules,
  };
  const subject = await describeSubject(of);
  const contents = Object.fromEntries(Object.entries(subject.files).map(([name, { sha256 }]) => [name, sha256]));
  const { predictor } = latency;
  const pool = await createEvaluationPool({
    subject,
    paths: subjectPaths(of),
    processes: search.processes,
    program: context.evaluationProgram,
  });
  const canMeasure = search.measured > 0;
  const timed = canMeasure
    ? await startTimedModel(checkpoint, { input: { batch: 1, height, width }, rules, threads: threadsOf(latency) })
    : null;
  try {
    const result = await searchSparsity({
      space: createSparsitySpace(checkpoint.backbone.architecture, search.choices),
      predictMs: (prunedRatios) => predictor.predictMs(prunedRatios),
      evaluate: pool.evaluate,
      scoreName: scoreNameOf(checkpoint.config),
      budget: { atMostMs: budgetMsOf(search, latency), margin: search.margin ?? predictedMargin(predictor) },
      wantsFront: search.preset !== 'small',
      seed: search.seed,
      evaluations: search.evaluations,
      preset: search.preset,
      initial: startsOf(search, budgetMsOf(search, latency), latency),
      subsets: await subsetsOf(search, of),
      subject: hashOf({
        files: contents,
        settings: subject.settings,
        predictor: JSON.parse(JSON.stringify(predictor)),
      }),
      concurrency: pool.concurrency,
      journal: fileJournal(folder.at('search', 'journal.jsonl')),
      measuring:
        timed === null
          ? null
          : {
              measure: (prunedRatios) => timeSparsity(timed.runner, prunedRatios, { now }),
              count: search.measured,
              rounds: 5,
            },
      signal,
      now,
      onEvent: tell,
    });
    await folder.writeJson('search/result.json', result);
    await folder.writeJson('search/chosen.json', choose(result, budgetMsOf(search, latency)));
  } finally {
    await pool.dispose();
    await timed?.dispose();
  }
  return ['search/result.json', 'search/chosen.json'];
}

/**
 * What the search begins with: dense, the sparsest, and the least uniform sparsity within the budget. So a search for the whole front has evaluated
 * something that meets the budget, if anything does.
 */
function startsOf(
  { choices }: PipelineSearch,
  budgetMs: number,
  { predictor }: PredictionSource,
): readonly PrunedRatios[] {
  const uniform = (ratio: number): PrunedRatios => uniformRatios(predictor.space.pairsPerStage, ratio);
  const ascending = [...choices].sort((a, b) => a - b);
  const within = ascending.find((ratio) => predictor.predictMs(uniform(ratio)) <= budgetMs);
  const starts = [ascending[0], within, ascending.at(-1)].filter((ratio) => ratio !== undefined);
  return [...new Set(starts)].map(uniform);
}

/** Threads that latencies are of; undefined where nothing says. */
export function threadsOf({ table }: PredictionSource): number | undefined {
  return table?.device.threads ?? undefined;
}

async function subsetsOf({ subsets }: PipelineSearch, { limit, source }: SearchSubject): Promise<number[] | undefined> {
  if (subsets === undefined) return undefined;
  const images = limit ?? (source.kind === 'scenes' ? source.count : null);
  if (images === null) {
    throw new SparseViTError(
      'input',
      'search.subsets: expected search.limit beside it, so that a share is a number of images.',
    );
  }
  return [...new Set([...subsets.map((share) => Math.max(1, Math.round(share * images))), images])];
}

/**
 * The sparsity that a search is for: the best that meets the budget as measured; else, when none does, the fastest of those measured; without measuring
 * the best whose prediction meets it.
 *
 * @throws SparseViTError when nothing was evaluated that could be taken
 */
function choose(result: SearchResultDocument, budgetMs: number): ChosenSparsity {
  const [objective] = result.settings.objectives;
  const scoreName = objective?.name ?? '';
  const { measured } = result;
  if (measured !== undefined) {
    const fastest = [...measured.measured].sort((a, b) => a.measured - b.measured)[0];
    const taken = measured.winner ?? fastest;
    if (taken !== undefined) {
      const { prunedRatios, predicted, measured: ms, objective: score } = taken;
      return {
        prunedRatios,
        predictedMs: predicted ?? ms,
        measuredMs: ms,
        score,
        budgetMs,
        meetsBudget: measured.winner !== null,
      };
    }
  }
  const within = result.history.filter(
    ({ isFeasible, values }) => isFeasible && (values[latencyName] ?? Number.POSITIVE_INFINITY) <= budgetMs,
  );
  const best = within.reduce<(typeof within)[number] | null>(
    (first, one) => (first === null || (one.values[scoreName] ?? 0) > (first.values[scoreName] ?? 0) ? one : first),
    null,
  );
  if (best === null) {
    throw new SparseViTError(
      'search',
      `search: expected a sparsity within ${budgetMs.toFixed(2)} ms, got none among ${result.history.length} that were evaluated. Raise the budget, or search.evaluations, and do it again with --from search.`,
    );
  }
  return {
    prunedRatios: best.prunedRatios,
    predictedMs: best.values[latencyName] ?? Number.NaN,
    measuredMs: null,
    score: best.values[scoreName] ?? Number.NaN,
    budgetMs,
    meetsBudget: true,
  };
}

/** Reads the result of the search, of this run or given. */
export async function readSearchResult(context: Pick<StageContext, 'run' | 'folder'>): Promise<SearchResultDocument> {
  const { path, what } = searchFile(context.run, context.folder);
  try {
    return parseSearchResult(await readJsonFile(path, what));
  } catch (error) {
    if (!SparseViTError.isInstance(error)) throw error;
    throw new SparseViTError(error.code, `${what} ${quote(path)}: ${error.message}`, { cause: error });
  }
}

/** The sparsity that was chosen: by this run's search, or from the result that was given. */
export async function readChosen(
  context: Pick<StageContext, 'run' | 'folder'>,
  latency: PredictionSource,
): Promise<ChosenSparsity> {
  const { search } = context.run;
  const result = await readSearchResult(context);
  if (!('file' in search)) return choose(result, budgetMsOf(search, latency));
  const bound = result.settings.constraints.find(({ name }) => name === latencyName)?.atMost;
  const dense = result.history.map(({ values }) => values[latencyName] ?? 0);
  return choose(result, bound ?? Math.max(...dense));
}
