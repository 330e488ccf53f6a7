/** How good a task is on a data set, at several sparsities side by side. */

import type { BrokenItem, Dataset, Sample } from '@sparsevit/data';
import { checkSample, normalizeImage } from '@sparsevit/data';
import type { TaskConfig } from '@sparsevit/tasks';
import { seenSample } from '@sparsevit/tasks';
import type { Sparsity } from '@sparsevit/windows';
import { ConfigError, SparseViTError } from '@sparsevit/windows';
import type { Judge, JudgeOptions, Verdict } from './judge';
import { judgeOf } from './judge';
import type { TaskRequest, TaskRunner } from './runner';

/** One way to run the model: at a sparsity, or on windows that something else chose. */
export interface EvaluationCase {
  readonly name: string;
  readonly sparsity: Sparsity | null;
  /** Window ids for an image instead of the ranking: controls. */
  readonly keptOf?: (sample: Sample) => TaskRequest['kept'] | Promise<TaskRequest['kept']>;
}

/** On which images, and how they are made ready. */
export interface ImageOptions extends Pick<JudgeOptions, 'decode'> {
  /** Pixels that every image is resized to; default its own sides. */
  readonly size?: { readonly height: number; readonly width: number } | undefined;
  /** Whether the ratio is kept, with borders; default false. */
  readonly keepRatio?: boolean | undefined;
  readonly task: TaskConfig;
  readonly normalization: { readonly mean: readonly number[]; readonly std: readonly number[] };
  /** Items at most, from the first; default all. */
  readonly limit?: number | undefined;
  readonly onBroken?: 'skip' | 'fail' | undefined;
  readonly onEvent?: ((event: EvaluationEvent) => void) | undefined;
}

/** How to evaluate. */
export interface EvaluationOptions extends ImageOptions {
  readonly cases: readonly EvaluationCase[];
  readonly signal?: AbortSignal;
}

/** What an evaluation tells. */
export type EvaluationEvent =
  | { readonly type: 'image-evaluated'; readonly index: number; readonly count: number; readonly id: string }
  | Pick<BrokenItem, 'type' | 'index' | 'item' | 'reason' | 'cause'>;

/** How good one case is. */
export interface EvaluationResult extends Verdict {
  readonly name: string;
  readonly images: number;
}

/**
 * Runs a task on a data set at each case and scores it: COCO AP of boxes, cut at the border of the image, mean IoU and pixel accuracy of masks,
 * both in pixels of the original image whatever the model saw, or top-1. Each image is read once.
 *
 * @throws ConfigError for no cases, or a data set without what the task learns from; what a broken item throws, unless it is skipped; the
 * signal's reason
 * @example
 * const [dense, half] = await evaluate(runner, scenes, { task, cases, normalization });
 */
export async function evaluate(
  runner: TaskRunner,
  dataset: Dataset,
  options: EvaluationOptions,
): Promise<EvaluationResult[]> {
  const { cases, limit = dataset.length, normalization, onEvent = () => {}, signal } = options;
  if (cases.length === 0) throw new ConfigError('evaluate: expected at least one case, got none.');
  const judges = cases.map(() => judgeOf(options));
  const count = Math.min(limit, dataset.length);
  let images = 0;
  for (let index = 0; index < count; index++) {
    const sample = await readSample(dataset, index, options, signal);
    if (sample === null) continue;
    const { seen, placement } = seenSample(sample, {
      size: options.size ?? null,
      keepRatio: options.keepRatio ?? false,
    });
    const { height, width } = seen.image;
    const pixels = normalizeImage(seen.image, normalization);
    for (const [i, { sparsity, keptOf }] of cases.entries()) {
      const kept = await keptOf?.(seen);
      const output = await runner.run({ pixels, shape: [1, height, width, 3], sparsity, ...(kept ? { kept } : {}) });
      judges[i]?.add(sample, index, output, { placement, seen: seen.image });
    }
    images++;
    onEvent({ type: 'image-evaluated', index, count, id: sample.id });
  }
  if (images === 0) throw noImages();
  return cases.map(({ name }, i) => ({ name, images, ...(judges[i] as Judge).result() }));
}

/**
 * Reads an item; null for one that is broken and skipped.
 *
 * @throws what the item throws, unless it is skipped; the signal's reason
 */
export async function readSample(
  dataset: Dataset,
  index: number,
  { onBroken = 'fail', onEvent = () => {} }: Pick<ImageOptions, 'onBroken' | 'onEvent'>,
  signal: AbortSignal | undefined,
): Promise<Sample | null> {
  signal?.throwIfAborted();
  try {
    return checkSample(await dataset.read(index, signal), 'evaluate');
  } catch (cause) {
    signal?.throwIfAborted();
    if (!SparseViTError.isInstance(cause)) throw cause;
    onEvent({ type: 'item-broken', index, item: dataset.describe(index), reason: cause.message, cause });
    if (onBroken === 'fail') throw cause;
    return null;
  }
}

/** What an evaluation of nothing ends with. */
export function noImages(): ConfigError {
  return new ConfigError('evaluate: expected at least one image that can be read, got none.');
}
