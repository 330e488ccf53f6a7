/**
 * The seam for fused kernels as a vocabulary: what each kernel is called, what it is given and what it gives. `@sparsevit/ops` runs a kernel
 * where the active backend has it, and plain TensorFlow.js ops where not; a kernel pack registers kernels under these names and imports nothing
 * of `@sparsevit/ops`. Gradients are kernels too, so that the rules of differentiation stand once, in `@sparsevit/ops`.
 */

import type { WindowGrid } from './grid';
import type { TokenScore } from './sparsity';

/** The names under which packs register their kernels. */
export const kernelNames = {
  linear: 'SparseViTLinear',
  linearInputGradient: 'SparseViTLinearInputGradient',
  linearWeightGradient: 'SparseViTLinearWeightGradient',
  gelu: 'SparseViTGelu',
  geluGradient: 'SparseViTGeluGradient',
  layerNorm: 'SparseViTLayerNorm',
  layerNormGradient: 'SparseViTLayerNormGradient',
  gatherRows: 'SparseViTGatherRows',
  scatterRows: 'SparseViTScatterRows',
  windowAttention: 'SparseViTWindowAttention',
  windowAttentionGradient: 'SparseViTWindowAttentionGradient',
  magnitude: 'SparseViTMagnitude',
  windowScores: 'SparseViTWindowScores',
  selectWindows: 'SparseViTSelectWindows',
  neighbourhoodRows: 'SparseViTNeighbourhoodRows',
} as const;

/** The name of a kernel. */
export type KernelName = (typeof kernelNames)[keyof typeof kernelNames];

/** What a layer norm does beside its rows. */
export interface LayerNormAttributes {
  readonly epsilon: number;
  /**
   * What stands in for a pad: with `index` its own row (`x[index]`, -1 being a pad), without it one row more at the end of the output.
   * `bias`: the norm of a row of zeros. `zero`: a row of zeros. `none`: there are no pads.
   */
  readonly padRow: 'none' | 'bias' | 'zero';
}

/** How attention finds its rows. */
export interface WindowAttentionAttributes {
  /** M: a window has M * M slots. */
  readonly window: number;
  readonly shiftY: number;
  readonly shiftX: number;
  /** Rows of the output: the first `tokens` rows of qkv; the last row of qkv beyond them, if there is one, is what every pad reads. */
  readonly tokens: number;
}

/**
 * What each kernel is given and gives: the contract between `@sparsevit/ops` and a kernel pack. All values are float32 but for `index`,
 * `slots`, `classes` and `ids`, which are int32. A `?` marks an input that may be absent. Kernels never see zero rows, and every index has
 * been checked, or was made by a ranking.
 */
export interface KernelContracts {
  /** x [n, in], weight [in, out], bias? [out], residual? [n, out], scale? [n, 1] -> [n, out] = residual + scale * gelu(x W + b) */
  [kernelNames.linear]: { inputs: 'x' | 'weight' | 'bias' | 'residual' | 'scale'; attributes: { gelu: boolean } };
  /** dy [n, out], weight [in, out] -> dy Wᵀ [n, in] */
  [kernelNames.linearInputGradient]: { inputs: 'dy' | 'weight'; attributes: Record<never, never> };
  /** x [n, in], dy [n, out] -> [xᵀ dy [in, out], sum of dy over rows [out]] */
  [kernelNames.linearWeightGradient]: { inputs: 'x' | 'dy'; attributes: Record<never, never> };
  /** x of any shape -> x * (1 + erf(x / sqrt 2)) / 2, to 1e-6 */
  [kernelNames.gelu]: { inputs: 'x'; attributes: Record<never, never> };
  /** x, dy of one shape -> dy * gelu'(x) */
  [kernelNames.geluGradient]: { inputs: 'x' | 'dy'; attributes: Record<never, never> };
  /** x [R, C], weight [C], bias [C], index? [n] -> [n, C], the norm of the rows `x[index]` (of all rows without an index); pads as `padRow` says */
  [kernelNames.layerNorm]: { inputs: 'x' | 'weight' | 'bias' | 'index'; attributes: LayerNormAttributes };
  /**
   * x [R, C], weight [C], dy (as the output of the norm), index? [n] -> [dx [R, C], dWeight [C], dBias [C]]; rows of x that no index
   * names get a gradient of 0. An index other than -1 is named once.
   */
  [kernelNames.layerNormGradient]: { inputs: 'x' | 'weight' | 'dy' | 'index'; attributes: LayerNormAttributes };
  /** x [R, C], index [n] -> [n, C] = x[index]; a row of zeros for -1 */
  [kernelNames.gatherRows]: { inputs: 'x' | 'index'; attributes: Record<never, never> };
  /**
   * x? [count, C], index [n], rows? [n, C] -> [count, C]: x with `rows` written at `index`, which names no row twice; -1 drops its row.
   * Without x the other rows are 0; without rows zeros are written (then there is an x). `inPlace`: x is the caller's to give away, and the
   * result may be x with its memory (the caller disposes x afterwards, as any input).
   */
  [kernelNames.scatterRows]: { inputs: 'x' | 'index' | 'rows'; attributes: { count: number; inPlace: boolean } };
  /**
   * qkv [r, 3C] (q | k | v, in each head after head), biasTable [(2M - 1)², heads], slots? [n * M * M], classes? [n]
   * -> softmax(q kᵀ / sqrt(d) + bias + mask) v [tokens, C].
   *
   * `slots`: the row of qkv that each slot of each window reads; without it slot i reads row i. A slot whose row is `tokens` or more (a pad)
   * is read as key and value, and not written; every row below `tokens` is read by exactly one slot. Without `slots` r = tokens = n * M * M.
   * `classes`: the mask class of each window; all `inner` without it.
   */
  [kernelNames.windowAttention]: {
    inputs: 'qkv' | 'biasTable' | 'slots' | 'classes';
    attributes: WindowAttentionAttributes;
  };
  /** The same inputs and dy [tokens, C] -> [dqkv [r, 3C], dBiasTable [(2M - 1)², heads]]; a pad row's gradient is the sum over its slots */
  [kernelNames.windowAttentionGradient]: {
    inputs: 'qkv' | 'biasTable' | 'slots' | 'classes' | 'dy';
    attributes: WindowAttentionAttributes;
  };
  /** x [n, C] -> [n]: the mean of |x| over channels (`l1-mean`) or sqrt of the sum of x² (`l2`) */
  [kernelNames.magnitude]: { inputs: 'x'; attributes: { score: TokenScore } };
  /** magnitude [B, H, W] -> [B, windowsPerImage]: L2 norm over a window's tokens; `left-out`: times sqrt(M * M / real tokens) */
  [kernelNames.windowScores]: {
    inputs: 'magnitude';
    attributes: { grid: WindowGrid; pads: 'counted' | 'left-out' };
  };
  /** scores [B, n] -> ids [B, keptPerImage] int32 by falling score; ties: the lower id first; a NaN is the least */
  [kernelNames.selectWindows]: { inputs: 'scores'; attributes: { keptPerImage: number } };
  /** x [B, H, W, C] -> [end - begin, 9C]: the 3 x 3 neighbours of the tokens from `begin` to `end` of B * H * W, row by row, 0 beyond the border */
  [kernelNames.neighbourhoodRows]: { inputs: 'x'; attributes: { begin: number; end: number } };
}

/**
 * A kernel pack: fused kernels for one backend of TensorFlow.js.
 *
 * `install` registers them for the active backend under `kernelNames`; installing twice is installing once.
 */
export interface KernelPack {
  /** The package: `@sparsevit/kernels-wasm`. */
  readonly name: string;
  /** The backend it is for. */
  readonly backend: 'wasm' | 'webgpu';
  /**
   * @throws BackendError when the active backend is another, or lacks the internals that the pack relies on; nothing is registered then
   */
  install(): Promise<InstalledPack>;
}

/** An installed pack. */
export interface InstalledPack {
  /** What was chosen for this machine: `relaxed SIMD`. */
  readonly detail: string;
  /** The kernels it registered. */
  readonly kernels: readonly KernelName[];
  /** Takes them out again and frees what they hold. */
  uninstall(): void;
}
