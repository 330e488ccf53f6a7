/** Scores and costs of the models of one seed. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from '@sparsevit/engine';
import { createEngine } from '@sparsevit/engine';
import type { EvaluationCase } from '@sparsevit/pipeline';
import { engineRunner, evaluate } from '@sparsevit/pipeline';
import type { TaskCheckpoint } from '@sparsevit/tasks';
import { createTask, loadTask } from '@sparsevit/tasks';
import type { Sparsity } from '@sparsevit/windows';
import { uniformSparsity } from '@sparsevit/windows';
import { controls, keptBy } from './controls';
import type { Protocol } from './protocol';
import { architecture, controlRatio, normalization, scenesOf, taskOf } from './protocol';
import type { TrainJob } from './train-job';
import { modelPath } from './train-job';

/** One row: a model, at a sparsity, on windows that something chose. */
export interface Score {
  readonly seed: number;
  readonly model: 'dense' | 'adapted' | 'fine-tuned' | 'low resolution';
  readonly side: number;
  readonly prunedRatio: number;
  /** `ranking`, or a control. */
  readonly windows: string;
  readonly ap: number;
  readonly ap50: number;
  readonly gmacs: number;
}

/** Multiply-accumulates of a whole model, heads and all, in one image. */
export async function macsOf(
  engine: Engine,
  checkpoint: TaskCheckpoint,
  side: number,
  sparsity: Sparsity | null,
): Promise<number> {
  const task = createTask(engine.ops, checkpoint);
  const plan = engine.compile((image) => task.forward(image, { sparsity }).output, { shape: [1, side, side, 3] });
  const { macs } = plan.toJSON();
  plan.dispose();
  task.dispose();
  return macs;
}

/** Evaluates every model of a seed on the test scenes, and writes the scores. */
export async function runEvaluateJob(seed: number, lowSide: number, protocol: Protocol, folder: string): Promise<void> {
  const scenes = scenesOf(protocol, 'test');
  const config = taskOf(scenes.classes);
  const engine = await createEngine({ threads: 1 });
  const { side, prunedRatios } = protocol;
  const sparsityOf = (ratio: number): Sparsity | null => (ratio === 0 ? null : uniformSparsity(architecture, ratio));
  const scores: Score[] = [];
  const judge = async (
    model: Score['model'],
    checkpoint: TaskCheckpoint,
    modelSide: number,
    cases: readonly (EvaluationCase & { readonly prunedRatio: number; readonly windows: string })[],
  ): Promise<void> => {
    const runner = engineRunner(engine, checkpoint, { maxPlans: cases.length });
    const results = await evaluate(runner, scenes, {
      task: config,
      cases,
      normalization,
      size: { height: modelSide, width: modelSide },
    });
    for (const [i, { metrics }] of results.entries()) {
      const { prunedRatio = 0, windows = '' } = cases[i] ?? {};
      const macs = await macsOf(engine, checkpoint, modelSide, sparsityOf(prunedRatio));
      const { AP: ap, AP50: ap50 } = metrics as Record<string, number>;
      scores.push({
        seed,
        model,
        side: modelSide,
        prunedRatio,
        windows,
        ap: ap ?? 0,
        ap50: ap50 ?? 0,
        gmacs: macs / 1e9,
      });
      console.log(
        `seed ${seed}, ${model} ${modelSide}, ${prunedRatio * 100} % pruned, ${windows}: AP ${ap?.toFixed(3)}`,
      );
    }
    await runner.dispose();
  };
  const load = (kind: TrainJob['kind'], modelSide: number): TaskCheckpoint =>
    loadTask(new Uint8Array(readFileSync(modelPath(folder, { kind, seed, side: modelSide }))));
  const uniform = [0, ...prunedRatios].map((prunedRatio) => ({
    name: `${prunedRatio}`,
    prunedRatio,
    windows: 'ranking',
    sparsity: sparsityOf(prunedRatio),
  }));
  const control = uniformSparsity(architecture, controlRatio);
  const controlCases = (checkpoint: TaskCheckpoint) =>
    Object.entries(controls).map(([windows, pick]) => ({
      name: windows,
      prunedRatio: controlRatio,
      windows,
      sparsity: null,
      keptOf: keptBy(engine, checkpoint, { pick, sparsity: control, seed }),
    }));
  const [dense, adapted] = [load('continue', side), load('adapt', side)];
  await judge('dense', dense, side, uniform);
  await judge('adapted', adapted, side, [...uniform, ...controlCases(adapted)]);
  await judge('fine-tuned', load('finetune', side), side, uniform);
  await judge('low resolution', load('low', lowSide), lowSide, uniform.slice(0, 1));
  await engine.dispose();
  writeFileSync(join(folder, `scores-seed${seed}.json`), `${JSON.stringify(scores, null, 1)}\n`);
}
