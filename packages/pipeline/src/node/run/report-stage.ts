/** The last stage: every number of the report, from the files of the stages before it. */

import { readFile } from 'node:fs/promises';
import type { PipelineReport, ReportCase, ReportSample, ReportStage, ReportTraining } from '@sparsevit/config';
import { presetOf } from '@sparsevit/config';
import { learnsFrom } from '@sparsevit/tasks';
import type { SparsityRules } from '@sparsevit/windows';
import { version } from '../../../package.json';
import { scoreNameOf } from '../../search-evaluator';
import { latencyName } from '../../search-sparsity';
import { openSource } from '../data-source';
import { readJsonFile } from '../json';
import type { PredictionSource } from '../prediction-source';
import type { StageContext } from './context';
import type { EvaluatedCases } from './evaluate-stage';
import { latencyFile, modelFile, readModel, searchFile } from './inputs';
import { openTestData } from './judge-cases';
import { keptWindowsOf } from './kept-windows';
import type { StageNote } from './run-folder';
import type { ChosenSparsity } from './search-stage';
import { readSearchResult } from './search-stage';
import type { PipelineStage } from './stages';

/** What the report is of. */
export interface ReportStageOptions {
  readonly latency: PredictionSource;
  readonly rules: SparsityRules;
  readonly chosen: ChosenSparsity;
  /** Of the stages that were done here. */
  readonly notes: ReadonlyMap<PipelineStage, StageNote>;
}

const mostPoints = 200;
/** Fewer images are called few. */
const fewImages = 50;

/**
 * Writes `report.json`, and pictures where somebody draws them.
 *
 * @returns the files that it wrote, in the run's folder
 */
export async function reportStage(context: StageContext, options: ReportStageOptions): Promise<readonly string[]> {
  const { run, written, folder, host, date, command, drawSamples, signal } = context;
  const { latency, rules, chosen, notes } = options;
  const final = await readModel(run, folder, 'final');
  const { architecture, weights } = final.backbone;
  const test = await openTestData(context, final.config.classes);
  const { cases } = (await readJsonFile(folder.at('evaluate', 'cases.json'), 'output')) as EvaluatedCases;
  const result = await readSearchResult(context);
  const scoreName = scoreNameOf(final.config);
  const samples =
    drawSamples === undefined || run.report.samples === 0
      ? []
      : await drawSamples({
          dataset: test,
          count: run.report.samples,
          dense: await readModel(run, folder, 'dense'),
          final: {
            ...final,
            backbone: { ...final.backbone, sparsity: { ...rules, prunedRatios: chosen.prunedRatios } },
          },
          input: run.input,
          folder: folder.at('report'),
          signal,
        });
  const { table } = latency;
  const searched = cases.find(({ kind, weights: of }) => kind === 'searched' && of === 'final');
  const limit = run.evaluation?.limit ?? Number.POSITIVE_INFINITY;
  const learns = learnsFrom(run.task);
  const lengthOf = async (source: typeof run.data.train): Promise<number> =>
    (await openSource(source, { learns, wantsEveryClass: false, onEvent: () => {} })).length;
  const report: PipelineReport = {
    format: 'sparsevit-pipeline-report',
    version: 1,
    endedAt: date().toISOString(),
    command,
    environment: {
      device: host.name,
      cores: host.cores,
      memoryBytes: host.memoryBytes,
      platform: host.platform,
      runtime: host.runtime,
      packages: version,
      threads: table?.device.threads ?? host.cores,
    },
    config: written,
    task: { kind: final.config.kind, classes: final.config.classes },
    model: {
      name: `${final.config.kind} on ${presetOf(architecture) ?? 'a Swin'}`,
      parameters:
        countParameters(weights) + [...final.head.values()].reduce((sum, { values }) => sum + values.length, 0),
    },
    scoreName,
    images: {
      train: await lengthOf(run.data.train),
      validation: run.data.validation === undefined ? 0 : await lengthOf(run.data.validation),
      test: Math.min(test.length, limit),
    },
    budgetMs: chosen.budgetMs,
    meetsBudget: searched?.measuredMs == null ? chosen.meetsBudget : searched.measuredMs <= chosen.budgetMs,
    stages: stagesOf(context, notes),
    cases,
    training: await trainingOf(context, notes),
    search: {
      evaluations: result.history.length,
      spaceSize: result.spaceSize,
      feasibleShare: result.feasibleShare.value,
      history: result.history.flatMap(({ state, values }) => pointOf(state, values, scoreName) ?? []),
      front: result.front.flatMap(({ prunedRatios, state, values }) => {
        const point = pointOf(state, values, scoreName);
        return point === null ? [] : [{ ...point, prunedRatios }];
      }),
      importance: result.importance.map(({ stage, pair, share }) => ({
        stage,
        pair,
        share: Math.min(1, Math.max(0, share)),
      })),
      measured: (result.measured?.measured ?? []).flatMap(({ predicted, measured, objective }) =>
        predicted === null ? [] : [{ predictedMs: predicted, measuredMs: measured, score: objective }],
      ),
    },
    latency: {
      kind: latency.predictor.kind,
      rows: table?.rows.length ?? 0,
      rmspePercent: latency.scores.find(({ kind }) => kind === latency.predictor.kind)?.rmspePercent ?? null,
      noisePercent: latency.noiseFloor?.rowPercent ?? null,
      points: (table?.rows ?? []).map(({ prunedRatios, ms }) => ({
        predictedMs: latency.predictor.predictMs(prunedRatios),
        measuredMs: ms,
      })),
    },
    keptWindows: await keptWindowsOf(context, { ...rules, prunedRatios: chosen.prunedRatios }),
    samples: samples.map(({ id, ...files }) => ({ id, ...(under('report', files) as Omit<ReportSample, 'id'>) })),
    notes: notesOf(context, options, { cases, testImages: Math.min(test.length, limit) }),
  };
  await folder.writeJson('report.json', report);
  return [
    'report.json',
    ...report.samples.flatMap(({ photo, dense, sparse, windows }) => [photo, dense, sparse, windows]),
  ];
}

function under(name: string, files: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(files).map(([field, file]) => [field, `${name}/${file}`]));
}

function pointOf(
  state: string,
  values: Readonly<Record<string, number>>,
  scoreName: string,
): { readonly latencyMs: number; readonly score: number } | null {
  const [score, latencyMs] = [values[scoreName], values[latencyName]];
  return state === 'complete' && score !== undefined && latencyMs !== undefined ? { latencyMs, score } : null;
}

/** Values of all weights, however they are nested. */
function countParameters(weights: unknown): number {
  if (typeof weights !== 'object' || weights === null) return 0;
  if ('values' in weights && 'shape' in weights) return (weights.values as ArrayLike<number>).length;
  return Object.values(weights).reduce((sum: number, value) => sum + countParameters(value), 0);
}

function stagesOf(
  { run, folder }: StageContext,
  notes: ReadonlyMap<PipelineStage, StageNote>,
): PipelineReport['stages'] {
  const given: Partial<Record<PipelineStage, string>> = {
    ...(run.train !== undefined && 'file' in run.train ? { train: modelFile(run, folder, 'dense').path } : {}),
    ...('file' in run.adapt ? { adapt: modelFile(run, folder, 'adapted').path } : {}),
    ...('file' in run.latency ? { profile: latencyFile(run, folder).path } : {}),
    ...('file' in run.search ? { search: searchFile(run, folder).path } : {}),
    ...(run.finetune !== undefined && 'file' in run.finetune ? { finetune: modelFile(run, folder, 'final').path } : {}),
  };
  const names = ['train', 'dense', 'adapt', 'profile', 'search', 'finetune', 'evaluate'] as const;
  return names.flatMap((name): readonly ReportStage[] => {
    const note = notes.get(name);
    if (note !== undefined) return [{ name, durationMs: note.durationMs, files: Object.keys(note.files) }];
    const file = given[name];
    return file === undefined ? [] : [{ name, durationMs: null, files: [file] }];
  });
}

async function trainingOf(
  { folder }: StageContext,
  notes: ReadonlyMap<PipelineStage, StageNote>,
): Promise<readonly ReportTraining[]> {
  const found: ReportTraining[] = [];
  for (const stage of ['train', 'adapt', 'finetune'] as const) {
    if (!notes.has(stage)) continue;
    const text = await readFile(folder.at(stage, 'journal.jsonl'), 'utf8').catch(() => '');
    const losses = new Map<number, number>();
    const scores: { step: number; name: string; score: number }[] = [];
    for (const line of text.split('\n')) {
      const event = eventOf(line);
      // steps after the last checkpoint are done again after a stop: the last time counts
      if (event?.type === 'step-end') losses.set(event.step, event.loss);
      if (event?.type !== 'evaluation-end') continue;
      const { cases = [] } = event.metrics as { cases?: readonly { name: string; score: number }[] };
      for (const { name, score } of cases) scores.push({ step: event.step, name, score });
    }
    const steps = Math.max(0, ...losses.keys());
    const { scores: last } = (await readJsonFile(folder.at(stage, 'scores.json'), 'output')) as {
      scores: readonly { name: string; score: number }[];
    };
    const known = new Set(scores.filter(({ step }) => step === steps).map(({ name }) => name));
    for (const { name, score } of last) if (!known.has(name)) scores.push({ step: steps, name, score });
    found.push({ stage, steps, points: thinned(losses, steps), scores });
  }
  return found;
}

type JournalEvent =
  | { readonly type: 'step-end'; readonly step: number; readonly loss: number }
  | { readonly type: 'evaluation-end'; readonly step: number; readonly metrics: unknown };

function eventOf(line: string): JournalEvent | null {
  try {
    return line === '' ? null : (JSON.parse(line) as JournalEvent);
  } catch {
    return null; // cut off when a process was killed
  }
}

/** At most 200 means of the loss. */
function thinned(losses: ReadonlyMap<number, number>, steps: number): ReportTraining['points'] {
  const size = Math.max(1, Math.ceil(steps / mostPoints));
  const groups = new Map<number, number[]>();
  for (const [step, loss] of [...losses].sort(([a], [b]) => a - b)) {
    const group = Math.floor((step - 1) / size);
    groups.set(group, [...(groups.get(group) ?? []), loss]);
  }
  return [...groups].map(([group, values]) => ({
    step: Math.min(steps, (group + 1) * size),
    loss: values.reduce((sum, loss) => sum + loss, 0) / values.length,
  }));
}

function notesOf(
  { run }: StageContext,
  { chosen, latency }: ReportStageOptions,
  { cases, testImages }: { readonly cases: readonly ReportCase[]; readonly testImages: number },
): readonly string[] {
  const { data } = run;
  const searched = cases.find(({ kind, weights }) => kind === 'searched' && weights === 'final');
  return [
    ...(testImages < fewImages
      ? [`The scores are of ${testImages} test images: with so few, small differences say nothing.`]
      : []),
    ...(data.validation === undefined
      ? [
          'The sparsity was searched on the training images: scores of unseen images may rank sparsities otherwise. Give data.validation.',
        ]
      : []),
    ...(data.test === undefined
      ? [
          'The scores are of the images that the sparsity was searched on, which flatters the best of many. Give data.test for images that nothing was chosen by.',
        ]
      : []),
    ...(chosen.meetsBudget
      ? []
      : ['None of the sparsities that were measured met the budget: this is the fastest of them.']),
    ...(latency.table === null
      ? ['Latencies are of a predictor without its table: for which device it holds is not known here.']
      : []),
    ...(searched !== undefined && searched.score === 0
      ? ['The result scores 0: the model has learnt nothing yet. Train it for longer.']
      : []),
  ];
}
