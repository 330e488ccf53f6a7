/** What is timed: a backbone, or a whole task, at a sparsity on an image. */

import type { SwinCheckpoint } from '@sparsevit/backbone';
import { createSwin, partsOf } from '@sparsevit/backbone';
import type { LatencyInput, LatencyModel } from '@sparsevit/latency';
import { stableHash } from '@sparsevit/latency';
import type { HeadOps, TaskCheckpoint, TaskOutput } from '@sparsevit/tasks';
import { createTask } from '@sparsevit/tasks';
import type { PrunedRatios, Sparsity, SparsityRules } from '@sparsevit/windows';
import { createRandom, sparsityModes } from '@sparsevit/windows';

/** A backbone with all its outputs, or a task with its head. */
export type LatencySubject = Pick<SwinCheckpoint, 'architecture' | 'family' | 'weights'> | TaskCheckpoint;

/** On which images, and by which rules windows are kept. */
export interface LatencyRunnerOptions {
  readonly input: LatencyInput;
  /** Rules of scoring and counting; default those of `clean`. */
  readonly rules?: SparsityRules;
}

const backboneOf = (subject: LatencySubject): Pick<SwinCheckpoint, 'architecture' | 'family' | 'weights'> =>
  'backbone' in subject ? subject.backbone : subject;

/**
 * What a fingerprint says of a model. Its hash is of what is computed: architecture, family, outputs, head; weights cost the same whatever their
 * values are, so that a table holds before and after fine-tuning.
 *
 * @param subject a backbone or a task
 * @param options `name`: what people call it; default nothing
 * @example
 * const model = latencyModelOf(checkpoint, { name: 'swin-t' });
 */
export function latencyModelOf(
  subject: LatencySubject,
  { name = null, rules = sparsityModes.clean }: { name?: string | null; rules?: SparsityRules } = {},
): LatencyModel {
  const { architecture, family, weights } = backboneOf(subject);
  const { score, padsInScore, rounding, minKept, padding } = rules;
  const head = 'config' in subject ? { ...subject.config, classes: subject.config.classes.length } : null;
  return {
    name,
    hash: stableHash({ architecture, family, parts: partsOf(weights), head }),
    architecture,
    rules: { score, padsInScore, rounding, minKept, padding },
  };
}

/** A subject that an implementation has taken in. */
export interface TakenSubject<T> {
  /** Every value that it gives, in the order that they are computed. */
  forward(image: T, sparsity: Sparsity | null): readonly T[];
  dispose(): void;
}

/** Gives the weights of a subject to an implementation. */
export function takeSubject<T>(ops: HeadOps<T>, subject: LatencySubject): TakenSubject<T> {
  if ('backbone' in subject) {
    const task = createTask(ops, subject);
    return {
      forward: (image, sparsity) => valuesOf(task.forward(image, { sparsity }).output),
      dispose: () => task.dispose(),
    };
  }
  const model = createSwin(ops, subject);
  return {
    forward(image, sparsity) {
      const { features, logits } = model.forward(image, { sparsity, wantsLogits: true });
      return [...features, logits].filter((value) => value !== null);
    },
    dispose: () => model.dispose(),
  };
}

function valuesOf<T>(output: TaskOutput<T>): T[] {
  switch (output.kind) {
    case 'detection':
      return [output.heatmap, output.box];
    case 'semantic':
      return output.auxiliaryLogits === null ? [output.logits] : [output.logits, output.auxiliaryLogits];
    default:
      return [output.logits];
  }
}

/** A configuration as a forward takes it: nothing pruned is dense, unless the rules make that something else. */
export function sparsityOf(prunedRatios: PrunedRatios, rules: SparsityRules): Sparsity | null {
  const isDense = prunedRatios.flat().every((ratio) => ratio === 0);
  return isDense && rules.padding === 'family' ? null : { ...rules, prunedRatios };
}

/** An image [B, H, W, 3] of noise, as a normalised photo spreads: which windows are kept depends on it, how many does not. */
export function noiseImage({ batch, height, width }: LatencyInput): Float32Array {
  const random = createRandom(1);
  return Float32Array.from({ length: batch * height * width * 3 }, () => random.normal());
}
