/** `sparsevit evaluate`: how good a trained task is, dense and sparse, in the engine. */

import { createEngine } from '@sparsevit/engine';
import { engineRunner, evaluate } from '@sparsevit/pipeline';
import type { Command } from '../command';
import { defineCommand } from '../command';
import { inputError, interruption, quote } from '../errors';
import { createProgress } from '../progress';
import { renderFacts } from '../table';
import { planEvaluation } from '../task/evaluation-plan';
import { renderScores, scoresJson } from '../task/scores';

/** The command. */
export const evaluateCommand: Command = defineCommand({
  name: 'evaluate',
  summary: 'Score a trained task, dense and sparse.',
  usage: ['evaluate --weights FILE --config FILE [options]', 'evaluate --weights FILE --data JSON [options]'],
  options: {
    weights: { value: 'FILE', description: 'A trained task: model.safetensors of train, adapt or finetune.' },
    config: { value: 'FILE', description: 'A run: its validation data, or training data without such, and its input.' },
    data: {
      value: 'JSON',
      description: 'A data set as in the document of a run, its paths relative to the current folder.',
    },
    sparsity: {
      value: 'RATIOS',
      isRepeatable: true,
      description:
        "Share of windows to leave out: '.6', or '.3|0|.1,.2,.2|0'. May be repeated. Default: the one saved with the weights, else .5.",
    },
    mode: { value: 'MODE', description: 'Rules of --sparsity: clean (default) or official.' },
    size: { value: 'HxW', description: 'What images are resized to. Default: as the run says, or as in training.' },
    limit: { value: 'N', description: 'Images at most, from the first.' },
    threads: { value: 'N', description: 'Threads of the engine, default all cores.' },
    json: { description: 'Print one JSON document.' },
  },
  notes: [
    'COCO AP for boxes, in pixels of the original image; mean IoU and pixel accuracy for masks, at the size that the model sees; top-1 and top-5 for classes. Dense is always beside the others.',
  ],
  examples: [
    "evaluate --weights runs/tuned/model.safetensors --config run.json --sparsity .5 --sparsity '.3|0|.1,.2,.2|0'",
    'evaluate --weights model.safetensors --data \'{"kind":"coco","annotations":"val.json","images":"val"}\' --json',
  ],

  async execute({ options, inputs }, io) {
    if (inputs.length > 0) throw inputError(`evaluate: expected options only, got ${quote(inputs[0] ?? '')}.`);
    const progress = createProgress(io);
    progress.step('opening weights and data');
    const stop = new AbortController();
    const stopListening = io.onInterrupt(() => stop.abort(interruption('evaluate: stopped; nothing is kept.')));
    try {
      const plan = await planEvaluation(options);
      const { checkpoint, dataset, input, cases, limit, threads, onBroken, broken } = plan;
      const engine = await createEngine(threads === undefined ? {} : { threads });
      let leftOut = broken.length;
      try {
        const runner = engineRunner(engine, checkpoint, { maxPlans: cases.length });
        const begin = io.now();
        const scores = await evaluate(runner, dataset, {
          task: checkpoint.config,
          cases,
          ...(input.size === null ? {} : { size: input.size }),
          keepRatio: input.keepRatio,
          normalization: input.normalization,
          ...(limit === undefined ? {} : { limit }),
          onBroken,
          onEvent: (event) => {
            if (event.type === 'item-broken') leftOut++;
            else progress.step(`image ${event.index + 1} of ${event.count}`);
          },
          signal: stop.signal,
        }).finally(() => runner.dispose());
        const elapsedMs = io.now() - begin;
        progress.clear();
        const { config } = checkpoint;
        if (options.json) {
          const backend = { name: 'engine', threads: engine.threads, build: engine.build };
          const facts = { version: 1, weights: plan.weights, task: config, input, backend, leftOut, elapsedMs };
          io.stdout(`${JSON.stringify({ ...facts, scores: scoresJson(cases, scores) }, null, 2)}\n`);
          return;
        }
        const facts = renderFacts([
          ['task', `${config.kind}, ${config.classes.length} classes`],
          ['weights', plan.weights],
          ['backend', `engine, ${engine.build}, ${engine.threads} ${engine.threads === 1 ? 'thread' : 'threads'}`],
          ...(leftOut === 0 ? [] : [['left out', `${leftOut} that cannot be used`] as const]),
        ]);
        io.stdout(`${facts}\n${renderScores(config.kind, scores)}`);
      } finally {
        await engine.dispose();
      }
    } finally {
      stopListening();
      progress.clear();
    }
  },
});
