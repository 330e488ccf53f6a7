/** Scores and costs of the models of one seed. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomWeights } from '@sparsevit/backbone';
import type { ImageSize } from '@sparsevit/data';
import type { Engine } from '@sparsevit/engine';
import { createEngine } from '@sparsevit/engine';
import { median } from '@sparsevit/latency';
import type { EvaluationCase } from '@sparsevit/pipeline';
import { engineRunner, evaluate } from '@sparsevit/pipeline';
import type { TaskCheckpoint } from '@sparsevit/tasks';
import { createTask, learnsFrom, loadTask, newTask } from '@sparsevit/tasks';
import type { Sparsity } from '@sparsevit/windows';
import { ConfigError, createRandom, randomOrder, uniformSparsity } from '@sparsevit/windows';
import { controls, keptBy } from './controls';
import type { KeptObjects } from './kept-objects';
import { countKeptObjects } from './kept-objects';
import {
  architecture,
  controlRatio,
  deployedRatios,
  firstOf,
  mildRatios,
  normalization,
  perStage,
  sizeAt,
  unevenRatios,
} from './studies';
import type { Campaign, TrainJob } from './train-job';
import { modelPath } from './train-job';

/** A model of the tables. */
export type ModelName =
  | 'dense'
  | 'adapted'
  | 'fine-tuned'
  | 'low resolution'
  | 'dense, longer'
  | 'adapted, guided'
  | 'guided, fine-tuned'
  | 'low resolution, longer';

/** The training that each is the end of. */
const trainingOf: Readonly<Record<ModelName, TrainJob['kind']>> = {
  dense: 'continue',
  adapted: 'adapt',
  'fine-tuned': 'finetune',
  'low resolution': 'low',
  'dense, longer': 'longer',
  'guided, fine-tuned': 'guided-finetune',
  'adapted, guided': 'adapt-guided',
  'low resolution, longer': 'low-longer',
};

/** One row: a model, at a sparsity, on windows that something chose. */
export interface Score {
  readonly seed: number;
  readonly model: ModelName;
  /** Width of the images in pixels. */
  readonly width: number;
  /** The share of windows that is left out: `60 %`, or one per stage. */
  readonly pruned: string;
  /** `ranking`, or a control. */
  readonly windows: string;
  /** The figures that the study reports, the first of which is compared. */
  readonly figures: readonly [number, number];
  readonly gmacs: number;
}

/** A share as the report has it. */
export const percent = (ratio: number): string => `${Math.round(ratio * 100)} %`;

/** Multiply-accumulates of a whole model, heads and all, in one image. */
export async function macsOf(
  engine: Engine,
  checkpoint: TaskCheckpoint,
  { height, width }: ImageSize,
  sparsity: Sparsity | null,
): Promise<number> {
  const task = createTask(engine.ops, checkpoint);
  const plan = engine.compile((image) => task.forward(image, { sparsity }).output, { shape: [1, height, width, 3] });
  const { macs } = plan.toJSON();
  plan.dispose();
  task.dispose();
  return macs;
}

/** Where the scores of a seed lie. */
const scoresPath = (folder: string, seed: number): string => join(folder, `scores-seed${seed}.json`);

/** Windows with objects that a model keeps at the ratio of the controls. */
export interface KeptObjectsOfModel extends KeptObjects {
  readonly seed: number;
  readonly model: ModelName;
}

/** Where those of a seed lie. */
export const keptObjectsPath = (folder: string, seed: number): string => join(folder, `kept-objects-seed${seed}.json`);

/** The scores of a seed that are known. */
export function readScores(folder: string, seed: number): Score[] {
  const file = scoresPath(folder, seed);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Score[]) : [];
}

/** Sparsities by the name that they have in the tables. */
export function namedSparsities(prunedRatios: readonly number[]): Record<string, Sparsity | null> {
  return {
    [percent(0)]: null,
    ...Object.fromEntries(prunedRatios.map((ratio) => [percent(ratio), uniformSparsity(architecture, ratio)])),
    ...Object.fromEntries(
      [unevenRatios, deployedRatios, mildRatios].map((ratios) => [nameOf(ratios), perStage(ratios)]),
    ),
  };
}

/** A ratio per stage, as a cell of a table. */
export const nameOf = (ratios: readonly number[]): string => ratios.join('\\|');

/** Evaluates every model of a seed on what it was not trained on, and writes the scores; a model that has them all is not judged again. */
export async function runEvaluateJob(seed: number, lowWidth: number, campaign: Campaign): Promise<void> {
  const { study, limit, dataFolder, folder } = campaign;
  const all = await study.open('test', dataFolder);
  const images = firstOf(all, limit ?? all.length);
  const config = study.taskOf(images.classes);
  const engine = await createEngine({ threads: 1 });
  const { prunedRatios, metrics: reported } = study;
  const { width: fullWidth } = study.size;
  const control = uniformSparsity(architecture, controlRatio);
  const scores = readScores(folder, seed);
  const judge = async (
    model: Score['model'],
    width: number,
    casesOf: (
      checkpoint: TaskCheckpoint,
    ) => readonly (EvaluationCase & { readonly pruned: string; readonly windows: string })[],
  ): Promise<void> => {
    const file = modelPath(folder, { kind: trainingOf[model], seed, width });
    const checkpoint = loadTask(new Uint8Array(readFileSync(file)));
    const cases = casesOf(checkpoint);
    const known = scores.filter((score) => score.model === model);
    const isKnown = cases.every(({ pruned, windows }) =>
      known.some((score) => score.width === width && score.pruned === pruned && score.windows === windows),
    );
    if (isKnown) return;
    for (const score of known) scores.splice(scores.indexOf(score), 1);
    const size = sizeAt(study, width);
    const runner = engineRunner(engine, checkpoint, { maxPlans: cases.length });
    const results = await evaluate(runner, images, {
      task: config,
      cases,
      normalization,
      size,
    });
    for (const [i, { metrics }] of results.entries()) {
      const { pruned = '', windows = '', sparsity = null, name = '' } = cases[i] ?? {};
      const costs = windows === 'ranking' ? sparsity : control;
      const macs = await macsOf(engine, checkpoint, size, costs);
      const figures = reported.map(({ key, label }) => {
        const figure = metrics[key];
        if (typeof figure !== 'number') throw new ConfigError(`claims: expected a ${label}, got ${String(figure)}.`);
        return figure;
      }) as [number, number];
      scores.push({ seed, model, width, pruned, windows, figures, gmacs: macs / 1e9 });
      console.log(
        `${study.name}: seed ${seed}, ${model} ${width}, ${name} pruned, ${windows}: ${reported[0].label} ${figures[0].toFixed(3)}`,
      );
    }
    await runner.dispose();
    writeFileSync(scoresPath(folder, seed), `${JSON.stringify(scores, null, 1)}\n`);
  };
  const ranked = Object.entries(namedSparsities(prunedRatios)).map(
    ([pruned, sparsity]) => ({ name: pruned, pruned, windows: 'ranking', sparsity }) as const,
  );
  const dense = ranked.slice(0, 1);
  // what only the models with guidance are for
  const extra = [deployedRatios, mildRatios].map(nameOf);
  const common = ranked.filter(({ pruned }) => !extra.includes(pruned));
  const controlCases = (checkpoint: TaskCheckpoint) =>
    Object.entries(controls)
      .filter(([windows]) => windows !== 'annotations' || learnsFrom(config) === 'boxes')
      .map(([windows, pick]) => ({
        name: percent(controlRatio),
        pruned: percent(controlRatio),
        windows,
        sparsity: null,
        keptOf: keptBy(engine, checkpoint, { pick, sparsity: control, seed }),
      }));
  await judge('dense', fullWidth, () => common);
  await judge('adapted', fullWidth, (checkpoint) => [...common, ...controlCases(checkpoint)]);
  await judge('fine-tuned', fullWidth, () => common);
  await judge('low resolution', lowWidth, () => dense);
  if (learnsFrom(config) === 'boxes') {
    if (!existsSync(keptObjectsPath(folder, seed))) {
      const keptObjects: KeptObjectsOfModel[] = [];
      for (const model of ['adapted', 'adapted, guided', 'guided, fine-tuned'] as const) {
        const file = modelPath(folder, { kind: trainingOf[model], seed, width: fullWidth });
        const checkpoint = loadTask(new Uint8Array(readFileSync(file)));
        for (const kept of await countKeptObjects(engine, checkpoint, images, control)) {
          keptObjects.push({ seed, model, ...kept });
        }
      }
      writeFileSync(keptObjectsPath(folder, seed), `${JSON.stringify(keptObjects, null, 1)}\n`);
    }
    await judge('adapted, guided', fullWidth, (checkpoint) => [...common, ...controlCases(checkpoint)]);
    await judge('dense, longer', fullWidth, () => common);
    await judge('guided, fine-tuned', fullWidth, (checkpoint) => [...ranked, ...controlCases(checkpoint)]);
    await judge('low resolution, longer', lowWidth, () => dense);
  }
  await engine.dispose();
}

/** Milliseconds of a model whole, head and all, by its width and sparsity. */
export interface Latency {
  readonly width: number;
  readonly pruned: string;
  readonly milliseconds: number;
}

/** Medians of fifteen rounds, in each of which every sparsity and the low resolution have their turn; one thread. */
export async function measureLatencies(
  { study, dataFolder }: Campaign,
  lowWidth: number,
  now: () => number,
): Promise<Latency[]> {
  const { classes } = await study.open('test', dataFolder);
  const weights = randomWeights(architecture, 0);
  const checkpoint = newTask(study.taskOf(classes), { architecture, family: 'mmdet', weights }, { seed: 0 });
  const engine = await createEngine({ threads: 1 });
  const task = createTask(engine.ops, checkpoint);
  const random = createRandom(0);
  const timed = [
    ...Object.entries(namedSparsities(study.prunedRatios)).map(([pruned, sparsity]) => ({
      pruned,
      sparsity,
      width: study.size.width,
    })),
    { pruned: percent(0), sparsity: null, width: lowWidth },
  ].map(({ pruned, sparsity, width }) => {
    const size = sizeAt(study, width);
    const shape = [1, size.height, size.width, 3] as const;
    const plan = engine.compile((image) => task.forward(image, { sparsity }).output, { shape });
    const pixels = Float32Array.from({ length: size.height * size.width * 3 }, () => random.normal());
    return { pruned, width, plan, pixels, samples: [] as number[] };
  });
  for (let round = 0; round < 16; round++) {
    for (const place of randomOrder(timed.length, random)) {
      const one = timed[place];
      if (one === undefined) continue;
      const begin = now();
      await one.plan.run(one.pixels);
      if (round > 0) one.samples.push(now() - begin);
    }
  }
  for (const { plan } of timed) plan.dispose();
  task.dispose();
  await engine.dispose();
  return timed.map(({ width, pruned, samples }) => ({ width, pruned, milliseconds: median(samples) }));
}
