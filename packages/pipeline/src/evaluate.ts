/** How good a task is on a data set, at several sparsities side by side. */

import type { BrokenItem, Dataset, Placement, Sample } from '@sparsevit/data';
import { boxToOriginal, checkSample, letterbox, resizePlacement, resizeSample } from '@sparsevit/data';
import type {
  CocoMetrics,
  DecodeMap,
  Detection,
  DetectionDecodeOptions,
  SeenPlacement,
  TaskConfig,
  TaskOutput,
} from '@sparsevit/tasks';
import {
  addToConfusion,
  classIou,
  collate,
  createCocoEvaluator,
  createConfusion,
  decodeClasses,
  decodeDetections,
  learnsFrom,
  meanIou,
  pixelAccuracy,
} from '@sparsevit/tasks';
import type { Sparsity } from '@sparsevit/windows';
import { ConfigError, SparseViTError } from '@sparsevit/windows';
import type { TaskRequest, TaskRunner } from './runner';

/** One way to run the model: at a sparsity, or on windows that something else chose. */
export interface EvaluationCase {
  readonly name: string;
  readonly sparsity: Sparsity | null;
  /** Window ids for an image instead of the ranking: controls. */
  readonly keptOf?: (sample: Sample) => TaskRequest['kept'] | Promise<TaskRequest['kept']>;
}

/** How to evaluate. */
export interface EvaluationOptions {
  readonly task: TaskConfig;
  readonly cases: readonly EvaluationCase[];
  /** Pixels that every image is resized to; default its own sides. */
  readonly size?: { readonly height: number; readonly width: number };
  /** Whether the ratio is kept, with borders; default false. */
  readonly keepRatio?: boolean;
  readonly normalization: { readonly mean: readonly number[]; readonly std: readonly number[] };
  readonly decode?: Omit<DetectionDecodeOptions, 'sizes'>;
  /** Items at most, from the first; default all. */
  readonly limit?: number;
  readonly onBroken?: 'skip' | 'fail';
  readonly onEvent?: (event: EvaluationEvent) => void;
  readonly signal?: AbortSignal;
}

/** What an evaluation tells. */
export type EvaluationEvent =
  | { readonly type: 'image-evaluated'; readonly index: number; readonly count: number; readonly id: string }
  | Pick<BrokenItem, 'type' | 'index' | 'item' | 'reason' | 'cause'>;

/** How good one case is. `score` is what is compared: AP, mean IoU, or the share of right images. */
export interface EvaluationResult {
  readonly name: string;
  readonly images: number;
  readonly score: number;
  readonly metrics: Readonly<Record<string, number | null | Readonly<Record<string, number | null>>>>;
}

interface Judge {
  add(sample: Sample, index: number, output: TaskOutput<DecodeMap>, placed: SeenPlacement): void;
  result(): Pick<EvaluationResult, 'score' | 'metrics'>;
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
  const { task, cases, limit = dataset.length, onBroken = 'fail', onEvent = () => {}, signal } = options;
  if (cases.length === 0) throw new ConfigError('evaluate: expected at least one case, got none.');
  const judges = cases.map(() => judgeOf(options));
  const count = Math.min(limit, dataset.length);
  let images = 0;
  for (let index = 0; index < count; index++) {
    signal?.throwIfAborted();
    let sample: Sample;
    try {
      sample = checkSample(await dataset.read(index, signal), 'evaluate');
    } catch (cause) {
      signal?.throwIfAborted();
      if (!SparseViTError.isInstance(cause)) throw cause;
      const item = dataset.describe(index);
      onEvent({ type: 'item-broken', index, item, reason: cause.message, cause });
      if (onBroken === 'fail') throw cause;
      continue;
    }
    const { seen, placement } = placed(sample, options);
    const { pixels, shape } = collate(task, [seen], options.normalization);
    for (const [i, { sparsity, keptOf }] of cases.entries()) {
      const kept = await keptOf?.(seen);
      const output = await runner.run({ pixels, shape, sparsity, ...(kept ? { kept } : {}) });
      judges[i]?.add(sample, index, output, { placement, seen: seen.image });
    }
    images++;
    onEvent({ type: 'image-evaluated', index, count, id: sample.id });
  }
  if (images === 0) throw new ConfigError('evaluate: expected at least one image that can be read, got none.');
  return cases.map(({ name }, i) => ({ name, images, ...(judges[i] as Judge).result() }));
}

/** The sample at the size that the model sees, and where its pixels went. */
function placed(
  sample: Sample,
  { size = sample.image, keepRatio = false }: EvaluationOptions,
): { seen: Sample; placement: Placement } {
  if (keepRatio) {
    const { sample: seen, placement } = letterbox(sample, { ...size, align: 'corner' });
    return { seen, placement };
  }
  return { seen: resizeSample(sample, size), placement: resizePlacement(sample.image, size) };
}

function judgeOf({ task, decode }: EvaluationOptions): Judge {
  switch (learnsFrom(task)) {
    case 'boxes':
      return boxJudge(task, decode);
    case 'masks':
      return maskJudge(task);
    default:
      return labelJudge();
  }
}

function boxJudge(task: TaskConfig, decode: EvaluationOptions['decode']): Judge {
  const categories = task.classes.map((name, id) => ({ id, name }));
  const evaluator = createCocoEvaluator(categories, { kind: 'box' });
  return {
    add({ boxes = [], image }, index, output, { placement }) {
      if (output.kind !== 'detection') throw new ConfigError(`evaluate: expected boxes, got ${output.kind}.`);
      // the part of what the model saw that is image, not pads
      const size = { height: image.height * placement.scaleY, width: image.width * placement.scaleX };
      const [found = []] = decodeDetections(output, { ...decode, sizes: [size] });
      evaluator.add(
        index,
        boxes.map(({ x, y, width, height, label, isCrowd = false }) => ({
          categoryId: label,
          area: width * height,
          box: [x, y, width, height],
          isCrowd,
        })),
        found.map((detection) => ({
          score: detection.score,
          categoryId: detection.label,
          box: boxOf(boxToOriginal(detection, placement)),
        })),
      );
    },
    result() {
      const { stats, perClassAP }: CocoMetrics = evaluator.result();
      const named = Object.fromEntries(task.classes.map((name, id) => [name, perClassAP[String(id)] ?? null]));
      return { score: stats.AP, metrics: { ...stats, perClassAP: named } };
    },
  };
}

function boxOf({ x, y, width, height }: Detection): [number, number, number, number] {
  return [x, y, width, height];
}

function maskJudge(task: TaskConfig): Judge {
  const matrix = createConfusion(task.classes.length);
  return {
    add({ mask, image }, _index, output, placed) {
      if (output.kind !== 'semantic' || mask === undefined) {
        throw new ConfigError(`evaluate: expected masks, got ${output.kind}.`);
      }
      const [predicted] = decodeClasses(output.logits, image, placed);
      addToConfusion(matrix, { truth: mask, predicted: predicted as Uint8Array });
    },
    result() {
      const ious = classIou(matrix);
      const perClass = Object.fromEntries(task.classes.map((name, i) => [name, ious[i] ?? null]));
      const score = meanIou(matrix);
      return { score, metrics: { meanIou: score, pixelAccuracy: pixelAccuracy(matrix), perClass } };
    },
  };
}

function labelJudge(): Judge {
  let [count, first, firstFive] = [0, 0, 0];
  return {
    add({ label }, _index, output) {
      if (output.kind !== 'classification' || label === undefined) {
        throw new ConfigError(`evaluate: expected a label, got ${output.kind}.`);
      }
      const { values } = output.logits;
      const own = values[label] ?? Number.NEGATIVE_INFINITY;
      // of equal logits the lower class goes first
      const rank = values.reduce(
        (better, value, i) => better + (value > own || (value === own && i < label) ? 1 : 0),
        0,
      );
      count++;
      first += rank < 1 ? 1 : 0;
      firstFive += rank < 5 ? 1 : 0;
    },
    result: () => ({ score: first / count, metrics: { top1: first / count, top5: firstFive / count } }),
  };
}
