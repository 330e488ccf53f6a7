/** The stages that train: dense, adaptation, fine-tuning. */

import type { PipelineRun, StageTraining, TrainingRun } from '@sparsevit/config';
import { saveTask } from '@sparsevit/tasks';
import type { PrunedRatios, SparsityRules } from '@sparsevit/windows';
import { writeOutputFile } from '../files';
import { createJournal } from '../journal';
import { prepareTraining } from '../task-training';
import { trainTask } from '../train-task';
import type { StageContext } from './context';

const modes = { train: 'dense', adapt: 'adapt', finetune: 'finetune' } as const;

/** What a training stage begins with. */
export interface TrainStageOptions {
  readonly stage: 'train' | 'adapt' | 'finetune';
  readonly training: StageTraining;
  /** A task; null for the document's model. */
  readonly weights: string | null;
  /** Of `finetune`. */
  readonly sparsity: (SparsityRules & { readonly prunedRatios: PrunedRatios }) | null;
}

/** The document of one stage's training. */
function trainingRunOf(run: PipelineRun, { stage, training, weights }: TrainStageOptions, output: string): TrainingRun {
  const { task, model, data, input, batch, guidance, evaluation } = run;
  const { test: _, ...own } = data;
  return {
    version: 1,
    task,
    model: weights === null ? model : { weights, seed: model.seed },
    data: own,
    input,
    batch,
    training: { ...training, mode: modes[stage] },
    ...(guidance === undefined ? {} : { guidance }),
    ...(evaluation === undefined ? {} : { evaluation }),
    output,
  };
}

/**
 * Trains a stage, from where it was stopped.
 *
 * @returns the files that it wrote, in the run's folder
 * @throws as `prepareTraining` and `trainTask`; the signal's reason, after saving
 */
export async function trainStage(context: StageContext, options: TrainStageOptions): Promise<readonly string[]> {
  const { run, written, folder, now, signal, tell } = context;
  const { stage, sparsity } = options;
  const output = folder.at(stage);
  const document = trainingRunOf(run, options, output);
  const plan = await prepareTraining(document, {
    writtenTrain: written.data.train,
    ...(sparsity === null ? {} : { sparsity }),
    reads: [],
    what: 'output',
  });
  await context.startTraining();
  const journal = createJournal(plan.files.journal);
  for (const event of plan.broken) {
    journal(event);
    tell(event);
  }
  const outcome = await trainTask(plan, {
    now,
    signal,
    onEvent(event) {
      if (event.type !== 'image-evaluated') journal(event);
      tell(event);
    },
  });
  await writeOutputFile(plan.files.model, saveTask(outcome.checkpoint), 'output');
  const scores = outcome.scores.map(({ name, score, metrics, images }) => ({ name, score, metrics, images }));
  await folder.writeJson(`${stage}/scores.json`, { step: outcome.step, best: outcome.best, scores });
  return [`${stage}/model.safetensors`, `${stage}/scores.json`];
}
