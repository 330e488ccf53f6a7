/** Pictures for the report of a pipeline: predictions of the dense and of the sparse model, and the windows that were kept. */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { RgbImage } from '@sparsevit/data';
import { normalizeImage, resizeImage } from '@sparsevit/data';
import { encodePng } from '@sparsevit/data/node';
import { createEngine, hostWindowIds } from '@sparsevit/engine';
import { engineRunner } from '@sparsevit/pipeline';
import { writeOutputFile } from '@sparsevit/pipeline/files';
import type { SampleFiles, SampleRequest } from '@sparsevit/pipeline/node';
import { createTask, seenPhoto } from '@sparsevit/tasks';
import { createOverlayFile } from '../run/overlay-file';
import { drawPrediction } from '../task/draw-prediction';
import { predictPhoto } from '../task/prediction';

/** A photo of a phone is not shown larger than this: the report carries its pictures inside. */
const longestSide = 720;
const minScore = 0.3;

/** Draws the first images of a data set. */
export async function drawSamples({
  dataset,
  count,
  dense,
  final,
  input: { height, width, keepRatio, normalization },
  folder,
  signal,
}: SampleRequest): Promise<readonly SampleFiles[]> {
  await mkdir(folder, { recursive: true });
  const engine = await createEngine();
  const { sparsity, architecture } = final.backbone;
  const task = createTask(engine.ops, final);
  const runners = { dense: engineRunner(engine, dense), sparse: engineRunner(engine, final) };
  const input = { size: { height, width }, keepRatio, normalization };
  const shape = [1, height, width, 3] as const;
  const plan = engine.compile((image) => task.forward(image, { sparsity, wantsWindows: true }).windows, { shape });
  const files: SampleFiles[] = [];
  const write = async (name: string, image: RgbImage): Promise<string> => {
    await writeOutputFile(join(folder, name), await encodePng(image), 'output');
    return name;
  };
  try {
    for (let index = 0; index < dataset.length && files.length < count; index++) {
      signal.throwIfAborted();
      const sample = await dataset.read(index, signal).catch(() => null);
      if (sample === null) continue; // the evaluation has told of it
      const photo = shrunk(sample.image);
      const pictures: Record<string, string> = {};
      for (const [name, of] of [
        ['dense', null],
        ['sparse', sparsity],
      ] as const) {
        const prediction = await predictPhoto(runners[name], photo, {
          task: final.config,
          input,
          sparsity: of,
          minScore,
        });
        pictures[name] = await write(
          `sample-${index}-${name}.png`,
          drawPrediction(photo, prediction, final.config.classes),
        );
      }
      const { seen } = seenPhoto(sample.image, input);
      const kept = (await plan.run(normalizeImage(seen, normalization))).map(hostWindowIds);
      const windows = `sample-${index}-windows.png`;
      const overlay = await createOverlayFile(seen, {
        kept,
        patchSize: architecture.patchSize,
        caption: [],
        maxWidth: 2 * longestSide,
      });
      await writeOutputFile(join(folder, windows), overlay, 'output');
      files.push({
        id: sample.id,
        photo: await write(`sample-${index}-photo.png`, photo),
        dense: pictures.dense ?? '',
        sparse: pictures.sparse ?? '',
        windows,
      });
    }
  } finally {
    plan.dispose();
    task.dispose();
    await runners.dense.dispose();
    await runners.sparse.dispose();
    await engine.dispose();
  }
  return files;
}

function shrunk(image: RgbImage): RgbImage {
  const scale = longestSide / Math.max(image.height, image.width);
  if (scale >= 1) return image;
  return resizeImage(image, {
    height: Math.max(1, Math.round(image.height * scale)),
    width: Math.max(1, Math.round(image.width * scale)),
  });
}
