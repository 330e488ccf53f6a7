/**
 * The interface over which a Swin is written once. An implementation decides what a `T` is: a TensorFlow.js tensor (`@sparsevit/ops`),
 * a shape that counts (`@sparsevit/latency`), a buffer of a static plan (`@sparsevit/engine`).
 *
 * Shape letters: B images, H x W the map in tokens, C channels, M the side of a window, n windows taken together over the batch,
 * k windows kept per image.
 *
 * What each choice is for:
 * - `mapWindows` owns the loop over windows, so that an implementation can take a chunk of windows through the whole block while it is in
 *   cache, or give chunks to workers that meet once per block.
 * - A body works first on `rows` (all slots of its windows, pads included: keys and values need them), then, from `windowAttention` on, on
 *   `tokens`: the rows that will be written back. An implementation may leave pads out of `tokens`; it says so by their shape.
 * - Weights are arguments, never captured: an op with a custom gradient gives a captured variable none.
 * - Nothing is asynchronous and nothing is read back. A count that depends on data is data (`counted`).
 */

import type { WindowGrid } from './grid';
import type { TokenScore } from './sparsity';

/** A linear layer: y = x W + b. */
export interface LinearWeights<T> {
  /** `[in, out]`: the transpose of PyTorch's layout. */
  readonly weight: T;
  /** [out] */
  readonly bias: T | null;
}

/** A layer norm over the last axis, epsilon 1e-5: y = (x - mean) / sqrt(variance + 1e-5) * weight + bias. */
export interface NormWeights<T> {
  /** [C] */
  readonly weight: T;
  /** [C] */
  readonly bias: T;
}

/** The epsilon of every layer norm in a Swin. */
export const layerNormEpsilon = 1e-5;

/** Patch embedding: a linear layer over the pixels of a patch (row, column, channel), then a norm. */
export interface PatchEmbedWeights<T> {
  /** weight [patch * patch * 3, C] */
  readonly projection: LinearWeights<T>;
  readonly norm: NormWeights<T>;
}

/** Patch merging: norm over four neighbouring tokens, then a linear layer without bias to 2C. */
export interface PatchMergingWeights<T> {
  /** [4C], neighbours in the order (0,0), (1,0), (0,1), (1,1) of (row, column) */
  readonly norm: NormWeights<T>;
  /** weight [4C, 2C] */
  readonly reduction: LinearWeights<T>;
}

/** What a linear layer does after its product: y = residual + scale * gelu(x W + b), each part optional. */
export interface LinearEpilogue<T> {
  /** Exact GELU, x * (1 + erf(x / sqrt 2)) / 2. */
  readonly gelu?: boolean;
  /** [rows, out], added last. */
  readonly residual?: T;
  /** [rows, 1], from `expandPerImage`: drop-path's factor of the image that a row belongs to. */
  readonly scale?: T;
}

/** How many windows to keep. */
export type WindowBudget =
  /** `keptPerImage` windows of each image, the best first. */
  | { readonly kind: 'topk'; readonly keptPerImage: number }
  /** Every window with score / M >= threshold (root mean square over its tokens), at least `minKept` per image. */
  | { readonly kind: 'threshold'; readonly threshold: number; readonly minKept: number };

/** Which windows of a grid a block works on. */
export type Selection<T> =
  | { readonly kind: 'all' }
  /** [B, k] int32 window ids of each image, by falling score; k is known without running. `ids` is null when k is 0. */
  | { readonly kind: 'topk'; readonly ids: T | null; readonly keptPerImage: number }
  /** [total] int32 global window ids (image * windowsPerImage + window), by image, then by falling score; how many is data. */
  | { readonly kind: 'counted'; readonly ids: T | null };

/** A batch of windows inside `mapWindows`. Implementations add what they need; a body passes it on and reads only these. */
export interface WindowBatch<T> {
  readonly grid: WindowGrid;
  /** [tokens, C] the rows that are written back: every slot of the windows, or every slot but the pads. */
  readonly tokens: T;
}

/** The operations of a sparse Swin. */
export interface WindowOps<T> {
  /** Takes a weight in; `key` names it uniquely inside a model (`stages.0.blocks.1.qkv.weight`). The caller ends it with `freeWeight`. */
  fromWeights(values: Float32Array, shape: readonly number[], key: string): T;
  freeWeight(weight: T): void;

  /** The shape of a value. */
  shapeOf(x: T): readonly number[];
  /** Runs `run` and frees what it made but did not return. */
  scope<R>(run: () => R): R;
  /** The forward needs this value no more (a map that the next block replaced). */
  release(x: T): void;

  /** Image [B, H, W, 3] -> map [B, H/P, W/P, C], rounded up (`pad`: zeros) or down (`crop`). */
  patchEmbed(image: T, weights: PatchEmbedWeights<T>, options: { patchSize: number; remainder: 'pad' | 'crop' }): T;
  /** Map [B, H, W, C] -> [B, ceil(H/2), ceil(W/2), 2C]; an odd side is completed with zeros before the norm. */
  patchMerging(x: T, weights: PatchMergingWeights<T>): T;
  /** Layer norm over the last axis of rows or of a map. */
  layerNorm(x: T, weights: NormWeights<T>): T;
  /** Rows [n, in] -> [n, out]. */
  linear(x: T, weights: LinearWeights<T>, epilogue?: LinearEpilogue<T>): T;
  /** Map [B, H, W, C] -> [B, C], the mean over tokens. */
  averagePool(x: T): T;

  /** Map [B, H, W, C] -> importance of each token [B, H, W]; with a gradient, where the implementation has any, only when it `isLearnt`. */
  magnitude(x: T, score: TokenScore, options?: { readonly isLearnt?: boolean }): T;
  /** Importance [B, H, W] -> score of each window [B, windowsPerImage]: L2 norm over its tokens, pads counted as zeros or left out. */
  windowScores(magnitude: T, grid: WindowGrid, pads: 'counted' | 'left-out'): T;
  /** The best windows by score. */
  selectWindows(scores: T, grid: WindowGrid, budget: WindowBudget): Selection<T>;
  /** The first `keptPerImage` windows of a ranking; the ranking itself when it is not longer. */
  prefix(selection: Selection<T>, keptPerImage: number): Selection<T>;
  /** Given window ids instead of ranked ones: `ids` is [B, keptPerImage] on the host. A recorder fixes them in its plan. */
  givenWindows(ids: Int32Array, grid: WindowGrid, keptPerImage: number): Selection<T>;

  /**
   * Applies `body` to the windows of the selection; returns the map [B, H, W, C] with its rows written back and all else as it was.
   * `takesMap`: the caller has no more use for x but to release it, so that its memory may become the result's.
   */
  mapWindows(
    x: T,
    selection: Selection<T>,
    grid: WindowGrid,
    body: (windows: WindowBatch<T>) => T,
    options?: { readonly takesMap?: boolean },
  ): T;
  /**
   * The first norm of a block, on the rows that attention reads: every slot of the windows, or `tokens` and one row that stands for all
   * pads, since they are alike: norm(0) under the pad rule `before-norm`, 0 under `after-norm`. A body maps them row by row.
   */
  normWindows(windows: WindowBatch<T>, weights: NormWeights<T>): T;
  /**
   * softmax(q kᵀ / sqrt(d) + position bias + shift mask) v in each window and head: qkv of the rows of `normWindows` [rows, 3C] (q | k | v,
   * each head after head) and a bias table [(2M - 1)², heads] -> [tokens, C].
   */
  windowAttention(windows: WindowBatch<T>, qkv: T, biasTable: T): T;
  /** One factor per image, given on the host [B] -> [tokens, 1], the factor of the image of each row. Only training needs it. */
  expandPerImage(windows: WindowBatch<T>, factors: Float32Array): T;
}
