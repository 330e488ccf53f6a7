/** A training run carried out: TensorFlow.js trains on the backend that is active, and the weights come back to be saved. */

import type { BrokenItem } from '@sparsevit/data';
import { createTensorOps } from '@sparsevit/ops';
import type { TaskCheckpoint } from '@sparsevit/tasks';
import { createTask, readTask } from '@sparsevit/tasks';
import { trainableTask } from '@sparsevit/tasks/losses';
import type { TrainingEvent, TrainResult } from '@sparsevit/trainer';
import { train, trainConfigOf } from '@sparsevit/trainer';
import { folderStore } from '@sparsevit/trainer/node';
import { dispose } from '@tensorflow/tfjs-core';
import { trainingData } from '../batches';
import type { EvaluationEvent, EvaluationResult } from '../evaluate';
import { evaluate } from '../evaluate';
import { tensorRunner } from '../tensor-runner';
import { trainingTransform } from '../training-transform';
import type { TaskTraining } from './task-training';

/** What came of a training run. */
export interface TaskTrainingOutcome {
  readonly step: number;
  /** The step that it went on from; null for one that began. */
  readonly resumedAt: number | null;
  /** Loss of the last step; null when none was left to do. */
  readonly loss: number | null;
  readonly best: TrainResult['best'];
  readonly scores: readonly EvaluationResult[];
  /** The weights: the running mean where there is one. */
  readonly checkpoint: TaskCheckpoint;
}

/** What a training run tells: the loop's events, and those of its evaluations. */
export type TaskTrainingEvent = TrainingEvent | EvaluationEvent | BrokenItem;

/** What a training run needs from outside. */
export interface TaskTrainingSurroundings {
  /** Milliseconds. */
  readonly now: () => number;
  readonly signal: AbortSignal;
  readonly onEvent: (event: TaskTrainingEvent) => void;
}

/**
 * Trains a task from where its checkpoints end, evaluates it, and reads its weights. The backend and its gradients are the caller's to start.
 *
 * @throws as `train` and `evaluate` do; the signal's reason, after saving
 * @example
 * await initBackend({ prefer: 'wasm', packs: [wasmKernels] });
 * await import('@sparsevit/ops/gradients');
 * const { checkpoint, scores } = await trainTask(await prepareTraining(run, options), { now, signal, onEvent });
 */
export async function trainTask(
  plan: TaskTraining,
  { now, signal, onEvent }: TaskTrainingSurroundings,
): Promise<TaskTrainingOutcome> {
  const { run, training, starting, cases } = plan;
  const { input, batch, distillation, guidance } = run;
  const { checkpoint } = starting;
  const { architecture } = checkpoint.backbone;
  const { normalization } = input;
  const ops = createTensorOps({ trainable: true });
  const task = createTask(ops, checkpoint);
  const teacher = distillation === undefined ? null : createTask(createTensorOps(), checkpoint);
  const model = trainableTask(task, {
    upsample: ops.upsample,
    ...(teacher === null || distillation === undefined
      ? {}
      : { teacher: { task: teacher, weight: distillation.weight } }),
    ...(guidance === undefined ? {} : { guidance }),
  });
  const runner = tensorRunner(task);
  let resumedAt: number | null = null;
  let loss: number | null = null;
  let judged: { step: number; scores: EvaluationResult[] } | null = null;
  const judge = async (step: number): Promise<EvaluationResult[]> => {
    const scores = await evaluate(runner, plan.validation, {
      task: checkpoint.config,
      cases,
      size: { height: input.height, width: input.width },
      keepRatio: input.keepRatio,
      normalization,
      ...(run.evaluation?.limit === undefined ? {} : { limit: run.evaluation.limit }),
      onBroken: (run.data.validation ?? run.data.train).onBroken,
      onEvent,
      signal,
    });
    judged = { step, scores };
    return scores;
  };
  try {
    const data = trainingData(plan.train, {
      task: checkpoint.config,
      batch,
      seed: training.seed,
      transform: trainingTransform(input),
      normalization,
      onBroken: run.data.train.onBroken,
      onEvent,
    });
    const result = await train(model, data, trainConfigOf(training, architecture, plan.identity), {
      store: folderStore(plan.files.checkpoints),
      signal,
      now,
      onEvent: (event: TrainingEvent) => {
        if (event.type === 'training-resumed') resumedAt = event.step;
        if (event.type === 'step-end') loss = event.loss;
        onEvent(event);
      },
      evaluate: async (step) => {
        const scores = await judge(step);
        return { score: scoreOf(plan, scores), metrics: { cases: scores } };
      },
    });
    if (result.average !== null) {
      for (const [key, mean] of result.average) model.parameters.get(key)?.assign(mean);
      dispose([...result.average.values()]);
    }
    const known = judged as { step: number; scores: EvaluationResult[] } | null;
    const scores = known?.step === result.step ? known.scores : await judge(result.step);
    const trained = await readTask(task, {
      ...checkpoint,
      backbone: { ...checkpoint.backbone, sparsity: plan.sparsity },
      input: { size: { height: input.height, width: input.width }, keepRatio: input.keepRatio, normalization },
    });
    return { step: result.step, resumedAt, loss, best: result.best, scores, checkpoint: trained };
  } finally {
    await runner.dispose();
    teacher?.dispose();
    task.dispose();
  }
}

/** Which checkpoint is the best: by the scores at what the run trains for. */
function scoreOf({ training }: TaskTraining, scores: readonly EvaluationResult[]): number {
  if (training.mode === 'dense') return scores[0]?.score ?? Number.NaN;
  if (training.mode === 'finetune') return scores.at(-1)?.score ?? Number.NaN;
  return scores.reduce((sum, { score }) => sum + score, 0) / scores.length;
}
