/** What outputs are judged by, image after image: boxes, masks or a label. */

import type { Placement, Sample } from '@sparsevit/data';
import { boxToOriginal } from '@sparsevit/data';
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
  createCocoEvaluator,
  createConfusion,
  decodeClasses,
  decodeDetections,
  learnsFrom,
  meanIou,
  pixelAccuracy,
} from '@sparsevit/tasks';
import { ConfigError } from '@sparsevit/windows';

/** What a judge goes by. */
export interface JudgeOptions {
  readonly task: TaskConfig;
  readonly decode?: Omit<DetectionDecodeOptions, 'sizes'> | undefined;
}

/** `score` is what is compared: AP, mean IoU, or the share of right images. */
export interface Verdict {
  readonly score: number;
  readonly metrics: Readonly<Record<string, number | null | Readonly<Record<string, number | null>>>>;
}

/** Collects outputs and says how good they are. */
export interface Judge {
  /** @param sample what is known of the image; of its pixels only the sides count */
  add(
    sample: JudgedSample,
    index: number,
    output: TaskOutput<DecodeMap>,
    placed: SeenPlacement & { readonly placement: Placement },
  ): void;
  result(): Verdict;
}

/** What is known of an image, without its pixels. */
export type JudgedSample = Pick<Sample, 'boxes' | 'mask' | 'label'> & {
  readonly image: { readonly height: number; readonly width: number };
};

/** A judge of a task. */
export function judgeOf({ task, decode }: JudgeOptions): Judge {
  switch (learnsFrom(task)) {
    case 'boxes':
      return boxJudge(task, decode);
    case 'masks':
      return maskJudge(task);
    default:
      return labelJudge();
  }
}

function boxJudge(task: TaskConfig, decode: JudgeOptions['decode']): Judge {
  const categories = task.classes.map((name, id) => ({ id, name }));
  const evaluator = createCocoEvaluator(categories, { kind: 'box' });
  return {
    add({ boxes, image }, index, output, { placement }) {
      if (output.kind !== 'detection' || boxes === undefined) {
        throw new ConfigError(`evaluate: expected boxes of image ${index}, got none (${output.kind}).`);
      }
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
