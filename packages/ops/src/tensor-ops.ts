/** `WindowOps<tf.Tensor>` and `DenseOps<tf.Tensor>`: the operations of a sparse Swin and of heads on whichever TensorFlow.js backend is active. */

import type { DenseOps, WindowOps } from '@sparsevit/windows';
import { createDenseTensorOps } from './dense-ops';
import { layerNorm, linear } from './linear';
import { mapWindows } from './map-windows';
import { patchEmbed, patchMerging } from './patches';
import { inRowChunks } from './rows';
import { givenWindows, magnitude, prefix, selectWindows, windowScores } from './scores';
import type { Tensor, Tensor2D } from './tensor';
import { dispose, keep, mean, reshape, tensor, tidy, variable } from './tensor';
import { windowAttention } from './window-attention';
import { expandPerImage, normWindows } from './window-rows';

/** How weights are held and how much memory a forward may take at once. */
export interface TensorOpsOptions {
  /** Weights become `tf.Variable`s that optimisers find; default false. */
  readonly trainable?: boolean;
  /** About how many bytes the widest intermediate of a chunk may take at inference; whole maps come on top. Default 32 MiB. */
  readonly maxChunkBytes?: number;
}

/** The operations of a sparse Swin and of heads on it. */
export type TensorOps = WindowOps<Tensor> & DenseOps<Tensor>;

/**
 * The operations of a sparse Swin, and of task heads on it, on TensorFlow.js.
 *
 * Every op runs the fused kernel of the active backend if a kernel pack registered one, and plain TensorFlow.js ops if not; all have
 * gradients on cpu, wasm and webgpu (in Node import `@sparsevit/ops/gradients` once).
 *
 * @example
 * const ops = createTensorOps();
 * const y = ops.layerNorm(tf.ones([2, 8]), { weight: tf.ones([8]), bias: tf.zeros([8]) });
 */
export function createTensorOps(options: TensorOpsOptions = {}): TensorOps {
  const { trainable = false, maxChunkBytes = 32 * 2 ** 20 } = options;
  // the widest rows of a block are those inside the MLP, four times the channels
  const maxRowsFor = (channels: number): number => Math.max(1, Math.floor(maxChunkBytes / (4 * 4 * channels)));
  const channelsOf = (x: Tensor): number => x.shape[x.shape.length - 1] ?? 1;
  return {
    fromWeights(values, shape) {
      const initial = tensor(values, [...shape], 'float32');
      if (!trainable) return keep(initial);
      const weight = variable(initial, true);
      initial.dispose();
      return weight;
    },
    freeWeight: (weight) => dispose(weight),
    shapeOf: (x) => x.shape,
    scope: (run) => tidy(run as () => Tensor) as ReturnType<typeof run>, // tidy takes any container of tensors
    release: (x) => dispose(x),
    patchEmbed: (image, weights, { patchSize, remainder }) =>
      patchEmbed(image, weights, { patchSize, remainder, maxRows: maxRowsFor(channelsOf(weights.norm.weight)) }),
    patchMerging: (x, weights) => patchMerging(x, weights, { maxRows: maxRowsFor(channelsOf(x)) }),
    layerNorm(x, weights) {
      if (x.rank <= 2) return layerNorm(x, weights);
      const channels = channelsOf(x);
      return tidy(() => {
        const rows = reshape(x, [x.size / channels, channels]) as Tensor2D;
        return reshape(
          inRowChunks(rows, maxRowsFor(channels), (part) => layerNorm(part, weights) as Tensor2D),
          x.shape,
        );
      });
    },
    linear,
    averagePool: (x) => mean(x, [1, 2]),
    magnitude: (x, score, { isLearnt = false } = {}) =>
      magnitude(x, score, { maxRows: maxRowsFor(channelsOf(x)), isLearnt }),
    windowScores,
    selectWindows,
    prefix,
    givenWindows,
    mapWindows: (x, selection, grid, body, { takesMap = false } = {}) =>
      mapWindows(x, selection, grid, body, { maxRows: maxRowsFor(channelsOf(x)), takesMap }),
    normWindows,
    windowAttention,
    expandPerImage,
    ...createDenseTensorOps({ maxChunkBytes }),
  };
}
