/**
 * The whole of SparseViT in one call: a dense model, adapted; its latencies measured; the sparsity of every layer searched under a budget; fine-tuned,
 * judged, and written as one file with a report. Each stage is a function of the document and of the stages before it; one that is done stays done.
 */

import type { PipelineRun } from '@sparsevit/config';
import { isGivenFile } from '@sparsevit/config';
import type { SparsityRules } from '@sparsevit/windows';
import { sparsityModes } from '@sparsevit/windows';
import { absoluteSource } from '../data-source';
import type { PredictionSource } from '../prediction-source';
import { openPredictionSource } from '../prediction-source';
import type { PipelineSurroundings, StageContext } from './context';
import { denseStage, evaluateStage } from './evaluate-stage';
import { latencyFile, modelFile } from './inputs';
import { profileStage } from './profile-stage';
import { reportStage } from './report-stage';
import type { StageNote } from './run-folder';
import { openRunFolder } from './run-folder';
import type { ChosenSparsity } from './search-stage';
import { readChosen, searchStage } from './search-stage';
import type { PipelineStage } from './stages';
import { isGiven, pipelineStages, stageIdentities } from './stages';
import { trainStage } from './train-stage';

/** What a pipeline does of itself. */
export interface RunPipelineOptions extends PipelineSurroundings {
  /** The last stage that is done; default all. */
  readonly until?: PipelineStage | undefined;
  /** This stage and those after it are done again, whatever is there. */
  readonly from?: PipelineStage | undefined;
  /** Makes a path of the document absolute. */
  readonly resolvePath: (path: string) => string;
}

/** What came of a pipeline. */
export interface PipelineOutcome {
  readonly folder: string;
  /** The last stage that is done. */
  readonly stage: PipelineStage;
  /** Null before the search. */
  readonly chosen: ChosenSparsity | null;
  /** In the run's folder; null before the report. */
  readonly report: string | null;
  /** The file to deploy; null before the evaluation. */
  readonly model: string | null;
}

/**
 * Runs a pipeline, from where it was stopped.
 *
 * With the same document, data and latency table the deployed file has the same bytes, however often it was stopped and whatever the number of processes.
 *
 * @param written the document, with its paths as they were written
 * @throws SparseViTError for the first thing that cannot be; the signal's reason when it was stopped
 * @example
 * const { report } = await runPipeline(parsePipelineRun(document), { resolvePath: (path) => resolve(folder, path), ... });
 */
export async function runPipeline(written: PipelineRun, options: RunPipelineOptions): Promise<PipelineOutcome> {
  const { until = 'report', from, resolvePath, now, onEvent, signal } = options;
  const run = withPaths(written, resolvePath);
  const folder = await openRunFolder(run.output);
  const identities = stageIdentities(written);
  if (from !== undefined) await folder.forgetFrom(from);
  await folder.writeJson('config.json', written);
  const notes = new Map<PipelineStage, StageNote>();
  let isTrainingStarted = false;
  const startTraining = async (): Promise<void> => {
    if (isTrainingStarted) return;
    await options.startTraining();
    isTrainingStarted = true;
  };
  let latency: PredictionSource | null = null;
  let chosen: ChosenSparsity | null = null;
  let last: PipelineStage = pipelineStages[0];

  const contextOf = (stage: PipelineStage): StageContext => ({
    ...options,
    startTraining,
    run,
    written,
    folder,
    tell: (event) => onEvent({ type: 'stage-progress', stage, event }),
  });
  const openLatency = async (): Promise<PredictionSource> => {
    if (latency !== null) return latency;
    const { path, what } = latencyFile(run, folder);
    latency = await openPredictionSource(path, what);
    return latency;
  };
  /** The table's, else those that are saved with the adapted weights. */
  const rulesOf = async (): Promise<SparsityRules> => {
    if ('file' in run.latency || notes.has('profile')) {
      const { table } = await openLatency();
      if (table !== null) return table.model.rules;
    }
    return adaptedRules(run);
  };
  const choice = async (): Promise<ChosenSparsity> => {
    chosen ??= await readChosen({ run, folder }, await openLatency());
    return chosen;
  };

  const work: Readonly<Record<PipelineStage, (context: StageContext) => Promise<readonly string[]>>> = {
    train: (context) => {
      if (run.train === undefined || isGivenFile(run.train)) return Promise.resolve([]);
      return trainStage(context, { stage: 'train', training: run.train, weights: null, sparsity: null });
    },
    dense: async (context) => denseStage(context, adaptedRules(run)),
    adapt: (context) => {
      if (isGivenFile(run.adapt)) return Promise.resolve([]);
      const weights = modelFile(run, folder, 'dense').path;
      return trainStage(context, { stage: 'adapt', training: run.adapt, weights, sparsity: null });
    },
    profile: async (context) => (isGivenFile(run.latency) ? [] : profileStage(context, run.latency, adaptedRules(run))),
    search: async (context) =>
      isGivenFile(run.search)
        ? []
        : searchStage(context, run.search, { latency: await openLatency(), rules: await rulesOf() }),
    finetune: async (context) => {
      if (run.finetune === undefined || isGivenFile(run.finetune)) return [];
      const { prunedRatios } = await choice();
      return trainStage(context, {
        stage: 'finetune',
        training: run.finetune,
        weights: modelFile(run, folder, 'adapted').path,
        sparsity: { ...(await rulesOf()), prunedRatios },
      });
    },
    evaluate: async (context) =>
      evaluateStage(context, { latency: await openLatency(), rules: await rulesOf(), chosen: await choice() }),
    report: async (context) =>
      reportStage(context, { latency: await openLatency(), rules: await rulesOf(), chosen: await choice(), notes }),
  };

  for (const stage of pipelineStages.slice(0, pipelineStages.indexOf(until) + 1)) {
    signal.throwIfAborted();
    last = stage;
    if (isGiven(stage, run)) {
      onEvent({ type: 'stage-skipped', stage, isGiven: true });
      continue;
    }
    const identity = identities[stage];
    const known = await folder.readNote(stage, identity);
    if (known !== null) {
      notes.set(stage, known);
      onEvent({ type: 'stage-skipped', stage, isGiven: false });
      continue;
    }
    onEvent({ type: 'stage-start', stage });
    await folder.make(stage);
    const begin = now();
    const files = await work[stage](contextOf(stage));
    const durationMs = now() - begin;
    notes.set(stage, await folder.writeNote(stage, identity, { durationMs, files }));
    onEvent({ type: 'stage-end', stage, durationMs });
  }
  const done = (stage: PipelineStage): boolean => notes.has(stage);
  return {
    folder: folder.path,
    stage: last,
    chosen: done('search') || ('file' in run.search && done('adapt')) ? await choice() : null,
    report: done('report') ? folder.at('report.json') : null,
    model: done('evaluate') ? folder.at('model.safetensors') : null,
  };
}

/** Rules of counting and scoring before there is a table: those that adaptation draws with. */
function adaptedRules({ adapt }: PipelineRun): SparsityRules {
  return sparsityModes[isGivenFile(adapt) ? 'clean' : adapt.sparsityMode];
}

/** The document with absolute paths. */
function withPaths(written: PipelineRun, resolvePath: (path: string) => string): PipelineRun {
  const { model, data } = written;
  const file = <Stage extends object>(stage: Stage): Stage =>
    isGivenFile(stage) ? { ...stage, file: resolvePath(stage.file) } : stage;
  return {
    ...written,
    model: { ...model, ...(model.weights === undefined ? {} : { weights: resolvePath(model.weights) }) },
    data: {
      ...data,
      train: absoluteSource(data.train, resolvePath),
      ...(data.validation === undefined ? {} : { validation: absoluteSource(data.validation, resolvePath) }),
      ...(data.test === undefined ? {} : { test: absoluteSource(data.test, resolvePath) }),
    },
    ...(written.train === undefined ? {} : { train: file(written.train) }),
    adapt: file(written.adapt),
    latency: file(written.latency),
    search: file(written.search),
    ...(written.finetune === undefined ? {} : { finetune: file(written.finetune) }),
    output: resolvePath(written.output),
  };
}
