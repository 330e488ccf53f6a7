/** `sparsevit train`, `adapt` and `finetune`: one command, whose name says which sparsities are trained. */

import { notationOf } from '@sparsevit/config/presets';
import { writeOutputFile } from '@sparsevit/pipeline/files';
import type { TaskTraining, TaskTrainingEvent, TaskTrainingOutcome } from '@sparsevit/pipeline/node';
import { createJournal, trainTask } from '@sparsevit/pipeline/node';
import { saveTask } from '@sparsevit/tasks';
import type { TrainingConfig } from '@sparsevit/trainer';
import type { TensorBackend } from '../backend';
import { explainOutOfMemory, startBackend } from '../backend';
import type { Command, CommandText, OptionSpec } from '../command';
import { defineCommand } from '../command';
import { inputError, interruption, quote } from '../errors';
import type { CliIo } from '../io';
import { createProgress } from '../progress';
import { renderFacts } from '../table';
import { renderScores, scoresJson, sparsityJson } from '../task/scores';
import type { TrainOptions } from '../train/plan';
import { planTraining } from '../train/plan';
import { renderStep } from '../train/train-progress';
import { parseChoice } from '../values';

type Mode = TrainingConfig['mode'];

const backends: readonly TensorBackend[] = ['wasm', 'webgpu', 'cpu'];

const options = {
  config: {
    value: 'FILE',
    description: 'The run: .json, or .js or .mjs with it as default export. Its paths are relative to it.',
  },
  steps: { value: 'N', description: 'Steps in all, instead of training.steps.' },
  output: { value: 'FOLDER', description: "What is written to, instead of the run's output." },
  weights: { value: 'FILE', description: 'What to begin with, instead of model.weights.' },
  backend: {
    value: 'NAME',
    description: `${backends.join(', ')} of TensorFlow.js; default wasm, with the fused kernels.`,
  },
  json: { description: 'Print one JSON document.' },
} satisfies Record<string, OptionSpec>;

const sparsityOption = {
  sparsity: {
    value: 'RATIOS',
    description:
      "What to train at: '.6', or '.3|0|.1,.2,.2|0' for every pair of blocks. Default: training.sparsity, else the one saved with the weights.",
  },
} satisfies Record<string, OptionSpec>;

const notes = [
  'In the output folder: model.safetensors, the trained weights; checkpoints, to go on from; journal.jsonl, a line for each event.',
  'The same command goes on where a run was stopped. Ctrl-C saves first; a second Ctrl-C does not.',
  'At the end the model is evaluated dense, at 50 % everywhere, and at the mean of what adapt draws.',
];

const texts: Readonly<Record<Mode, Pick<CommandText, 'name' | 'summary' | 'examples'>>> = {
  dense: {
    name: 'train',
    summary: 'Train a task, dense.',
    examples: ['train --config run.json', 'train --config run.json --weights swin_tiny.pth --output runs/dense'],
  },
  adapt: {
    name: 'adapt',
    summary: 'Adapt a task to sparsity: another one at every step.',
    examples: ['adapt --config run.json --weights runs/dense/model.safetensors --output runs/adapted'],
  },
  finetune: {
    name: 'finetune',
    summary: 'Train a task at one sparsity.',
    examples: [
      "finetune --config run.json --weights runs/adapted/model.safetensors --sparsity '.3|0|.1,.2,.2|0' --output runs/tuned",
    ],
  },
};

/** Dense training. */
export const trainCommand: Command = defineTraining('dense');
/** Another sparsity at every step. */
export const adaptCommand: Command = defineTraining('adapt');
/** Always the same sparsity. */
export const finetuneCommand: Command = defineTraining('finetune');

function defineTraining(mode: Mode): Command {
  const text = { ...texts[mode], usage: [`${texts[mode].name} --config FILE [options]`], notes };
  if (mode === 'finetune') {
    return defineCommand({
      ...text,
      options: { ...options, ...sparsityOption },
      execute: (args, io) => executeTraining(mode, args, io),
    });
  }
  return defineCommand({ ...text, options, execute: (args, io) => executeTraining(mode, args, io) });
}

type Typed = TrainOptions & { readonly backend?: string; readonly json?: true };

async function executeTraining(
  mode: Mode,
  { options: typed, inputs }: { options: Typed; inputs: readonly string[] },
  io: CliIo,
): Promise<void> {
  const { name } = texts[mode];
  if (inputs.length > 0) throw inputError(`${name}: expected options only, got ${quote(inputs[0] ?? '')}.`);
  const choice = parseChoice(typed.backend ?? 'wasm', '--backend', backends);
  const progress = createProgress(io);
  const stop = new AbortController();
  let step = 0;
  const stopListening = io.onInterrupt(() => stop.abort(interruption(`${name}: stopped.`)));
  try {
    progress.step('opening data and model');
    const plan = await planTraining(mode, typed);
    progress.step(`starting ${choice}`);
    const backend = await startBackend(choice);
    await import('@sparsevit/ops/gradients'); // Node's TensorFlow.js has none of its own
    const journal = createJournal(plan.files.journal, '--output');
    for (const event of plan.broken) journal(event);
    progress.clear();
    if (!typed.json) io.stdout(renderPlan(plan, `${backend.backend}, ${backend.detail}`));
    const onEvent = (event: TaskTrainingEvent): void => {
      if (event.type === 'image-evaluated') {
        progress.step(`evaluating: image ${event.index + 1} of ${event.count}`);
        return;
      }
      journal(event);
      if (event.type === 'training-resumed') step = event.step;
      if (event.type !== 'step-end') return;
      step = event.step;
      progress.step(renderStep(event, plan.training.steps));
    };
    const outcome = await trainTask(plan, { now: io.now, onEvent, signal: stop.signal }).catch((error: unknown) => {
      if (!stop.signal.aborted || error !== stop.signal.reason) throw explainOutOfMemory(error);
      const kept = step === 0 ? '' : ` and saved to ${quote(plan.files.checkpoints)}`;
      throw interruption(
        `${name}: stopped after step ${step} of ${plan.training.steps}${kept}. The same command goes on from there.`,
      );
    });
    progress.step('writing the model');
    await writeOutputFile(plan.files.model, saveTask(outcome.checkpoint), '--output');
    progress.clear();
    io.stdout(typed.json ? renderJson(name, plan, outcome) : renderOutcome(plan, outcome));
  } finally {
    stopListening();
    progress.clear();
  }
}

function renderPlan({ run, starting, train, training, sparsity, broken }: TaskTraining, backend: string): string {
  const { config } = starting.checkpoint;
  const at = sparsity === null ? '' : ` at ${notationOf(sparsity)}`;
  const unseen = classesWithoutExamples(broken);
  const leftOut = broken.length - unseen.length;
  return renderFacts([
    ['task', `${config.kind}, ${config.classes.length} classes`],
    ['model', starting.origin],
    ['data', `${train.length} images${leftOut > 0 ? `, ${leftOut} records left out (see the journal)` : ''}`],
    ...(unseen.length === 0 ? [] : [['no examples', `${unseen.map(quote).join(', ')}: cannot be learnt`] as const]),
    ['training', `${training.mode}${at}, ${training.steps} steps of ${run.batch} images`],
    ['backend', backend],
  ]);
}

function classesWithoutExamples(broken: TaskTraining['broken']): string[] {
  return broken.filter(({ kind }) => kind === 'class').map(({ id }) => id);
}

function renderOutcome(plan: TaskTraining, { scores, resumedAt, loss, best }: TaskTrainingOutcome): string {
  const facts: [string, string][] = [
    ...(resumedAt === null ? [] : [['resumed', `after step ${resumedAt}`] as [string, string]]),
    ...(loss === null ? [] : [['last loss', loss.toPrecision(4)] as [string, string]]),
    ...(best === null ? [] : [['best', `${best.value.toFixed(4)} after step ${best.step}`] as [string, string]]),
    ['written', plan.files.model],
  ];
  return `\n${renderScores(plan.starting.checkpoint.config.kind, scores)}\n${renderFacts(facts)}`;
}

function renderJson(command: string, plan: TaskTraining, outcome: TaskTrainingOutcome): string {
  const { starting, training, files, cases, sparsity, broken } = plan;
  const { step, resumedAt, loss, best, scores } = outcome;
  const unseen = classesWithoutExamples(broken);
  const document = {
    version: 1,
    command,
    task: starting.checkpoint.config,
    model: starting.origin,
    steps: training.steps,
    step,
    resumedAt,
    loss,
    best,
    sparsity: sparsityJson(sparsity),
    brokenRecords: broken.length - unseen.length,
    classesWithoutExamples: unseen,
    scores: scoresJson(cases, scores),
    files,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}
