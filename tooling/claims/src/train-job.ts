/** One training of the study, in a process of its own. It is resumed where it was stopped, and skipped where it is done. */

import '@sparsevit/ops/gradients';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomWeights } from '@sparsevit/backbone';
import type { Dataset } from '@sparsevit/data';
import { compose, flipHorizontal, flipVertical, randomCrop, randomQuarterTurns, resizeSample } from '@sparsevit/data';
import { wasmKernels } from '@sparsevit/kernels-wasm';
import { createTensorOps, initBackend } from '@sparsevit/ops';
import { trainingData } from '@sparsevit/pipeline';
import { createTask, loadTask, newTask, readTask, saveTask } from '@sparsevit/tasks';
import { trainableTask } from '@sparsevit/tasks/losses';
import type { TrainingConfig } from '@sparsevit/trainer';
import { train, trainConfigOf } from '@sparsevit/trainer';
import { folderStore } from '@sparsevit/trainer/node';
import { uniformSparsity } from '@sparsevit/windows';
import type { Protocol } from './protocol';
import { architecture, controlRatio, normalization, scenesOf, taskOf } from './protocol';

/** What is trained. */
export interface TrainJob {
  readonly kind: 'dense' | 'continue' | 'adapt' | 'finetune' | 'low';
  readonly seed: number;
  /** Side of the images in pixels: the scenes' own, or less for `low`. */
  readonly side: number;
}

/** Where its model lies. */
export const modelPath = (folder: string, { kind, seed, side }: TrainJob): string =>
  join(folder, `${kind}-${side}-seed${seed}.safetensors`);

/** Trains, and writes the model. */
export async function runTrainJob(job: TrainJob, protocol: Protocol, folder: string): Promise<void> {
  const model = modelPath(folder, job);
  if (existsSync(model)) return;
  const { kind, seed, side } = job;
  await initBackend({
    prefer: 'wasm',
    packs: [wasmKernels],
    load: { wasm: () => import('@tensorflow/tfjs-backend-wasm') },
  });
  const scenes = resized(scenesOf(protocol, 'train'), side);
  const config = taskOf(scenes.classes);
  const before = { continue: 'dense', adapt: 'dense', finetune: 'adapt' } as const;
  const checkpoint =
    kind === 'continue' || kind === 'adapt' || kind === 'finetune'
      ? loadTask(new Uint8Array(readFileSync(modelPath(folder, { ...job, kind: before[kind] }))))
      : newTask(config, { architecture, family: 'mmdet', weights: randomWeights(architecture, seed) }, { seed });
  const ops = createTensorOps({ trainable: true });
  const task = createTask(ops, checkpoint);
  // the same share of the scene in a crop at every resolution
  const crop = Math.round((protocol.crop * side) / protocol.side);
  const transform = compose([
    randomCrop({ height: crop, width: crop, aroundBox: 0.7 }),
    flipHorizontal(),
    flipVertical(),
    randomQuarterTurns(),
  ]);
  const data = trainingData(scenes, {
    task: config,
    batch: protocol.batch,
    seed: seed + 100,
    transform,
    normalization,
  });
  const run = configOf(job, protocol);
  mkdirSync(folder, { recursive: true });
  const journal: string[] = [];
  await train(
    trainableTask(task, { upsample: ops.upsample }),
    data,
    trainConfigOf(run, architecture, JSON.stringify(job)),
    {
      store: folderStore(`${model}.run`),
      onEvent: (event) => {
        if (event.type !== 'step-end') return;
        journal.push(JSON.stringify({ step: event.step, loss: event.loss }));
        if (event.step % 100 === 0)
          console.log(`${kind} ${side} seed ${seed}: step ${event.step}, loss ${event.loss.toFixed(3)}`);
      },
    },
  );
  writeFileSync(`${model}.journal.jsonl`, `${journal.join('\n')}\n`);
  const unfinished = `${model}.unfinished`;
  writeFileSync(unfinished, saveTask(await readTask(task, checkpoint)));
  renameSync(unfinished, model);
}

function configOf({ kind, seed }: TrainJob, { steps }: Protocol): TrainingConfig {
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
      return { ...common, mode: 'adapt', steps: steps.adapt, optimizer: { ...optimizer, learningRate: 5e-4 } };
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

/** The scenes at another size, boxes with them. */
function resized(scenes: Dataset, side: number): Dataset {
  return {
    ...scenes,
    read: async (index, signal) => {
      const sample = await scenes.read(index, signal);
      return sample.image.height === side ? sample : resizeSample(sample, { height: side, width: side });
    },
  };
}
