/**
 * The sparsity of a deployed model for a latency budget on the device at hand. The file says how good its sparsities are, and how long each takes
 * on the device of the search; ten measurements say what that is here (`calibratePredictor` of `@sparsevit/latency`).
 */

import type { LatencyPredictor, MeasureEvent, MeasureProtocol, Prediction } from '@sparsevit/latency';
import { calibratePredictor, measure, predictorFromJSON, referenceSparsities } from '@sparsevit/latency';
import type { RatioSparsity } from '@sparsevit/windows';
import {
  BackendError,
  CheckpointError,
  ConfigError,
  canonicalJson,
  createRandom,
  SparseViTError,
  sparsitySpaceSize,
} from '@sparsevit/windows';
import type { Deployment } from './deployment';
import type { DeviceCalibration } from './device-calibration';
import { leastRows, readCalibration, subjectOf } from './device-calibration';
import type { LoadedModel } from './load-model';
import type { ModelImage } from './model';

/** For which budget, and how this device is measured. */
export interface ChooseSparsityOptions {
  /** Milliseconds that a prediction may take, from the photo to what is said about it. */
  readonly budgetMs: number;
  /** What an earlier call has measured: its `calibration`, as it was or as JSON gave it back. With it nothing is measured. */
  readonly calibration?: DeviceCalibration | undefined;
  /** Sides of the photos to come, in pixels; default those that the latencies of the file are of. */
  readonly size?: { readonly height: number; readonly width: number } | undefined;
  /** Numbers of the measurement that differ from three rounds of three samples. */
  readonly protocol?: Partial<MeasureProtocol> | undefined;
  /** A clock in milliseconds that never goes back; default `performance.now`. */
  readonly now?: (() => number) | undefined;
  /** Stops between two predictions. */
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: ((event: MeasureEvent) => void) | undefined;
}

/** A sparsity that the file offers, and what is predicted of it here. */
export interface OfferedSparsity {
  /** What `predict` takes. */
  readonly sparsity: RatioSparsity;
  /** How good it is: `deployment.scoreName` on the test images of the pipeline. */
  readonly score: number;
  /** Milliseconds of a prediction: nine of ten measurements fall from `lo` to `hi`. */
  readonly predicted: Prediction;
  /** Whether `predicted.hi` is within the budget. */
  readonly meetsBudget: boolean;
}

/** What was chosen, and among what. */
export interface ChosenSparsity extends OfferedSparsity {
  /** Everything that the file offers, in its order. */
  readonly offered: readonly OfferedSparsity[];
  /** To be stored and given again; plain JSON. */
  readonly calibration: DeviceCalibration;
}

const references = 10;
/**
 * From 15 predictions of each reference on: seconds, where one takes tens of milliseconds. A user's device is never quiet, so that only stretches
 * over which its speed halves or doubles are repeated; what noise is left makes intervals wider, and the choice more careful.
 */
const shortProtocol: Partial<MeasureProtocol> = {
  rounds: 3,
  samplesPerVisit: 3,
  samplesPerSentinel: 3,
  visitsPerStretch: 5,
  leastWarmUpRuns: 3,
  mostWarmUpRuns: 10,
  largestMove: 1,
  coolDownMs: 200,
};

/**
 * Chooses the best of the sparsities that a deployed file offers for a latency budget on this device: the highest score whose predicted latency
 * meets the budget by the upper end of its interval, so that nine of ten predictions and more are in time; of equal scores the faster. When none
 * does, the one that is predicted to be the fastest, with `meetsBudget: false`.
 *
 * Without `calibration` ten references are measured by `predict` itself on a photo of noise, warm, in rounds of random order: seconds to a
 * minute. Let nothing else run meanwhile.
 *
 * @param model a file of `sparsevit pipeline`, loaded
 * @throws ConfigError for a file that offers no sparsities, a budget or size that is none, and a calibration that is damaged or of another file,
 * device or size
 * @throws CheckpointError when the predictor in the file is damaged, or of another architecture
 * @throws BackendError when the model cannot run, or the device is too unsteady to be measured
 * @throws the signal's reason when stopped
 * @example
 * const model = await loadModel('model.safetensors');
 * const { sparsity, predicted, meetsBudget, calibration } = await chooseSparsity(model, { budgetMs: 50 });
 * const { output } = await model.predict(photo, { sparsity });
 * localStorage.setItem('calibration', JSON.stringify(calibration)); // the next time: { budgetMs: 50, calibration }
 */
export async function chooseSparsity(model: LoadedModel, options: ChooseSparsityOptions): Promise<ChosenSparsity> {
  const { budgetMs, calibration: known, signal } = options;
  const { deployment } = model;
  if (deployment === null) {
    throw new ConfigError(
      'chooseSparsity: expected a file that offers sparsities, got one without. `sparsevit pipeline` writes such a file: model.safetensors of its run.',
    );
  }
  if (!(typeof budgetMs === 'number' && budgetMs > 0 && budgetMs < Number.POSITIVE_INFINITY)) {
    throw new ConfigError(`chooseSparsity: expected budgetMs to be milliseconds above 0, got ${String(budgetMs)}.`);
  }
  signal?.throwIfAborted();
  const subject = subjectOf(model, checkedSize(options.size ?? deployment.input));
  const source = sourcePredictor(model, deployment);
  const calibration =
    known === undefined
      ? await calibrate(model, { deployment, source, subject, options })
      : readCalibration(known, subject);
  const predictor = calibratePredictor(source, calibration.rows, { origin: calibration.device });
  const offered = deployment.sparsities.map((one): OfferedSparsity => {
    const predicted = predictor.predict(one.prunedRatios);
    return {
      sparsity: { ...deployment.rules, prunedRatios: one.prunedRatios },
      score: one.score,
      predicted,
      meetsBudget: predicted.hi <= budgetMs,
    };
  });
  return { ...best(offered), offered, calibration };
}

function best(offered: readonly OfferedSparsity[]): OfferedSparsity {
  const inTime = offered.filter(({ meetsBudget }) => meetsBudget);
  const isBetter = (a: OfferedSparsity, b: OfferedSparsity): boolean =>
    a.score > b.score || (a.score === b.score && a.predicted.ms < b.predicted.ms);
  const isFaster = (a: OfferedSparsity, b: OfferedSparsity): boolean => a.predicted.ms < b.predicted.ms;
  const [among, comesFirst] = inTime.length > 0 ? [inTime, isBetter] : [offered, isFaster];
  const chosen = among.reduce<OfferedSparsity | null>(
    (first, one) => (first === null || comesFirst(one, first) ? one : first),
    null,
  );
  if (chosen === null) throw new CheckpointError('deployment.sparsities: expected at least one, got none.');
  return chosen;
}

/** The predictor that was fitted on the device of the search: a calibrated one is moved from where it came from, not twice. */
function sourcePredictor({ architecture }: LoadedModel, { predictor: document }: Deployment): LatencyPredictor {
  let predictor: LatencyPredictor;
  try {
    const read = predictorFromJSON(document).toJSON();
    predictor = predictorFromJSON(read.kind === 'calibrated' ? read.source : read);
  } catch (cause) {
    if (!SparseViTError.isInstance(cause)) throw cause;
    throw new CheckpointError(`deployment.${cause.message}`, { cause });
  }
  if (canonicalJson(predictor.subject.architecture) !== canonicalJson(architecture)) {
    throw new CheckpointError(
      'deployment.predictor.subject.architecture: expected that of the weights, got another. The file was put together of two.',
    );
  }
  return predictor;
}

async function calibrate(
  model: LoadedModel,
  {
    deployment,
    source,
    subject,
    options,
  }: {
    readonly deployment: Deployment;
    readonly source: LatencyPredictor;
    readonly subject: Pick<DeviceCalibration, 'model' | 'device' | 'size'>;
    readonly options: ChooseSparsityOptions;
  },
): Promise<DeviceCalibration> {
  const { now = () => performance.now(), protocol, signal, onEvent } = options;
  const { architecture, report } = model;
  const photo = noisePhoto(subject.size);
  const count = Math.min(references, sparsitySpaceSize(source.space));
  const table = await measure(
    async (prunedRatios) => {
      const sparsity = { ...deployment.rules, prunedRatios };
      await model.predict(photo, { sparsity, ...(signal ? { signal } : {}) });
    },
    referenceSparsities(source, { count }),
    {
      // what tells calibrations apart is in the subject; the table is not kept
      fingerprint: {
        device: {
          name: subject.device,
          driver: null,
          platform: 'unknown',
          runtime: 'unknown',
          backend: report.backend,
          backendVersion: 'unknown',
          kernels: null,
          threads: null,
        },
        model: { name: null, hash: subject.model, architecture, rules: deployment.rules },
        input: { batch: 1, ...subject.size },
      },
      now,
      protocol: { ...shortProtocol, ...protocol },
      ...(signal ? { signal } : {}),
      ...(onEvent ? { onEvent } : {}),
    },
  );
  if (table.rows.length < Math.max(leastRows, count / 2)) {
    throw new BackendError(
      `chooseSparsity: expected a device whose times hold still, got ${table.rows.length} of ${count} references measured (${table.excluded[0]?.message ?? 'no reason'}). Let nothing else run, and try again.`,
    );
  }
  const rows = table.rows.map(({ prunedRatios, ms }) => ({ prunedRatios, ms }));
  return { format: 'sparsevit-device-calibration', version: 1, ...subject, rows };
}

const mostPixels = 100_000_000;

function checkedSize({ height, width }: { readonly height: number; readonly width: number }): typeof size {
  const size = { height, width };
  if ([height, width].every((side) => Number.isInteger(side) && side >= 1) && height * width <= mostPixels) return size;
  throw new ConfigError(
    `chooseSparsity: expected a size of whole sides of at least 1 and at most ${mostPixels} pixels, got ${String(height)}x${String(width)}.`,
  );
}

/** Which windows are kept depends on what a photo shows, how many does not. */
function noisePhoto({ height, width }: { readonly height: number; readonly width: number }): ModelImage {
  const random = createRandom(1);
  return { pixels: Uint8Array.from({ length: height * width * 3 }, () => random.integer(0, 256)), height, width };
}
