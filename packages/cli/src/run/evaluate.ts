/** Everything that `run` finds out about one input: windows, multiply-accumulates, times, and the files asked for. */

import type { RgbImage } from '@sparsevit/data';
import { countMacs } from '@sparsevit/latency';
import type { KeptWindowIds, Sparsity, SwinArchitecture, SwinRules } from '@sparsevit/windows';
import { hasRatios } from '@sparsevit/windows';
import { inputError } from '../errors';
import { createFeaturesFile } from './features-file';
import type { ModelInput } from './inputs';
import type { Spread, TimedWay } from './measure';
import { measureInTurns, spreadOf } from './measure';
import type { PreparedRun, Runner, RunOutput } from './runner';

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
  readonly kept: readonly KeptWindowIds[];
  readonly denseGmacs: Gmacs;
  /** Null for thresholds: how many windows they keep is known only by running. */
  readonly sparseGmacs: Gmacs | null;
  readonly denseMs: Latency;
  readonly sparseMs: Latency;
  readonly isWarmUp: boolean;
  /** Making the dense and the sparse plan; null where nothing is made. */
  readonly compileMs: { readonly dense: number; readonly sparse: number } | null;
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
  readonly runner: Runner;
  readonly architecture: SwinArchitecture;
  readonly rules: SwinRules;
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
  const { runner, sparsity, dense, repeats, features, now, onStep } = options;
  const photo = options.wantsPhoto ? input.photo() : null;
  const gmacsOf = (wanted: Sparsity | null): Gmacs => countGmacs(options, input, wanted);
  const denseGmacs = gmacsOf(dense);
  const sparseGmacs = hasRatios(sparsity) ? gmacsOf(sparsity) : null;
  let kept: KeptWindowIds[] = [];
  let featuresFile: Uint8Array | null = null;
  const prepared: PreparedRun[] = [];
  const way = async (name: string, wanted: Sparsity | null): Promise<TimedWay<RunOutput>> => {
    const one = await runner.prepare(input, wanted);
    prepared.push(one);
    return { name, run: () => one.run(), onWarmUp: checkFinite, release: (output) => output.release() };
  };
  try {
    const denseWay = await way('dense', dense);
    const sparseWay = await way('sparse', sparsity);
    const { samplesMs, isWarmUp } = await measureInTurns(
      [
        denseWay,
        {
          ...sparseWay,
          async onWarmUp(output) {
            await checkFinite(output);
            kept = await output.readWindows();
            if (features !== null) featuresFile = await createFeaturesFile(output, { kept, facts: features });
          },
        },
      ],
      { repeats, now, onStep },
    );
    const [denseMs = [], sparseMs = []] = samplesMs;
    const [densePlanMs = null, sparsePlanMs = null] = prepared.map(({ compileMs }) => compileMs);
    return {
      kept,
      denseGmacs,
      sparseGmacs,
      denseMs: { ...spreadOf(denseMs), samples: denseMs },
      sparseMs: { ...spreadOf(sparseMs), samples: sparseMs },
      isWarmUp,
      compileMs: densePlanMs === null || sparsePlanMs === null ? null : { dense: densePlanMs, sparse: sparsePlanMs },
      featuresFile,
      photo,
    };
  } finally {
    for (const one of prepared) one.release();
  }
}

/**
 * Refuses a result with a NaN or an infinity, or one so large that its sum is: the weights do not fit the input.
 */
async function checkFinite({ maps }: RunOutput): Promise<void> {
  for (const { stage, sum } of maps) {
    if (Number.isFinite(await sum())) continue;
    const name = stage === null ? 'the logits' : `the output of stage ${stage}`;
    throw inputError(
      `run: expected finite features, got NaN or infinite values in ${name}. The weights are damaged, or do not go with this input.`,
    );
  }
}

function countGmacs(
  model: Pick<EvaluationOptions, 'architecture' | 'rules'>,
  input: ModelInput,
  sparsity: Sparsity | null,
): Gmacs {
  const [batch, height, width] = input.shape;
  const count = (accounting: 'published' | 'fair'): number =>
    countMacs(model.architecture, { height, width, batch, sparsity, rules: model.rules, accounting }).totalMacs / 1e9;
  return { published: count('published'), fair: count('fair') };
}
