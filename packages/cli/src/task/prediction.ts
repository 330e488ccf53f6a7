/** A task run on a photo. */

import type { RgbImage } from '@sparsevit/data';
import { normalizeImage } from '@sparsevit/data';
import type { TaskRunner } from '@sparsevit/pipeline';
import type { PhotoPrediction, TaskConfig, TaskInput } from '@sparsevit/tasks';
import { decodePhoto, seenPhoto } from '@sparsevit/tasks';
import type { Sparsity } from '@sparsevit/windows';

/** How it is asked for. */
export interface PredictionOptions {
  readonly task: TaskConfig;
  readonly input: TaskInput;
  readonly sparsity: Sparsity | null;
  readonly minScore: number;
}

/** Runs a task on a photo. */
export async function predictPhoto(
  runner: TaskRunner,
  photo: RgbImage,
  { task, input, sparsity, minScore }: PredictionOptions,
): Promise<PhotoPrediction> {
  const { seen, placement } = seenPhoto(photo, input);
  const pixels = normalizeImage(seen, input.normalization);
  const output = await runner.run({ pixels, shape: [1, seen.height, seen.width, 3], sparsity });
  return decodePhoto(output, photo, { task, seen, placement, minScore });
}
