/** What `search` is going to do: weights, data, predictor and budget, checked before anything is evaluated. */

import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { EvaluationSubject } from '@sparsevit/config';
import { describeArchitecture, parseSparsity } from '@sparsevit/config';
import type { LatencyBudget } from '@sparsevit/pipeline';
import { predictedMargin, scoreNameOf } from '@sparsevit/pipeline';
import { checkOutputFile } from '@sparsevit/pipeline/files';
import type { PredictionSource, SearchSubject } from '@sparsevit/pipeline/node';
import { describeSubject, openPredictionSource } from '@sparsevit/pipeline/node';
import type { SearchPresetName } from '@sparsevit/search';
import { searchPresets } from '@sparsevit/search';
import { hashOf } from '@sparsevit/search/node';
import type { TaskCheckpoint } from '@sparsevit/tasks';
import type { PrunedRatios } from '@sparsevit/windows';
import { sparsityModes } from '@sparsevit/windows';
import { inputError, quote } from '../errors';
import { rulesOf } from '../sparsity';
import type { EvaluationDataOptions } from '../task/evaluation-plan';
import { openEvaluation } from '../task/evaluation-plan';
import { parseChoice, parseInteger, parsePositive, parseShare, seedRange } from '../values';

/** The options of `search`, as they were typed. */
export interface SearchOptions extends EvaluationDataOptions {
  readonly weights?: string;
  readonly latency?: string;
  readonly 'budget-ms'?: string;
  readonly 'at-least-ms'?: string;
  readonly margin?: string;
  readonly front?: true;
  readonly out?: string;
  readonly resume?: true;
  readonly evaluations?: string;
  readonly preset?: string;
  readonly seed?: string;
  readonly begin?: readonly string[];
  readonly subsets?: string;
  readonly measure?: string;
  readonly processes?: string;
  readonly redis?: string;
  readonly root?: string;
}

/** What is going to be done. */
export interface SearchPlan {
  readonly weights: string;
  readonly checkpoint: TaskCheckpoint;
  readonly scoreName: string;
  /** Images that a sparsity is scored on. */
  readonly images: number;
  readonly size: { readonly height: number; readonly width: number };
  readonly latency: PredictionSource;
  readonly budget: LatencyBudget | null;
  readonly wantsFront: boolean;
  readonly evaluations: number;
  readonly preset: SearchPresetName;
  readonly seed: number;
  readonly initial: readonly PrunedRatios[];
  readonly subsets: readonly number[] | undefined;
  readonly measureCount: number;
  readonly processes: number | undefined;
  readonly redis: string | undefined;
  readonly of: SearchSubject;
  /** What is evaluated, as a document. */
  readonly subject: EvaluationSubject;
  /** What is evaluated and what predicts. */
  readonly identity: string;
  readonly out: string;
  readonly journal: string;
  /** Records of the data that cannot be used. */
  readonly leftOut: number;
}

const presetNames = Object.keys(searchPresets) as SearchPresetName[];
const mostEvaluations = 1_000_000;

/**
 * Reads everything that a search needs.
 *
 * @throws SparseViTError for the first thing that cannot be
 */
export async function planSearch(options: SearchOptions): Promise<SearchPlan> {
  const { weights, latency: latencyFile, out } = options;
  if (weights === undefined) {
    throw inputError('search: expected --weights FILE, got none. `sparsevit adapt` writes one.');
  }
  if (latencyFile === undefined) {
    throw inputError('search: expected --latency FILE, got none. `sparsevit profile` writes one.');
  }
  if (out === undefined) throw inputError('search: expected --out FILE for the result, got none.');
  const wantsFront = options.front === true;
  if (options['budget-ms'] === undefined && options['at-least-ms'] === undefined && !wantsFront) {
    throw inputError('search: expected --budget-ms MS or --front, got neither.');
  }
  const evaluations = parseInteger(options.evaluations ?? '200', '--evaluations', { min: 1, max: mostEvaluations });
  const preset = parseChoice(options.preset ?? 'assisted', '--preset', presetNames);
  const seed = parseInteger(options.seed ?? '0', '--seed', seedRange);
  const measureCount = parseInteger(options.measure ?? '10', '--measure', { min: 0, max: 1000 });
  const processes =
    options.processes === undefined ? undefined : parseInteger(options.processes, '--processes', { min: 1, max: 1024 });
  if (options.redis !== undefined && processes !== undefined) {
    throw inputError('--processes: expected no --redis beside it, got both. Give it to `sparsevit worker`.');
  }
  if (options.root !== undefined && options.redis === undefined) {
    throw inputError('--root: expected --redis beside it, got none.');
  }
  const journal = `${out}.journal.jsonl`;
  const reads = [weights, latencyFile, ...(options.config === undefined ? [] : [options.config])];
  await checkOutputFile(out, '--out', reads);
  await checkOutputFile(journal, '--out', [...reads, out]);
  if (options.resume && (await access(journal).catch(() => 'none')) === 'none') {
    throw inputError(
      `--resume: expected a journal to go on from, got none at ${quote(journal)}. Leave out --resume to begin.`,
    );
  }

  const opened = await openEvaluation({ ...options, weights }, 'search');
  const { checkpoint, dataset, source, input, limit, broken } = opened;
  if (input.size === null) {
    throw inputError('--size: expected HxW, got none, and the weights do not say what they were trained at.');
  }
  const latency = await openPredictionSource(latencyFile, '--latency');
  checkPredictor(latency, checkpoint, input.size);
  const images = Math.min(limit ?? dataset.length, dataset.length);
  const { sparsity } = checkpoint.backbone;
  const rules = latency.table?.model.rules ?? (sparsity === null ? sparsityModes.clean : rulesOf(sparsity));
  const of: SearchSubject = { weights, source, input, limit: limit ?? null, rules };
  const subject = await describeSubject(of, options.redis === undefined ? undefined : resolve(options.root ?? '.'));
  const contents = Object.fromEntries(Object.entries(subject.files).map(([name, { sha256 }]) => [name, sha256]));
  const { predictor } = latency;
  return {
    weights,
    checkpoint,
    scoreName: scoreNameOf(checkpoint.config),
    images,
    size: input.size,
    latency,
    budget: budgetOf(options, latency),
    wantsFront,
    evaluations,
    preset,
    seed,
    initial: (options.begin ?? []).map((text) => {
      const { prunedRatios } = parseSparsity(text, predictor.subject.architecture);
      return prunedRatios;
    }),
    subsets: subsetsOf(options.subsets, images),
    measureCount,
    processes,
    redis: options.redis,
    of,
    subject,
    // times of a predictor do not depend on where its file lies
    identity: hashOf({ files: contents, settings: subject.settings, predictor: JSON.parse(JSON.stringify(predictor)) }),
    out,
    journal,
    leftOut: broken.length,
  };
}

/** What predicts has to be of this model, at this size. */
function checkPredictor(
  { predictor, file }: PredictionSource,
  { backbone }: TaskCheckpoint,
  size: { readonly height: number; readonly width: number },
): void {
  const { architecture } = predictor.subject;
  const [own, got] = [describeArchitecture(backbone.architecture), describeArchitecture(architecture)];
  if (own !== got) {
    throw inputError(
      `--latency: expected times of the model of --weights (${own}), got ${quote(file)} of another (${got}). Measure it with \`sparsevit profile\`.`,
    );
  }
  if (predictor.kind === 'calibrated') return; // its subject is what it was moved from
  const { height, width, batch } = predictor.subject;
  if (height === size.height && width === size.width && batch === 1) return;
  throw inputError(
    `--latency: expected times of 1 image of ${size.height}x${size.width}, which scores are taken at, got ${quote(file)} of ${batch} of ${height}x${width}. Measure that size, or give --size ${height}x${width}.`,
  );
}

function budgetOf(options: SearchOptions, { predictor }: PredictionSource): LatencyBudget | null {
  const [most, least] = [options['budget-ms'], options['at-least-ms']];
  if (most === undefined && least === undefined) {
    if (options.margin === undefined) return null;
    throw inputError('--margin: expected --budget-ms beside it, got none.');
  }
  const atMostMs = most === undefined ? undefined : parsePositive(most, '--budget-ms');
  const atLeastMs = least === undefined ? undefined : parsePositive(least, '--at-least-ms');
  const margin = options.margin === undefined ? predictedMargin(predictor) : parseShare(options.margin, '--margin');
  return { atMostMs, atLeastMs, margin: atMostMs === undefined ? 0 : margin };
}

/** `.25,.5` of 80 images: 20, 40, 80. */
function subsetsOf(text: string | undefined, images: number): readonly number[] | undefined {
  if (text === undefined) return undefined;
  const items = text.split(',').map((share) => Math.round(parseShare(share, '--subsets') * images));
  const all = [...items, images];
  if (all.every((count, i) => count > (all[i - 1] ?? 0))) return all;
  throw inputError(
    `--subsets: expected shares that grow and stay below 1, each of at least one of ${images} images more, got ${quote(text)}.`,
  );
}
