/** From a model file to predictions: what an application needs, and no more. */

import type { LoadOptions, SwinCheckpoint } from '@sparsevit/backbone';
import { loadCheckpoint } from '@sparsevit/backbone';
import type { ImageNormalization } from '@sparsevit/config/presets';
import { imagenetNormalization, parseSparsity } from '@sparsevit/config/presets';
import type { EngineOptions } from '@sparsevit/engine';
import { createEngine } from '@sparsevit/engine';
import type { Sparsity, SwinArchitecture } from '@sparsevit/windows';
import {
  BackendError,
  CheckpointError,
  ConfigError,
  checkSparsity,
  SparseViTError,
  uniformSparsity,
} from '@sparsevit/windows';
import { createEngineModel } from './engine-model';
import { inputOf } from './input';
import type {
  ModelImage,
  Prediction,
  PredictOptions,
  RunnableModel,
  RuntimeBackend,
  RuntimeReport,
  SparsityChoice,
} from './model';
import type { ModelSource } from './source';
import { readSource } from './source';

/** How a model is loaded. */
export interface LoadModelOptions extends LoadOptions, Pick<EngineOptions, 'threads' | 'workerUrl'> {
  /** Default `auto`: a graphics card where there is one, else the engine. By name: that one or an error. */
  readonly backend?: RuntimeBackend | 'auto';
  /** What the weights were trained on; default ImageNet's mean and standard deviation. */
  readonly normalization?: ImageNormalization;
  /** How many plans the engine keeps, one for each size and sparsity in use; default 4. */
  readonly maxPlans?: number;
  /** Stops the loading. */
  readonly signal?: AbortSignal;
}

/** A Swin that is ready to predict; `dispose` it when done. */
export interface LoadedModel {
  readonly architecture: SwinArchitecture;
  readonly family: SwinCheckpoint['family'];
  /** The sparsity saved with the weights, which `predict` uses; null for a dense model. */
  readonly sparsity: Sparsity | null;
  /** What a careful reader should know about the checkpoint, one sentence each. */
  readonly notes: readonly string[];
  /** What runs it, and why. */
  readonly report: RuntimeReport;
  /**
   * Runs the model: an image -> the maps of its stages, logits and kept windows. Several can be asked for at once; they run one after the
   * other.
   *
   * @throws ImageError for pixels that are no image; ShapeError for values that are none, or smaller than a patch
   * @throws ConfigError for a sparsity that the architecture cannot run
   * @throws CheckpointError when the weights give NaN or infinity
   * @throws BackendError after `dispose()`, without enough memory, or when a thread was lost (the next prediction has a new one)
   * @example
   * const { features } = await model.predict(context.getImageData(0, 0, 672, 672), { sparsity: 0.6 });
   */
  predict(image: ModelImage, options?: PredictOptions): Promise<Prediction>;
  /**
   * Predicts once on zeros of this size, so that the first image does not wait for packed weights, plans or shaders. Returns milliseconds.
   *
   * @param size height and width in pixels; `batch` images at once, default 1
   * @throws as `predict`
   */
  warmUp(
    size: { readonly height: number; readonly width: number; readonly batch?: number },
    options?: PredictOptions,
  ): Promise<number>;
  /** Lets threads and memory go; predictions that were asked for end first. */
  dispose(): Promise<void>;
}

const defaultMaxPlans = 4;

/**
 * Loads a Swin checkpoint (safetensors or PyTorch; timm, torchvision, mmdetection, Microsoft, Hugging Face or our own) and makes it ready to run:
 * on a graphics card by TensorFlow.js where one is there and `@sparsevit/ops`, `@sparsevit/kernels-webgpu` and TensorFlow.js are installed,
 * else on all cores by `@sparsevit/engine`.
 *
 * @param source bytes, a `Blob`, or an address (in Node also a path)
 * @throws CheckpointError when the file cannot be read, or is no Swin
 * @throws BackendError when the backend that was asked for cannot run here
 * @throws ConfigError for options that are none
 * @example
 * const model = await loadModel('https://example.com/swin-tiny.safetensors');
 * const { features, logits } = await model.predict(imageData, { sparsity: 0.6 });
 * await model.dispose();
 */
export async function loadModel(source: ModelSource, options: LoadModelOptions = {}): Promise<LoadedModel> {
  const { backend = 'auto', maxPlans = defaultMaxPlans, normalization = imagenetNormalization, signal } = options;
  if (!['auto', 'engine', 'webgpu'].includes(backend)) {
    throw new ConfigError(`loadModel: expected the backend auto, engine or webgpu, got ${String(backend)}.`);
  }
  if (!Number.isInteger(maxPlans) || maxPlans < 1) {
    throw new ConfigError(`loadModel: expected maxPlans to be a whole number of at least 1, got ${maxPlans}.`);
  }
  const { family, architecture, prefix, window } = options;
  const bytes = await readSource(source, signal);
  const checkpoint = loadCheckpoint(bytes, { family, architecture, prefix, window });
  const runnable = await startModel(checkpoint, backend, maxPlans, options);
  return assembleModel(checkpoint, runnable, normalization);
}

async function startModel(
  checkpoint: SwinCheckpoint,
  backend: RuntimeBackend | 'auto',
  maxPlans: number,
  { threads, workerUrl, signal }: LoadModelOptions,
): Promise<RunnableModel> {
  signal?.throwIfAborted();
  const isAuto = backend === 'auto';
  const chosenBecause = isAuto ? 'the first of webgpu, engine that works here' : 'asked for by name';
  const refused: { what: string; reason: string }[] = [];
  if (backend !== 'engine') {
    try {
      return await startWebgpu(checkpoint, { takesSoftware: !isAuto, chosenBecause });
    } catch (error) {
      if (!isAuto || !SparseViTError.isInstance(error) || error.code !== 'backend') throw error;
      refused.push({ what: 'webgpu', reason: error.message });
    }
  }
  signal?.throwIfAborted();
  const engine = await createEngine({
    ...(threads === undefined ? {} : { threads }),
    ...(workerUrl === undefined ? {} : { workerUrl }),
  });
  try {
    return createEngineModel(engine, checkpoint, { maxPlans, why: { chosenBecause, refused } });
  } catch (error) {
    await engine.dispose();
    throw error;
  }
}

/** @throws BackendError when TensorFlow.js is not installed, or there is no WebGPU, or no adapter */
async function startWebgpu(
  checkpoint: SwinCheckpoint,
  options: { takesSoftware: boolean; chosenBecause: string },
): Promise<RunnableModel> {
  const hasOwn = (globalThis.navigator as { gpu?: unknown } | undefined)?.gpu !== undefined;
  // In Node WebGPU is a package: without it there is no need to load TensorFlow.js
  if (!hasOwn) await loadDawn();
  let createWebgpuModel: typeof import('./webgpu-model').createWebgpuModel;
  try {
    ({ createWebgpuModel } = await import('./webgpu-model'));
  } catch (cause) {
    throw new BackendError(
      `webgpu: expected @sparsevit/ops, @sparsevit/kernels-webgpu, @tensorflow/tfjs-core and @tensorflow/tfjs-backend-webgpu to be installed, got ${messageOf(cause)}`,
      { cause },
    );
  }
  return createWebgpuModel(checkpoint, { ...options, loadDawn });
}

/** The optional peer `webgpu` (Dawn), for Node. */
async function loadDawn(): Promise<unknown> {
  const name = 'webgpu'; // only in Node: a name that no bundler follows
  try {
    return await import(/* @vite-ignore */ /* webpackIgnore: true */ name);
  } catch (cause) {
    throw new BackendError(
      `webgpu: expected navigator.gpu, or in Node the npm package webgpu, got neither (${messageOf(cause)}).`,
      { cause },
    );
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function assembleModel(
  checkpoint: SwinCheckpoint,
  runnable: RunnableModel,
  normalization: ImageNormalization,
): LoadedModel {
  const { architecture, family, sparsity: saved, notes } = checkpoint;
  let disposal: Promise<void> | null = null;

  const predict = async (image: ModelImage, options: PredictOptions = {}): Promise<Prediction> => {
    const { sparsity = saved, outputs, wantsLogits = true, wantsWindows = false, signal } = options;
    if (disposal !== null) {
      throw new BackendError('predict: expected a model in use, got one after dispose(). Load it again.');
    }
    signal?.throwIfAborted();
    const request = {
      sparsity: resolveSparsity(sparsity, architecture),
      outputs: [...new Set(outputs ?? architecture.depths.keys())].sort((a, b) => a - b),
      wantsLogits,
      wantsWindows,
    };
    const prediction = await runnable.predict(inputOf(image, normalization), request, signal);
    checkFinite(prediction);
    return prediction;
  };

  return {
    architecture,
    family,
    sparsity: saved,
    notes,
    report: runnable.report,
    predict,
    async warmUp({ height, width, batch = 1 }, options) {
      const start = performance.now();
      const shape = [batch, height, width, 3] as const;
      const count = shape.reduce((product, side) => product * side, 1);
      await predict({ values: new Float32Array(Number.isInteger(count) && count > 0 ? count : 0), shape }, options);
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
function checkFinite({ features, logits }: Prediction): void {
  const maps = [
    ...features.map((map, stage) => [`the output of stage ${stage}`, map] as const),
    ['the logits', logits] as const,
  ];
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
