/** Everything that `run` finds out about one input: windows, multiply-accumulates, times, and the files asked for. */

import type { ForwardResult, SwinModel } from '@sparsevit/backbone';
import type { RgbImage } from '@sparsevit/data';
import { countMacs } from '@sparsevit/latency';
import type { Sparsity } from '@sparsevit/windows';
import { hasRatios } from '@sparsevit/windows';
import { inputError } from '../errors';
import type { Tensor } from '../tensor';
import { dispose, slice, sum, tensor4d } from '../tensor';
import { createFeaturesFile } from './features-file';
import type { ModelInput } from './inputs';
import type { KeptWindows } from './kept-windows';
import { readKeptWindows } from './kept-windows';
import type { Spread, TimedWay } from './measure';
import { measureInTurns, spreadOf } from './measure';

/** Multiply-accumulates of a backbone for the whole batch, in 1e9. */
export interface Gmacs {
  readonly published: number;
  readonly fair: number;
}

/** Times of one way to run. */
export interface Latency extends Spread {
  readonly samples: readonly number[];
}

/** What is found out about one input. */
export interface Findings {
  readonly kept: readonly KeptWindows[];
  readonly denseGmacs: Gmacs;
  /** Null for thresholds: how many windows they keep is known only by running. */
  readonly sparseGmacs: Gmacs | null;
  readonly denseMs: Latency;
  readonly sparseMs: Latency;
  readonly isWarmUp: boolean;
}

/** The findings, and what goes into files. */
export interface Evaluation extends Findings {
  /** The features of the sparse run as a file; null when they were not asked for. */
  readonly featuresFile: Uint8Array | null;
  /** The photo that the model saw; null when it was not asked for. */
  readonly photo: RgbImage | null;
}

/** What to find out, and with what. */
export interface EvaluationOptions {
  readonly model: SwinModel<Tensor>;
  readonly sparsity: Sparsity;
  readonly dense: Sparsity | null;
  readonly repeats: number;
  /** Metadata of the features file; null when none is wanted. */
  readonly features: Readonly<Record<string, string>> | null;
  readonly wantsPhoto: boolean;
  now(): number;
  onStep(text: string): void;
}

/**
 * Runs a model dense and sparse on an input. Maps are read back only for the features file, and freed as soon as they are not needed.
 *
 * @throws SparseViTError when the model cannot run the input or the sparsity
 */
export async function evaluateInput(input: ModelInput, options: EvaluationOptions): Promise<Evaluation> {
  const { model, sparsity, dense, repeats, features, now, onStep } = options;
  const photo = options.wantsPhoto ? input.photo() : null;
  const gmacsOf = (wanted: Sparsity | null): Gmacs => countGmacs(model, input, wanted);
  const denseGmacs = gmacsOf(dense);
  const sparseGmacs = hasRatios(sparsity) ? gmacsOf(sparsity) : null;
  const image = tensor4d(input.values, [...input.shape]);
  let kept: KeptWindows[] = [];
  let featuresFile: Uint8Array | null = null;
  const way = (name: string, wanted: Sparsity | null): TimedWay<ForwardResult<Tensor>> => ({
    name,
    run: () => runToEnd(model, image, wanted),
    onWarmUp: checkFinite,
    release: freeResult,
  });
  try {
    const { samplesMs, isWarmUp } = await measureInTurns(
      [
        way('dense', dense),
        {
          ...way('sparse', sparsity),
          async onWarmUp(result) {
            await checkFinite(result);
            kept = await readKeptWindows(result.windows);
            if (features !== null) featuresFile = await createFeaturesFile(result, { kept, facts: features });
          },
        },
      ],
      { repeats, now, onStep },
    );
    const [denseMs = [], sparseMs = []] = samplesMs;
    return {
      kept,
      denseGmacs,
      sparseGmacs,
      denseMs: { ...spreadOf(denseMs), samples: denseMs },
      sparseMs: { ...spreadOf(sparseMs), samples: sparseMs },
      isWarmUp,
      featuresFile,
      photo,
    };
  } finally {
    dispose(image);
  }
}

/** A forward that has ended: on a graphics card work is only queued until something of its last output is read. */
async function runToEnd(
  model: SwinModel<Tensor>,
  image: Tensor,
  sparsity: Sparsity | null,
): Promise<ForwardResult<Tensor>> {
  const result = model.forward(image, { sparsity, wantsWindows: true, wantsLogits: true });
  const last = result.logits ?? result.features.findLast((map) => map !== null);
  if (last) {
    const first = slice(
      last,
      last.shape.map(() => 0),
      last.shape.map(() => 1),
    );
    await first.data();
    dispose(first);
  }
  return result;
}

/**
 * Refuses a result with a NaN or an infinity, or one so large that its sum is: the weights do not fit the input.
 */
async function checkFinite({ features, logits }: ForwardResult<Tensor>): Promise<void> {
  const results: [string, Tensor | null][] = features.map((map, stage) => [`the output of stage ${stage}`, map]);
  for (const [name, tensor] of [...results, ['the logits', logits] as const]) {
    if (tensor === null) continue;
    const total = sum(tensor);
    const [value = Number.NaN] = await total.data();
    dispose(total);
    if (!Number.isFinite(value)) {
      throw inputError(
        `run: expected finite features, got NaN or infinite values in ${name}. The weights are damaged, or do not go with this input.`,
      );
    }
  }
}

function freeResult({ features, logits, windows }: ForwardResult<Tensor>): void {
  dispose([...features, logits].filter((tensor) => tensor !== null));
  for (const { selection, scores } of windows) {
    if (scores !== null) dispose(scores);
    if (selection.kind !== 'all' && selection.ids !== null) dispose(selection.ids);
  }
}

function countGmacs(model: SwinModel<Tensor>, input: ModelInput, sparsity: Sparsity | null): Gmacs {
  const [batch, height, width] = input.shape;
  const count = (accounting: 'published' | 'fair'): number =>
    countMacs(model.architecture, { height, width, batch, sparsity, rules: model.rules, accounting }).totalMacs / 1e9;
  return { published: count('published'), fair: count('fair') };
}
