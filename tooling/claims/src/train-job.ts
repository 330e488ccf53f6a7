/** One training of the study, in a process of its own. It is resumed where it was stopped, and skipped where it is done. */

import '@sparsevit/ops/gradients';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomWeights } from '@sparsevit/backbone';
import { compose, flipHorizontal, flipVertical, randomCrop, randomQuarterTurns } from '@sparsevit/data';
import { wasmKernels } from '@sparsevit/kernels-wasm';
import { createTensorOps, initBackend } from '@sparsevit/ops';
import { trainingData } from '@sparsevit/pipeline';
import { createTask, loadTask, newTask, readTask, saveTask } from '@sparsevit/tasks';
import { trainableTask } from '@sparsevit/tasks/losses';
import type { TrainingConfig } from '@sparsevit/trainer';
import { train, trainConfigOf } from '@sparsevit/trainer';
import { folderStore } from '@sparsevit/trainer/node';
import { uniformSparsity } from '@sparsevit/windows';
import type { Amount, Study } from './studies';
import { architecture, controlRatio, deployedSparsity, normalization, resized, sizeAt } from './studies';

/** A study, as much of it as is done, and where. */
export interface Campaign {
  readonly study: Study;
  readonly amount: Amount;
  /** Images judged at most. */
  readonly limit: number | undefined;
  readonly dataFolder: string | undefined;
  readonly folder: string;
}

/**
 * What is trained: `dense`, then on dense (`continue`), or at random sparsities (`adapt`; `adapt-guided`: with guidance) and then at one (`finetune`);
 * at a low resolution (`low`). Then as published, where the sparse model gets its training on top of the dense one's: from `continue` on at random
 * sparsities (`guided`) and then at one (`guided-finetune`), both with guidance; and what is compared with it, trained on as long (`longer`, `low-longer`).
 */
export interface TrainJob {
  readonly kind:
    | 'dense'
    | 'continue'
    | 'adapt'
    | 'adapt-guided'
    | 'finetune'
    | 'low'
    | 'guided'
    | 'guided-finetune'
    | 'longer'
    | 'low-longer';
  readonly seed: number;
  /** Width of the images in pixels: the study's own, or less for `low`. */
  readonly width: number;
}

/** The model that a job goes on from. */
const before: Readonly<Partial<Record<TrainJob['kind'], TrainJob['kind']>>> = {
  continue: 'dense',
  adapt: 'dense',
  'adapt-guided': 'dense',
  finetune: 'adapt',
  guided: 'continue',
  'guided-finetune': 'guided',
  longer: 'continue',
  'low-longer': 'low',
};

/** Where its model lies. */
export const modelPath = (folder: string, { kind, seed, width }: TrainJob): string =>
  join(folder, `${kind}-${width}-seed${seed}.safetensors`);

/** Trains, and writes the model. */
export async function runTrainJob(job: TrainJob, { study, amount, dataFolder, folder }: Campaign): Promise<void> {
  const model = modelPath(folder, job);
  if (existsSync(model)) return;
  const { kind, seed, width } = job;
  await initBackend({
    prefer: 'wasm',
    packs: [wasmKernels],
    load: { wasm: () => import('@tensorflow/tfjs-backend-wasm') },
  });
  const images = resized(await study.open('train', dataFolder), sizeAt(study, width));
  const config = study.taskOf(images.classes);
  const start = before[kind];
  const checkpoint =
    start !== undefined
      ? loadTask(new Uint8Array(readFileSync(modelPath(folder, { ...job, kind: start }))))
      : newTask(config, { architecture, family: 'mmdet', weights: randomWeights(architecture, seed) }, { seed });
  const ops = createTensorOps({ trainable: true });
  const task = createTask(ops, checkpoint);
  // the same share of the image in a crop at every resolution
  const isPublished = kind === 'guided' || kind === 'guided-finetune';
  const isGuided = isPublished || kind === 'adapt-guided';
  const { crop: fullCrop, batch } = isPublished ? study.guided : study;
  const crop = Math.round((fullCrop * width) / study.size.width);
  const transform = compose([
    randomCrop({ height: crop, width: crop, aroundBox: study.aroundBox }),
    flipHorizontal(),
    ...(study.hasNoUp ? [flipVertical(), randomQuarterTurns()] : []),
  ]);
  const data = trainingData(images, {
    task: config,
    batch,
    seed: seed + 100,
    transform,
    normalization,
  });
  const run = configOf(job, amount);
  mkdirSync(folder, { recursive: true });
  const journal: string[] = [];
  await train(
    trainableTask(task, {
      upsample: ops.upsample,
      ...(isGuided ? { guidance: { weight: 1 } } : {}),
    }),
    data,
    trainConfigOf(run, architecture, JSON.stringify(isGuided ? { ...job, crop, batch } : job)),
    {
      store: folderStore(`${model}.run`),
      onEvent: (event) => {
        if (event.type !== 'step-end') return;
        journal.push(JSON.stringify({ step: event.step, loss: event.loss }));
        if (event.step % 100 === 0)
          console.log(
            `${study.name}: ${kind} ${width} seed ${seed}: step ${event.step}, loss ${event.loss.toFixed(3)}`,
          );
      },
    },
  );
  writeFileSync(`${model}.journal.jsonl`, `${journal.join('\n')}\n`);
  const unfinished = `${model}.unfinished`;
  writeFileSync(unfinished, saveTask(await readTask(task, checkpoint)));
  renameSync(unfinished, model);
}

function configOf({ kind, seed }: TrainJob, { steps }: Amount): TrainingConfig {
  const optimizer = { learningRate: 1e-3, clipNorm: 1, weightDecay: 0.05 };
  const schedule = { kind: 'cosine', warmUpSteps: 50 } as const;
  const common = { seed, schedule, saveEvery: 100, keepLast: 1 };
  switch (kind) {
    case 'dense':
      return { ...common, mode: 'dense', steps: steps.dense, optimizer };
    case 'low':
      // as many steps as the sparse model has had in all, so that more training is no reason for it to be better
      return { ...common, mode: 'dense', steps: steps.dense + steps.adapt, optimizer };
    case 'continue':
      // what adaptation is compared with has been trained as long, at the same rates
      return { ...common, mode: 'dense', steps: steps.adapt, optimizer: { ...optimizer, learningRate: 5e-4 } };
    case 'adapt':
    case 'adapt-guided':
      return { ...common, mode: 'adapt', steps: steps.adapt, optimizer: { ...optimizer, learningRate: 5e-4 } };
    case 'longer':
    case 'low-longer':
      return {
        ...common,
        mode: 'dense',
        steps: steps.guided + steps.guidedFinetune,
        optimizer: { ...optimizer, learningRate: 5e-4 },
      };
    case 'guided':
      return { ...common, mode: 'adapt', steps: steps.guided, optimizer: { ...optimizer, learningRate: 5e-4 } };
    case 'guided-finetune':
      return {
        ...common,
        mode: 'finetune',
        steps: steps.guidedFinetune,
        sparsity: deployedSparsity,
        optimizer: { ...optimizer, learningRate: 5e-4 },
      };
    default:
      return {
        ...common,
        mode: 'finetune',
        steps: steps.finetune,
        sparsity: uniformSparsity(architecture, controlRatio),
        optimizer: { ...optimizer, learningRate: 2e-4 },
      };
  }
}
