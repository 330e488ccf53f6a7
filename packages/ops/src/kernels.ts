/**
 * The seam for fused kernels. An op here is a shape check, then the fused kernel of the active backend if a pack registered one, else the
 * reference path of plain TensorFlow.js ops.
 *
 * A pack registers a forward with `tf.registerKernel({ kernelName: kernelNames.linear, backendName: 'wasm', kernelFunc })` and its gradient
 * with `tf.registerGradient({ kernelName: kernelNames.linear, inputsToSave, gradFunc })`, as TensorFlow.js's own backends do. A pack
 * without a gradient is used for inference only: under a gradient tape the op takes the reference path. A pack that keeps something per weight
 * (a packed copy, keyed by `dataId`) drops it when the backend's `disposeData` is called for that id, as it is when a model is disposed.
 */

import type { TokenScore, WindowGrid } from '@sparsevit/windows';
import type { NamedAttrMap, NamedTensorMap, Tensor } from './tensor';
import { engine, getBackend, getGradient, getKernel } from './tensor';

/** The names under which packs register their kernels. */
export const kernelNames = {
  layerNorm: 'SparseViTLayerNorm',
  linear: 'SparseViTLinear',
  magnitude: 'SparseViTMagnitude',
  windowScores: 'SparseViTWindowScores',
  gatherWindows: 'SparseViTGatherWindows',
  normWindows: 'SparseViTNormWindows',
  scatterWindows: 'SparseViTScatterWindows',
  windowAttention: 'SparseViTWindowAttention',
} as const;

/** What each kernel is given and gives: the contract between this package and a kernel pack. Grids travel as plain data. */
export interface KernelContracts {
  /** x [..., C], weight [C], bias [C] -> as x */
  [kernelNames.layerNorm]: { inputs: 'x' | 'weight' | 'bias'; attributes: { epsilon: number } };
  /** x [n, in], weight [in, out], bias? [out], residual? [n, out], scale? [n, 1] -> [n, out] = residual + scale * gelu(x W + b) */
  [kernelNames.linear]: { inputs: 'x' | 'weight' | 'bias' | 'residual' | 'scale'; attributes: { gelu: boolean } };
  /** x [B, H, W, C] -> [B, H, W] */
  [kernelNames.magnitude]: { inputs: 'x'; attributes: { score: TokenScore } };
  /** magnitude [B, H, W] -> [B, windowsPerImage] */
  [kernelNames.windowScores]: { inputs: 'magnitude'; attributes: { grid: WindowGrid; pads: 'counted' | 'left-out' } };
  /** x [B, H, W, C], ids [n] int32 global window ids -> [n * M * M, C]; pad rows may hold anything finite */
  [kernelNames.gatherWindows]: { inputs: 'x' | 'ids'; attributes: { grid: WindowGrid } };
  /** x [B, H, W, C], ids [n], weight [C], bias [C] -> [n * M * M, C]: the windows gathered and normed at once, pads by `grid.pad` */
  [kernelNames.normWindows]: {
    inputs: 'x' | 'ids' | 'weight' | 'bias';
    attributes: { grid: WindowGrid; epsilon: number };
  };
  /** x [B, H, W, C], ids [n], rows [n * M * M, C] -> x with the rows written to their tokens, pad rows dropped */
  [kernelNames.scatterWindows]: { inputs: 'x' | 'ids' | 'rows'; attributes: { grid: WindowGrid } };
  /** qkv [n * M * M, 3C], biasTable [(2M - 1)², heads], ids [n] int32 global window ids -> [n * M * M, C] */
  [kernelNames.windowAttention]: { inputs: 'qkv' | 'biasTable' | 'ids'; attributes: { grid: WindowGrid } };
}

/** True when the active backend has this kernel, and its gradient if one is being recorded. */
export function hasKernel(name: keyof KernelContracts): boolean {
  if (getKernel(name, getBackend()) === undefined) return false;
  return !engine().isTapeOn() || getGradient(name) !== undefined;
}

/** Runs a registered kernel; call after `hasKernel`. */
export function runKernel<Name extends keyof KernelContracts>(
  name: Name,
  inputs: Partial<Record<KernelContracts[Name]['inputs'], Tensor>>,
  attributes: KernelContracts[Name]['attributes'],
): Tensor {
  // TensorFlow.js types attributes as numbers, strings and arrays; a grid is a plain record of those.
  return engine().runKernel(name, inputs as NamedTensorMap, attributes as unknown as NamedAttrMap) as Tensor;
}
