/** What a model is asked and answers, whatever computes; and what an implementation has to do. */

import type { RgbaImage, RgbImage } from '@sparsevit/data';
import type { KeptWindowIds, Sparsity } from '@sparsevit/windows';

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
 * already: [B, H, W, 3].
 */
export type ModelImage =
  | RgbImage
  | RgbaImage
  | { readonly values: Float32Array; readonly shape: readonly [number, number, number, number] };

/** A share of windows to leave out everywhere, the notation `.3|0|.1,.2,.2|0`, a sparsity, or null for none. */
export type SparsityChoice = number | string | Sparsity | null;

/** What is asked of one prediction. */
export interface PredictOptions {
  /** Default: the sparsity saved with the checkpoint, else none. */
  readonly sparsity?: SparsityChoice;
  /** Stages whose maps are wanted, from 0; default all. */
  readonly outputs?: readonly number[];
  /** Also the classifier's logits, where the checkpoint has a classifier; default true. */
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
  /** Per stage the map [B, h, w, C]; null where it was not asked for. */
  readonly features: readonly (HostMap | null)[];
  /** [B, classes]; null without a classifier, or when not asked for. */
  readonly logits: HostMap | null;
  /** In block order; empty when not asked for. */
  readonly windows: readonly KeptWindowIds[];
}

/** An image batch as a model takes it. */
export interface ModelInput {
  readonly values: Float32Array;
  readonly shape: readonly [number, number, number, number];
}

/** A prediction with nothing left open. */
export interface ModelRequest {
  readonly sparsity: Sparsity | null;
  readonly outputs: readonly number[];
  readonly wantsLogits: boolean;
  readonly wantsWindows: boolean;
}

/** A Swin that something computes. */
export interface RunnableModel {
  readonly report: RuntimeReport;
  predict(input: ModelInput, request: ModelRequest, signal: AbortSignal | undefined): Promise<Prediction>;
  /** Predictions that were asked for end first. */
  dispose(): Promise<void>;
}
