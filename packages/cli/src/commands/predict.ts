/** `sparsevit predict`: what a trained task finds in photos, in the engine. */

import { mkdir } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { decodeImage, encodePng } from '@sparsevit/data/node';
import { createEngine } from '@sparsevit/engine';
import { engineRunner } from '@sparsevit/pipeline';
import { checkInputFile, checkOutputFile, writeOutputFile } from '@sparsevit/pipeline/files';
import { readTaskFile } from '@sparsevit/pipeline/node';
import { taskInputOf } from '@sparsevit/tasks';
import type { Command } from '../command';
import { defineCommand } from '../command';
import { inputError, quote } from '../errors';
import { createProgress } from '../progress';
import { drawPrediction } from '../task/draw-prediction';
import { predictPhoto } from '../task/prediction';
import { predictionJson, renderPrediction } from '../task/prediction-text';
import { sparsityJson } from '../task/scores';
import { predictionSparsity } from '../task/sparsities';
import { parseShare, parseSize, parseThreads } from '../values';

/** The command. */
export const predictCommand: Command = defineCommand({
  name: 'predict',
  summary: 'Run a trained task on photos.',
  usage: ['predict <image...> --weights FILE [options]'],
  options: {
    weights: { value: 'FILE', description: 'A trained task: model.safetensors of train, adapt or finetune.' },
    sparsity: {
      value: 'RATIOS',
      description: "Share of windows to leave out: '.6', or '.3|0|.1,.2,.2|0'. Default: the one saved, else dense.",
    },
    mode: { value: 'MODE', description: 'Rules of --sparsity: clean (default) or official.' },
    'min-score': { value: 'SCORE', description: 'Boxes below it are left out, default 0.3.' },
    size: { value: 'HxW', description: 'What photos are resized to for the model. Default: as in training.' },
    threads: { value: 'N', description: 'Threads of the engine, default all cores.' },
    output: { value: 'FOLDER', description: 'Write each photo with boxes, mask or class over it, as NAME.png.' },
    json: { description: 'Print one JSON document.' },
  },
  notes: ['Boxes are in pixels of the photo: left, top, width, height. Without --output nothing is written.'],
  examples: ['predict street.jpg --weights runs/tuned/model.safetensors --output found'],

  async execute({ options, inputs }, io) {
    if (inputs.length === 0) throw inputError('predict: expected at least one image, got none. Name a photo.');
    if (options.weights === undefined) {
      throw inputError('predict: expected --weights FILE, got none. `sparsevit train` writes one.');
    }
    const minScore = parseShare(options['min-score'] ?? '0.3', '--min-score');
    const threads = parseThreads(options.threads);
    const size = options.size === undefined ? undefined : parseSize(options.size, '--size');
    for (const file of inputs) await checkInputFile(file, 'predict');
    const checkpoint = await readTaskFile(options.weights, '--weights');
    const own = taskInputOf(checkpoint);
    const { config: task } = checkpoint;
    const sparsity = predictionSparsity(checkpoint, options);
    const pictures = await checkPictures(options.output, inputs, options.weights);
    const input = size === undefined ? own : { ...own, size };
    const progress = createProgress(io);
    progress.step('starting the engine');
    const engine = await createEngine(threads === undefined ? {} : { threads });
    try {
      const runner = engineRunner(engine, checkpoint);
      const found: Record<string, unknown>[] = [];
      for (const [i, file] of inputs.entries()) {
        progress.step(`${file}: image ${i + 1} of ${inputs.length}`);
        const photo = await decodeImage(file);
        const prediction = await predictPhoto(runner, photo, { task, input, sparsity, minScore });
        const picture = pictures[i] ?? null;
        if (picture !== null) {
          await writeOutputFile(picture, await encodePng(drawPrediction(photo, prediction, task.classes)), '--output');
        }
        progress.clear();
        if (options.json) found.push({ input: file, picture, ...predictionJson(prediction, task.classes) });
        else io.stdout(renderPrediction(file, prediction, task.classes));
      }
      if (options.json) {
        const facts = { version: 1, weights: options.weights, task, sparsity: sparsityJson(sparsity), images: found };
        io.stdout(`${JSON.stringify(facts, null, 2)}\n`);
      }
      await runner.dispose();
    } finally {
      progress.clear();
      await engine.dispose();
    }
  },
});

/** A picture for each input, numbered where two share a name; none is a file that is read. */
async function checkPictures(
  folder: string | undefined,
  inputs: readonly string[],
  weights: string,
): Promise<readonly string[]> {
  if (folder === undefined) return [];
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
    throw inputError(`--output: expected a folder that can be written, got ${quote(folder)}${code}.`, { cause });
  });
  const taken = new Set<string>();
  const paths = inputs.map((input) => {
    const name = basename(input, extname(input));
    let candidate = `${name}.png`;
    for (let i = 2; taken.has(candidate); i++) candidate = `${name}-${i}.png`;
    taken.add(candidate);
    return join(folder, candidate);
  });
  for (const path of paths) await checkOutputFile(path, '--output', [...inputs, weights]);
  return paths;
}
