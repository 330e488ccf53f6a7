/** Scores and costs of the models of one seed. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageSize } from '@sparsevit/data';
import type { Engine } from '@sparsevit/engine';
import { createEngine } from '@sparsevit/engine';
import type { EvaluationCase } from '@sparsevit/pipeline';
import { engineRunner, evaluate } from '@sparsevit/pipeline';
import type { TaskCheckpoint } from '@sparsevit/tasks';
import { createTask, learnsFrom, loadTask } from '@sparsevit/tasks';
import type { Sparsity } from '@sparsevit/windows';
import { ConfigError, sparsityModes, uniformSparsity } from '@sparsevit/windows';
import { controls, keptBy } from './controls';
import { architecture, controlRatio, firstOf, normalization, sizeAt, unevenRatios } from './studies';
import type { Campaign, TrainJob } from './train-job';
import { modelPath } from './train-job';

/** One row: a model, at a sparsity, on windows that something chose. */
export interface Score {
  readonly seed: number;
  readonly model: 'dense' | 'adapted' | 'fine-tuned' | 'low resolution';
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

/** Evaluates every model of a seed on what it was not trained on, and writes the scores. */
export async function runEvaluateJob(seed: number, lowWidth: number, campaign: Campaign): Promise<void> {
  const { study, limit, dataFolder, folder } = campaign;
  const all = await study.open('test', dataFolder);
  const images = firstOf(all, limit ?? all.length);
  const config = study.taskOf(images.classes);
  const engine = await createEngine({ threads: 1 });
  const { prunedRatios, metrics: reported } = study;
  const { width: fullWidth } = study.size;
  const control = uniformSparsity(architecture, controlRatio);
  const scores: Score[] = [];
  const judge = async (
    model: Score['model'],
    checkpoint: TaskCheckpoint,
    width: number,
    cases: readonly (EvaluationCase & { readonly pruned: string; readonly windows: string })[],
  ): Promise<void> => {
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
  };
  const load = (kind: TrainJob['kind'], width: number): TaskCheckpoint =>
    loadTask(new Uint8Array(readFileSync(modelPath(folder, { kind, seed, width }))));
  const ranked = (pruned: string, sparsity: Sparsity | null) =>
    ({ name: pruned, pruned, windows: 'ranking', sparsity }) as const;
  const dense = ranked(percent(0), null);
  const sparse = [
    ...prunedRatios.map((ratio) => ranked(percent(ratio), uniformSparsity(architecture, ratio))),
    ranked(unevenRatios.join('\\|'), {
      ...sparsityModes.clean,
      prunedRatios: unevenRatios.map((ratio) => [ratio]),
    }),
  ];
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
  const adapted = load('adapt', fullWidth);
  await judge('dense', load('continue', fullWidth), fullWidth, [dense, ...sparse]);
  await judge('adapted', adapted, fullWidth, [dense, ...sparse, ...controlCases(adapted)]);
  await judge('fine-tuned', load('finetune', fullWidth), fullWidth, [dense, ...sparse]);
  await judge('low resolution', load('low', lowWidth), lowWidth, [dense]);
  await engine.dispose();
  writeFileSync(join(folder, `scores-seed${seed}.json`), `${JSON.stringify(scores, null, 1)}\n`);
}
