/** A plan carried out: TensorFlow.js trains, every event goes into the journal, and the weights come back to be saved. */

import { createTensorOps } from '@sparsevit/ops';
import type { EvaluationEvent, EvaluationResult } from '@sparsevit/pipeline';
import { evaluate, tensorRunner, trainingData } from '@sparsevit/pipeline';
import type { TaskCheckpoint } from '@sparsevit/tasks';
import { createTask, readTask } from '@sparsevit/tasks';
import { trainableTask } from '@sparsevit/tasks/losses';
import type { TrainingEvent, TrainResult } from '@sparsevit/trainer';
import { train, trainConfigOf } from '@sparsevit/trainer';
import { folderStore } from '@sparsevit/trainer/node';
import type { CliIo } from '../io';
import type { Progress } from '../progress';
import { dispose } from '../tensor';
import { trainingTransform } from './augment';
import type { TrainPlan } from './plan';
import { renderStep } from './train-progress';

/** What came of a run. */
export interface TrainOutcome {
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

/** What it needs from outside. */
export interface TrainContext {
  readonly io: Pick<CliIo, 'now'>;
  readonly progress: Progress;
  readonly journal: (event: { readonly type: string }) => void;
  readonly signal: AbortSignal;
  /** Told of each step, so that an interruption can say how far it came. */
  readonly onStep: (step: number) => void;
}

/**
 * Trains, evaluates, reads the weights.
 *
 * @throws as `train` and `evaluate` do; the signal's reason, after saving
 */
export async function trainTask(plan: TrainPlan, context: TrainContext): Promise<TrainOutcome> {
  const { run, training, starting, cases } = plan;
  const { io, progress, journal, signal, onStep } = context;
  const { input, batch, distillation } = run;
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
      onEvent: (event: EvaluationEvent) => {
        if (event.type === 'item-broken') journal(event);
        else progress.step(`evaluating: image ${event.index + 1} of ${event.count}`);
      },
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
      onEvent: journal,
    });
    const result = await train(model, data, trainConfigOf(training, architecture, plan.identity), {
      store: folderStore(plan.files.checkpoints),
      signal,
      now: io.now,
      onEvent: (event: TrainingEvent) => {
        journal(event);
        if (event.type === 'training-resumed') {
          resumedAt = event.step;
          onStep(event.step);
        }
        if (event.type !== 'step-end') return;
        loss = event.loss;
        onStep(event.step);
        progress.step(renderStep(event, training.steps));
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
    progress.step('reading the weights');
    const trained = await readTask(task, {
      ...checkpoint,
      backbone: { ...checkpoint.backbone, sparsity: plan.sparsity },
    });
    return { step: result.step, resumedAt, loss, best: result.best, scores, checkpoint: trained };
  } finally {
    await runner.dispose();
    teacher?.dispose();
    task.dispose();
  }
}

/** Which checkpoint is the best: by the scores at what the run trains for. */
function scoreOf({ training }: TrainPlan, scores: readonly EvaluationResult[]): number {
  if (training.mode === 'dense') return scores[0]?.score ?? Number.NaN;
  if (training.mode === 'finetune') return scores.at(-1)?.score ?? Number.NaN;
  return scores.reduce((sum, { score }) => sum + score, 0) / scores.length;
}
