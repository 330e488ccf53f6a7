/** The stage that says what came of it: the result and what it is compared with, judged and timed on the same images and machine. */

import { readSafetensors, writeSafetensors } from '@sparsevit/backbone';
import type { Deployment, ReportCase } from '@sparsevit/config';
import { notationOf } from '@sparsevit/config';
import { quantile } from '@sparsevit/latency';
import { saveTask } from '@sparsevit/tasks';
import type { PrunedRatios, SparsityRules, SparsitySpace } from '@sparsevit/windows';
import { createRandom, drawUniformly, randomOrder } from '@sparsevit/windows';
import { timeSparsity } from '../../latency/time-sparsity';
import { scoreNameOf } from '../../search-evaluator';
import { latencyName } from '../../search-sparsity';
import { writeOutputFile } from '../files';
import { readJsonFile } from '../json';
import type { PredictionSource } from '../prediction-source';
import type { StageContext, TimedModel } from './context';
import { readModel } from './inputs';
import type { JudgedCase, PlannedCase } from './judge-cases';
import { judgeCases, openTestData, uniformRatios } from './judge-cases';
import type { ChosenSparsity } from './search-stage';
import { readSearchResult, threadsOf } from './search-stage';
import { startEngineModel } from './timed-model';

/** The document of scores and latencies in the stage's folder. */
export interface EvaluatedCases {
  readonly format: 'sparsevit-pipeline-cases';
  readonly version: 1;
  readonly cases: readonly ReportCase[];
  /** Samples of each measured case, round by round. */
  readonly samplesMs: Readonly<Record<string, readonly number[]>>;
}

/** What the evaluation is of. */
export interface EvaluateStageOptions {
  readonly latency: PredictionSource;
  readonly rules: SparsityRules;
  readonly chosen: ChosenSparsity;
}

const rounds = 5;
const mostDraws = 20_000;
/** Random sparsities take from this share of the budget's latency on. */
const leastShare = 0.9;

const ratiosText = (prunedRatios: PrunedRatios): string => notationOf({ prunedRatios } as never);

/** The dense model at its size and at lower ones. */
export async function denseStage(context: StageContext, rules: SparsityRules): Promise<readonly string[]> {
  const { run, folder } = context;
  const { height, width } = run.input;
  const { architecture } = (await readModel(run, folder, 'dense')).backbone;
  /** A size that is made of whole patches of the last stage. */
  const step = architecture.patchSize * 2 ** (architecture.depths.length - 1);
  const lower = (side: number, share: number): number => Math.max(step, Math.round((side * share) / step) * step);
  const base = { weights: 'dense', prunedRatios: null, predictedMs: null } as const;
  const planned: PlannedCase[] = [
    { ...base, name: 'dense', kind: 'dense', height, width },
    ...run.report.resolutions
      .map((share) => ({ height: lower(height, share), width: lower(width, share) }))
      .filter((size, i, all) => size.height < height && all.findIndex((one) => one.height === size.height) === i)
      .map((size) => ({
        ...base,
        ...size,
        name: `dense at ${size.height}x${size.width}`,
        kind: 'low-resolution' as const,
      })),
  ];
  await folder.writeJson('dense/cases.json', { cases: await judgeCases(context, planned, rules) });
  return ['dense/cases.json'];
}

/**
 * Judges the result and what it is compared with, times them in turns, and writes the file to deploy.
 *
 * @returns the files that it wrote, in the run's folder
 * @throws as `judgeCases`; the signal's reason
 */
export async function evaluateStage(context: StageContext, options: EvaluateStageOptions): Promise<readonly string[]> {
  const { run, folder } = context;
  const { latency, rules, chosen } = options;
  const { predictor } = latency;
  const { height, width } = run.input;
  const predict = (prunedRatios: PrunedRatios): number => predictor.predictMs(prunedRatios);
  const at = { height, width };
  const plan = (
    name: string,
    kind: ReportCase['kind'],
    weights: ReportCase['weights'],
    prunedRatios: PrunedRatios,
  ): PlannedCase => ({ ...at, name, kind, weights, prunedRatios, predictedMs: predict(prunedRatios) });

  const { space } = predictor;
  const dense = uniformRatios(space.pairsPerStage, 0);
  const equal = uniformOfLatency(space, predict, chosen.predictedMs);
  const front = await frontOf(context, chosen);
  const searched = chosen.prunedRatios;
  const isTuned = run.finetune !== undefined;
  const planned: PlannedCase[] = [
    { ...plan('dense, adapted weights', 'dense', 'adapted', dense), prunedRatios: null },
    plan('searched', 'searched', 'final', searched),
    ...(isTuned ? [plan('searched, before fine-tuning', 'searched', 'adapted', searched)] : []),
    plan('searched, not adapted', 'searched', 'dense', searched),
    ...(equal === null
      ? []
      : [plan(`${equal[0]?.[0]?.toFixed(3)} everywhere, equal latency`, 'uniform', 'adapted', equal)]),
    ...run.report.uniform.map((ratio) =>
      plan(`${ratio} everywhere`, 'uniform', 'adapted', uniformRatios(space.pairsPerStage, ratio)),
    ),
    ...randomOfLatency(space, predict, { mostMs: chosen.predictedMs, count: run.report.random }).map((ratios) =>
      plan(`random ${ratiosText(ratios)}`, 'random', 'adapted', ratios),
    ),
    plan('dense, final weights', 'front', 'final', dense),
    ...front.map((ratios) => plan(`front ${ratiosText(ratios)}`, 'front', 'final', ratios)),
  ];
  const judged = await judgeCases(context, planned, rules);
  const { cases: ofDense } = (await readJsonFile(folder.at('dense', 'cases.json'), 'output')) as {
    cases: readonly JudgedCase[];
  };
  const all = [
    ...ofDense.map((one) => (one.kind === 'dense' ? { ...one, predictedMs: predict(dense) } : one)),
    ...judged,
  ];
  const samples = await timeCases(context, all.filter(isTimed), options);
  const cases = all.map((one): ReportCase => {
    const own = samples.get(timingOf(one)) ?? null;
    return own === null
      ? { ...one, measuredMs: null, quartilesMs: null }
      : { ...one, measuredMs: quantile(own, 0.5), quartilesMs: [quantile(own, 0.25), quantile(own, 0.75)] };
  });
  const document: EvaluatedCases = {
    format: 'sparsevit-pipeline-cases',
    version: 1,
    cases,
    samplesMs: Object.fromEntries([...samples].map(([name, own]) => [name, own])),
  };
  await folder.writeJson('evaluate/cases.json', document);
  const checkpoint = await readModel(run, folder, 'final');
  const images = Math.min(
    (await openTestData(context, checkpoint.config.classes)).length,
    run.evaluation?.limit ?? Number.POSITIVE_INFINITY,
  );
  await writeDeployment(context, { ...options, judged, images });
  return ['evaluate/cases.json', 'model.safetensors'];
}

/** The same sparsity everywhere that takes as long; null when even the sparsest takes longer. */
function uniformOfLatency(
  { pairsPerStage, choices }: SparsitySpace,
  predict: (prunedRatios: PrunedRatios) => number,
  ms: number,
): PrunedRatios | null {
  const at = (ratio: number): PrunedRatios => uniformRatios(pairsPerStage, ratio);
  let [low, high] = [0, Math.max(...choices)];
  if (predict(at(high)) > ms) return null;
  for (let i = 0; i < 20; i++) {
    const middle = (low + high) / 2;
    if (predict(at(middle)) > ms) low = middle;
    else high = middle;
  }
  return at(Math.ceil(high * 1000) / 1000);
}

/** Random sparsities that take nearly as long. */
function randomOfLatency(
  space: SparsitySpace,
  predict: (prunedRatios: PrunedRatios) => number,
  { mostMs, count }: { mostMs: number; count: number },
): readonly PrunedRatios[] {
  const random = createRandom(1);
  const found = new Map<string, PrunedRatios>();
  for (let i = 0; i < mostDraws && found.size < count; i++) {
    const drawn = drawUniformly(space, random);
    const ms = predict(drawn);
    if (ms <= mostMs && ms >= leastShare * mostMs) found.set(JSON.stringify(drawn), drawn);
  }
  return [...found.values()];
}

/** Members of the search's front from one end to the other; the chosen one and dense are there already. */
async function frontOf(context: StageContext, chosen: ChosenSparsity): Promise<readonly PrunedRatios[]> {
  const { front, history, settings } = await readSearchResult(context);
  const scoreName = settings.objectives[0]?.name ?? '';
  // a search for one budget has its front over everything that it has looked at
  const members = front.length > 1 ? front : paretoOf(history, scoreName);
  const others = members.filter(
    ({ prunedRatios }) =>
      JSON.stringify(prunedRatios) !== JSON.stringify(chosen.prunedRatios) &&
      prunedRatios.flat().some((ratio) => ratio > 0),
  );
  const count = Math.max(0, context.run.report.choices - 2);
  if (others.length <= count) return others.map(({ prunedRatios }) => prunedRatios);
  const places = Array.from({ length: count }, (_, i) =>
    Math.round((i * (others.length - 1)) / Math.max(1, count - 1)),
  );
  return [...new Set(places)].flatMap((place) => {
    const one = others[place];
    return one === undefined ? [] : [one.prunedRatios];
  });
}

type History = Awaited<ReturnType<typeof readSearchResult>>['history'];

function paretoOf(history: History, scoreName: string): History {
  const complete = history.filter(({ state }) => state === 'complete');
  return complete.filter((one) =>
    complete.every((other) => {
      const [score, ms] = [one.values[scoreName] ?? 0, one.values[latencyName] ?? 0];
      const [otherScore, otherMs] = [other.values[scoreName] ?? 0, other.values[latencyName] ?? 0];
      return !(otherScore >= score && otherMs <= ms && (otherScore > score || otherMs < ms));
    }),
  );
}

/** What a case costs: weights change nothing about it. */
const timingOf = ({ height, width, prunedRatios }: JudgedCase): string =>
  `${height}x${width} ${prunedRatios === null ? 'dense' : ratiosText(prunedRatios)}`;

/** Everything but the random ones and the front, whose predictions say enough. */
const isTimed = ({ kind }: JudgedCase): boolean => kind !== 'random' && kind !== 'front';

/** Times cases in turns, each round in an order of its own. */
async function timeCases(
  context: StageContext,
  cases: readonly JudgedCase[],
  { latency, rules }: EvaluateStageOptions,
): Promise<Map<string, number[]>> {
  const { run, folder, signal, tell, startTimedModel = startEngineModel } = context;
  const checkpoint = await readModel(run, folder, 'final');
  const { pairsPerStage } = latency.predictor.space;
  const sizes = new Map<string, TimedModel>();
  const samples = new Map<string, number[]>();
  const different = new Map(cases.map((one) => [timingOf(one), one]));
  const names = [...different.keys()];
  const random = createRandom(0);
  try {
    for (const { height, width } of different.values()) {
      const size = `${height}x${width}`;
      if (sizes.has(size)) continue;
      const input = { batch: 1, height, width };
      sizes.set(size, await startTimedModel(checkpoint, { input, rules, threads: threadsOf(latency) }));
    }
    for (let round = 0; round < rounds; round++) {
      for (const place of randomOrder(names.length, random)) {
        const name = names[place] ?? '';
        const one = different.get(name);
        const timed = one === undefined ? undefined : sizes.get(`${one.height}x${one.width}`);
        if (one === undefined || timed === undefined) continue;
        signal.throwIfAborted();
        const ms = await timeSparsity(timed.runner, one.prunedRatios ?? uniformRatios(pairsPerStage, 0), context);
        samples.set(name, [...(samples.get(name) ?? []), ms]);
        tell({
          type: 'case-measured',
          name: one.name,
          place: round * names.length + place,
          count: rounds * names.length,
        });
      }
    }
  } finally {
    for (const timed of sizes.values()) await timed.dispose();
  }
  return samples;
}

/** Writes the file to deploy: final weights, and what it can be run at. */
async function writeDeployment(
  { run, folder }: StageContext,
  {
    latency,
    rules,
    chosen,
    judged,
    images,
  }: EvaluateStageOptions & { readonly judged: readonly JudgedCase[]; readonly images: number },
): Promise<void> {
  const checkpoint = await readModel(run, folder, 'final');
  const { predictor } = latency;
  const offered = judged
    .filter(({ kind, weights }) => weights === 'final' && (kind === 'searched' || kind === 'front'))
    .map(({ prunedRatios, score, predictedMs }) => ({
      prunedRatios: prunedRatios ?? [],
      score,
      latencyMs: predictedMs ?? 0,
    }))
    .sort((a, b) => a.latencyMs - b.latencyMs || b.score - a.score);
  const isChosen = ({ prunedRatios }: (typeof offered)[number]): boolean =>
    JSON.stringify(prunedRatios) === JSON.stringify(chosen.prunedRatios);
  // what is slower and no better is no choice; the chosen one stays, whatever the test images say
  const sparsities = offered.filter(
    (one) =>
      isChosen(one) ||
      offered.every((other) => other === one || other.latencyMs > one.latencyMs || other.score < one.score),
  );
  const { height, width } = run.input;
  const { table } = latency;
  const deployment: Deployment = {
    format: 'sparsevit-deployment',
    version: 1,
    scoreName: scoreNameOf(checkpoint.config),
    scoredImages: images,
    sparsities,
    rules,
    chosen: sparsities.findIndex(isChosen),
    budgetMs: chosen.budgetMs,
    input: { batch: 1, height, width },
    device:
      table === null
        ? predictor.origin
        : [table.device.name, table.device.backend, `threads ${table.device.threads}`].join(', '),
    predictor: JSON.parse(JSON.stringify(predictor)) as Record<string, unknown>,
  };
  const { tensors, metadata } = readSafetensors(
    saveTask({
      ...checkpoint,
      backbone: { ...checkpoint.backbone, sparsity: { ...rules, prunedRatios: chosen.prunedRatios } },
    }),
  );
  const bytes = writeSafetensors(tensors, { ...metadata, 'sparsevit-deployment': JSON.stringify(deployment) });
  await writeOutputFile(folder.at('model.safetensors'), bytes, 'output');
}
