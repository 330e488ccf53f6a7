/** What a model is asked and answers, whatever computes; and what an implementation has to do. */

import type { ForwardResult, SwinCheckpoint } from '@sparsevit/backbone';
import type { RgbaImage, RgbImage } from '@sparsevit/data/pixels';
import type { HeadOps, PhotoPrediction, TaskConfig, TaskOutput } from '@sparsevit/tasks';
import type { KeptWindowIds, Sparsity } from '@sparsevit/windows';
import type { Deployment } from './deployment';

/** What computes: `engine` all cores in WebAssembly, `webgpu` a graphics card by TensorFlow.js. */
export type RuntimeBackend = 'engine' | 'webgpu';

/** What runs, and why. */
export interface RuntimeReport {
  readonly backend: RuntimeBackend;
  /** `relaxed SIMD, 2 threads`, or the name of the graphics adapter. */
  readonly detail: string;
  readonly chosenBecause: string;
  /** What was meant to run and does not: `webgpu`, `threads`, or a kernel pack. */
  readonly refused: readonly { readonly what: string; readonly reason: string }[];
}

/**
 * An image of 8-bit pixels (`ImageData` of a canvas, or `{ pixels, height, width }` of `@sparsevit/data`), or values that are normalised
 * already: [B, H, W, 3]. A task takes one image at a time, and sees values as they are.
 */
export type ModelImage =
  | RgbImage
  | RgbaImage
  | { readonly values: Float32Array; readonly shape: readonly [number, number, number, number] };

/** Sides of an image in pixels; `batch` images at once, default 1. */
export interface ModelImageSize {
  readonly height: number;
  readonly width: number;
  readonly batch?: number;
}

/** A share of windows to leave out everywhere, the notation `.3|0|.1,.2,.2|0`, a sparsity, or null for none. */
export type SparsityChoice = number | string | Sparsity | null;

/** What is asked of one prediction. */
export interface PredictOptions {
  /** Default: the sparsity saved with the checkpoint, else none. */
  readonly sparsity?: SparsityChoice;
  /** Of a task that finds boxes: those that score less are left out. 0 to 1, default 0.3. */
  readonly minScore?: number;
  /** Of a bare Swin: stages whose maps are wanted, from 0; default all. */
  readonly outputs?: readonly number[];
  /** Of a bare Swin: also the classifier's logits, where the checkpoint has a classifier; default true. */
  readonly wantsLogits?: boolean;
  /** Also which windows every block kept; default false. */
  readonly wantsWindows?: boolean;
  /** Stops it: the promise rejects with the signal's reason. On a graphics card work that is queued is not stopped. */
  readonly signal?: AbortSignal;
}

/** Values on the host, row-major. */
export interface HostMap {
  readonly values: Float32Array;
  readonly shape: readonly number[];
}

/** What came out. */
export interface Prediction {
  /** What a task says, in pixels of the image that was given: boxes, a mask, or classes by probability; null of a bare Swin. */
  readonly output: PhotoPrediction | null;
  /** Of a bare Swin: per stage the map [B, h, w, C]; null where it was not asked for, and of a task. */
  readonly features: readonly (HostMap | null)[];
  /** Of a bare Swin: [B, classes]; null without a classifier, or when not asked for, and of a task. */
  readonly logits: HostMap | null;
  /** In block order; empty when not asked for. */
  readonly windows: readonly KeptWindowIds[];
}

/** An image batch as a model takes it. */
export interface ModelInput {
  readonly values: Float32Array;
  readonly shape: readonly [number, number, number, number];
}

/** A forward with nothing left open. */
export interface ModelRequest {
  readonly sparsity: Sparsity | null;
  readonly outputs: readonly number[];
  readonly wantsLogits: boolean;
  readonly wantsWindows: boolean;
}

/** What a forward gives: of a Swin features and logits, of a task its output. */
export interface ModelForward<T> extends ForwardResult<T> {
  readonly output: TaskOutput<T> | null;
}

/** A model that an implementation has taken in. */
export interface TakenModel<T> {
  forward(image: T, request: ModelRequest): ModelForward<T>;
  dispose(): void;
}

/** What a forward gave, on the host. */
export type HostForward = Omit<Prediction, 'output'> & { readonly output: TaskOutput<HostMap> | null };

/** An image as a model sees it, and the way back. */
export interface SeenImage {
  readonly input: ModelInput;
  /** What an output for it says about the image that was given; null of a bare Swin. */
  readonly decode: ((output: TaskOutput<HostMap>, minScore: number) => PhotoPrediction) | null;
}

/** What a file holds: a bare Swin, or a task. */
export interface ModelSubject extends Pick<SwinCheckpoint, 'architecture' | 'family' | 'sparsity' | 'notes'> {
  readonly task: TaskConfig | null;
  readonly deployment: Deployment | null;
  /** Gives the weights to an implementation. */
  take<T>(ops: HeadOps<T>): TakenModel<T>;
  /**
   * Makes an image ready.
   *
   * @throws ImageError, ShapeError for what is no image
   */
  see(image: ModelImage): SeenImage;
  /**
   * What a prediction asks of the forward.
   *
   * @throws ConfigError for what this kind of model does not give
   */
  request(options: PredictOptions): Omit<ModelRequest, 'sparsity' | 'wantsWindows'>;
  /**
   * An image to warm up with.
   *
   * @throws ConfigError without a size, where the file says none; ShapeError for a size that is none
   */
  blank(size: ModelImageSize | undefined): ModelImage;
}

/** A model that something computes. */
export interface RunnableModel {
  readonly report: RuntimeReport;
  predict(input: ModelInput, request: ModelRequest, signal: AbortSignal | undefined): Promise<HostForward>;
  /** Predictions that were asked for end first. */
  dispose(): Promise<void>;
}
