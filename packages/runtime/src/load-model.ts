/** From a model file to predictions: what an application needs, and no more. */

import type { LoadOptions, SwinCheckpoint } from '@sparsevit/backbone';
import { loadCheckpoint } from '@sparsevit/backbone';
import type { ImageNormalization } from '@sparsevit/config/presets';
import { imagenetNormalization, parseSparsity } from '@sparsevit/config/presets';
import type { EngineOptions } from '@sparsevit/engine';
import type { TaskConfig } from '@sparsevit/tasks';
import { isTaskFile } from '@sparsevit/tasks/is-task-file';
import type { Sparsity, SwinArchitecture } from '@sparsevit/windows';
import { BackendError, CheckpointError, ConfigError, checkSparsity, uniformSparsity } from '@sparsevit/windows';
import type { Deployment } from './deployment';
import type {
  HostForward,
  HostMap,
  ModelImage,
  ModelImageSize,
  ModelRequest,
  ModelSubject,
  Prediction,
  PredictOptions,
  RunnableModel,
  RuntimeBackend,
  RuntimeReport,
  SparsityChoice,
} from './model';
import type { ModelSource } from './source';
import { readSource } from './source';
import { startModel } from './start-model';
import { swinSubject } from './swin-model';

/** How a model is loaded. `family`, `architecture`, `prefix` and `window` are for bare Swins. */
export interface LoadModelOptions extends LoadOptions, Pick<EngineOptions, 'threads' | 'workerUrl'> {
  /** Default `auto`: a graphics card where there is one, else the engine. By name: that one or an error. */
  readonly backend?: RuntimeBackend | 'auto';
  /** What the weights were trained on; default: as a task file says, else ImageNet's mean and standard deviation. */
  readonly normalization?: ImageNormalization;
  /** How many plans the engine keeps, one for each size and sparsity in use; default 4. */
  readonly maxPlans?: number;
  /** Stops the loading. */
  readonly signal?: AbortSignal;
}

/** A Swin or a task that is ready to predict; `dispose` it when done. */
export interface LoadedModel {
  readonly architecture: SwinArchitecture;
  readonly family: SwinCheckpoint['family'];
  /** The sparsity saved with the weights, which `predict` uses; null for a dense model. */
  readonly sparsity: Sparsity | null;
  /** What a task file is for, with the names of its classes; null for a bare Swin. */
  readonly task: TaskConfig | null;
  /** What a file of `sparsevit pipeline` can be run at, for `chooseSparsity`; null for any other. */
  readonly deployment: Deployment | null;
  /** What a careful reader should know about the checkpoint, one sentence each. */
  readonly notes: readonly string[];
  /** What runs it, and why. */
  readonly report: RuntimeReport;
  /**
   * Runs the model. A task: a photo of any size -> `output`, what it says about the photo in the photo's own pixels. A bare Swin: an image -> the
   * maps of its stages and logits. Both: the windows that were kept. Several can be asked for at once; they run one after the other.
   *
   * @throws ImageError for pixels that are no image; ShapeError for values that are none, or smaller than a patch
   * @throws ConfigError for a sparsity that the architecture cannot run, a `minScore` that is none, or maps asked of a task
   * @throws CheckpointError when the weights give NaN or infinity
   * @throws BackendError after `dispose()`, without enough memory, or when a thread was lost (the next prediction has a new one)
   * @example
   * const { output } = await model.predict(context.getImageData(0, 0, canvas.width, canvas.height), { minScore: 0.5 });
   * if (output?.kind === 'boxes') for (const { className, score, x, y, width, height } of output.detections) draw(className, score);
   */
  predict(image: ModelImage, options?: PredictOptions): Promise<Prediction>;
  /**
   * Predicts once on zeros of this size, so that the first image does not wait for packed weights, plans or shaders. Returns milliseconds.
   *
   * @param size of the images to come; a task file that brings all to one size needs none
   * @throws as `predict`; ConfigError when the size is needed
   */
  warmUp(size?: ModelImageSize, options?: PredictOptions): Promise<number>;
  /** Lets threads and memory go; predictions that were asked for end first. */
  dispose(): Promise<void>;
}

const defaultMaxPlans = 4;
const defaultMinScore = 0.3;

/**
 * Loads a file of `sparsevit pipeline` or another task file, or a Swin checkpoint (safetensors or PyTorch; timm, torchvision, mmdetection,
 * Microsoft, Hugging Face or our own), and makes it ready to run: on a graphics card by TensorFlow.js where one is there and `@sparsevit/ops`, `@sparsevit/kernels-webgpu` and TensorFlow.js are installed,
 * else on all cores by `@sparsevit/engine`.
 *
 * @param source bytes, a `Blob`, or an address (in Node also a path)
 * @throws CheckpointError when the file cannot be read, is no Swin and no task, or says of itself what cannot be
 * @throws BackendError when the backend that was asked for cannot run here
 * @throws ConfigError for options that are none
 * @example
 * const model = await loadModel('https://example.com/model.safetensors');
 * const { output } = await model.predict(imageData);
 * await model.dispose();
 */
export async function loadModel(source: ModelSource, options: LoadModelOptions = {}): Promise<LoadedModel> {
  const { backend = 'auto', maxPlans = defaultMaxPlans, signal } = options;
  if (!['auto', 'engine', 'webgpu'].includes(backend)) {
    throw new ConfigError(`loadModel: expected the backend auto, engine or webgpu, got ${String(backend)}.`);
  }
  if (!Number.isInteger(maxPlans) || maxPlans < 1) {
    throw new ConfigError(`loadModel: expected maxPlans to be a whole number of at least 1, got ${maxPlans}.`);
  }
  const subject = await readSubject(await readSource(source, signal), options);
  const runnable = await startModel(subject, backend, maxPlans, options);
  return assembleModel(subject, runnable);
}

/** What heads and decoding need is downloaded only for a task file. */
async function readSubject(bytes: Uint8Array, options: LoadModelOptions): Promise<ModelSubject> {
  if (isTaskFile(bytes)) return (await import('./task-model')).openTask(bytes, options);
  const { family, architecture, prefix, window, normalization = imagenetNormalization } = options;
  return swinSubject(loadCheckpoint(bytes, { family, architecture, prefix, window }), normalization);
}

function assembleModel(subject: ModelSubject, runnable: RunnableModel): LoadedModel {
  const { architecture, family, sparsity: saved, notes, task, deployment } = subject;
  let disposal: Promise<void> | null = null;

  const predict = async (image: ModelImage, options: PredictOptions = {}): Promise<Prediction> => {
    const { sparsity = saved, minScore = defaultMinScore, wantsWindows = false, signal } = options;
    if (disposal !== null) {
      throw new BackendError('predict: expected a model in use, got one after dispose(). Load it again.');
    }
    signal?.throwIfAborted();
    if (!(typeof minScore === 'number' && minScore >= 0 && minScore <= 1)) {
      throw new ConfigError(`predict: expected minScore to be from 0 to 1, got ${String(minScore)}.`);
    }
    const request: ModelRequest = {
      ...subject.request(options),
      sparsity: resolveSparsity(sparsity, architecture),
      wantsWindows,
    };
    const { input, decode } = subject.see(image);
    const { output, ...maps } = await runnable.predict(input, request, signal);
    checkFinite({ output, ...maps });
    return { output: output === null || decode === null ? null : decode(output, minScore), ...maps };
  };

  return {
    architecture,
    family,
    sparsity: saved,
    task,
    deployment,
    notes,
    report: runnable.report,
    predict,
    async warmUp(size, options) {
      const start = performance.now();
      await predict(subject.blank(size), options);
      return performance.now() - start;
    },
    dispose() {
      disposal ??= runnable.dispose();
      return disposal;
    },
  };
}

/** @throws ConfigError for a sparsity that the architecture cannot run */
function resolveSparsity(sparsity: SparsityChoice, architecture: SwinArchitecture): Sparsity | null {
  if (sparsity === null) return null;
  if (typeof sparsity === 'string') return parseSparsity(sparsity, architecture);
  const value = typeof sparsity === 'number' ? uniformSparsity(architecture, sparsity) : sparsity;
  return checkSparsity(architecture, value);
}

/** A sum is finite when all its values are: doubles have room for any number of floats. */
function checkFinite({ features, logits, output }: HostForward): void {
  const maps: [name: string, map: HostMap | null][] = features.map((map, stage) => [
    `the output of stage ${stage}`,
    map,
  ]);
  maps.push(['the logits', logits]);
  for (const [name, map] of Object.entries(output ?? {})) {
    if (typeof map === 'object') maps.push([`the task's ${name}`, map]);
  }
  for (const [name, map] of maps) {
    if (map === null) continue;
    let sum = 0;
    for (const value of map.values) sum += value;
    if (Number.isFinite(sum)) continue;
    throw new CheckpointError(
      `predict: expected finite values, got NaN or infinite ones in ${name}. The weights are damaged, or do not go with this input.`,
    );
  }
}
