/**
 * `DenseOps<tf.Tensor>`: what task heads on a backbone need, on whole maps, with gradients on every backend. Convolutions and resizing are
 * matrix products here: TensorFlow.js's wasm backend has neither the filter gradient of a convolution nor that of a bilinear resize, whose
 * gradient is moreover wrong for half-pixel centres on the others (it drops the flag).
 */

import type { DenseOps } from '@sparsevit/windows';
import {
  checkAddShape,
  checkConcatenateShape,
  checkConvolutionShape,
  checkGroupNormShape,
  checkPoolToShape,
  checkUpsampleShape,
  kernelNames,
} from '@sparsevit/windows';
import { hasKernels, isRecording, runKernel, runKernelOfSeveral } from './kernels';
import { linear } from './linear';
import { pooling, resizeByProducts, upsampling } from './resize';
import type { Tensor, Tensor2D, Tensor4D } from './tensor';
import {
  add,
  concat,
  customGrad,
  matMul,
  mean,
  mul,
  pad,
  relu,
  reshape,
  resizeBilinear,
  rsqrt,
  slice,
  square,
  sub,
  sum,
  tidy,
  transpose,
  Variable,
  zeros,
} from './tensor';

type Save = (tensors: Tensor[]) => void;
type MapShape = [number, number, number, number];

const groupNormEpsilon = 1e-5;

/**
 * The operations of heads on TensorFlow.js.
 *
 * @param options.maxChunkBytes about how many bytes the neighbourhoods of a convolution may take at once while nothing is recorded
 */
export function createDenseTensorOps({ maxChunkBytes }: { maxChunkBytes: number }): DenseOps<Tensor> {
  return {
    convolution(x, weight, bias) {
      const shape = checkConvolutionShape(x.shape, weight.shape, bias?.shape);
      if (x.size === 0) return zeros(shape);
      if (isRecording()) return recordedConvolution(x as Tensor4D, weight, bias, shape);
      return convolve(x as Tensor4D, weight, bias, shape, maxChunkBytes);
    },

    groupNorm(x, weight, bias, groups) {
      const [batch, height, width, channels] = checkGroupNormShape(x.shape, weight.shape, bias.shape, groups);
      return tidy(() => {
        const grouped = reshape(x, [batch, height * width, groups, channels / groups]);
        const centred = sub(grouped, mean(grouped, [1, 3], true));
        const deviation = rsqrt(add(mean(square(centred), [1, 3], true), groupNormEpsilon));
        return add(mul(reshape(mul(centred, deviation), [batch, height, width, channels]), weight), bias);
      });
    },

    upsample(x, height, width) {
      const shape = checkUpsampleShape(x.shape, height, width);
      if (!isRecording()) return tidy(() => resizeBilinear(x as Tensor4D, [height, width], false, true));
      return tidy(() => resizeByProducts(x, shape, upsampling));
    },

    poolTo(x, height, width) {
      const shape = checkPoolToShape(x.shape, height, width);
      if (x.size === 0) return zeros(shape);
      return tidy(() => resizeByProducts(x, shape, pooling));
    },

    concatenate(parts) {
      checkConcatenateShape(parts.map(({ shape }) => shape));
      return concat([...parts], 3);
    },

    add(a, b) {
      checkAddShape(a.shape, b.shape);
      return add(a, b);
    },

    relu: (x) => relu(x),
  };
}

/** x * weight + bias, in bands of rows whose neighbourhoods fit. */
function convolve(
  x: Tensor4D,
  weight: Tensor,
  bias: Tensor | null,
  [batch, height, width, outputs]: MapShape,
  maxChunkBytes: number,
): Tensor {
  const [side = 1, , channels = 1] = weight.shape;
  return tidy(() => {
    const matrix = reshape(weight, [side * side * channels, outputs]) as Tensor2D;
    const ofRows = (rows: Tensor): Tensor => linear(rows, { weight: matrix, bias });
    if (side === 1) {
      return reshape(ofRows(reshape(x, [batch * height * width, channels])), [batch, height, width, outputs]);
    }
    const bytesPerRow = batch * width * 9 * channels * 4;
    const band = Math.max(1, Math.min(height, Math.floor(maxChunkBytes / bytesPerRow)));
    const padded = pad(x, border) as Tensor4D;
    const bands: Tensor[] = [];
    for (let first = 0; first < height; first += band) {
      const rows = Math.min(band, height - first);
      bands.push(tidy(() => reshape(ofRows(neighbourhoods(padded, first, rows)), [batch, rows, width, outputs])));
    }
    return bands.length === 1 ? (bands[0] as Tensor) : concat(bands, 1);
  });
}

const border: [number, number][] = [
  [0, 0],
  [1, 1],
  [1, 1],
  [0, 0],
];
/** Where the nine neighbours lie in a padded map. */
const neighbours = Array.from({ length: 9 }, (_, i) => [Math.floor(i / 3), i % 3] as const);

/** The 3 x 3 neighbourhoods of some rows of a padded map [B, H + 2, W + 2, C] -> [B * rows * W, 9C]. */
function neighbourhoods(padded: Tensor4D, first: number, rows: number): Tensor2D {
  const [batch, , paddedWidth, channels] = padded.shape;
  const width = paddedWidth - 2;
  const parts = neighbours.map(([y, x]) => slice(padded, [0, first + y, x, 0], [batch, rows, width, channels]));
  return reshape(concat(parts, 3), [batch * rows * width, 9 * channels]) as Tensor2D;
}

/** Adjoint of `neighbourhoods` of a whole map: [B * H * W, 9C] -> [B, H, W, C]. */
function foldNeighbourhoods(gradient: Tensor, [batch, height, width, channels]: MapShape): Tensor {
  const parts = reshape(gradient, [batch, height, width, 9 * channels]);
  let total: Tensor | null = null;
  for (const [i, [y, x]] of neighbours.entries()) {
    const part = slice(parts, [0, 0, 0, i * channels], [batch, height, width, channels]);
    const placed = pad(part, [
      [0, 0],
      [y, 2 - y],
      [x, 2 - x],
      [0, 0],
    ]);
    total = total === null ? placed : add(total, placed);
  }
  return slice(total as Tensor, [0, 1, 1, 0], [batch, height, width, channels]);
}

/** A convolution that keeps its input, not the neighbourhoods, which are nine times as large: they are made again for the gradient. */
function recordedConvolution(x: Tensor4D, weight: Tensor, bias: Tensor | null, shape: MapShape): Tensor {
  const [side = 1, , channels = 1, outputs = 1] = weight.shape;
  const depth = side * side * channels;
  // What is saved is copied on wasm. A variable outlives the gradient, so it need not be.
  const isVariable = weight instanceof Variable;
  const op = customGrad((...args) => {
    const save = args.pop() as unknown as Save;
    const [x, weightIn] = args as Tensor[];
    save(isVariable ? [x as Tensor] : [x as Tensor, weightIn as Tensor]);
    return {
      value: convolve(x as Tensor4D, weightIn as Tensor, bias, shape, Number.POSITIVE_INFINITY),
      gradFunc: (dy: Tensor, saved: Tensor[]): Tensor[] => {
        const [input, kept] = saved as [Tensor4D, Tensor | undefined];
        const matrix = reshape(isVariable ? weight : (kept as Tensor), [depth, outputs]) as Tensor2D;
        const dRows = reshape(dy, [dy.size / outputs, outputs]) as Tensor2D;
        const rows =
          side === 1
            ? (reshape(input, [input.size / channels, channels]) as Tensor2D)
            : neighbourhoods(pad(input, border) as Tensor4D, 0, input.shape[1]);
        const { dWeight, dBias } = weightGradients(rows, dRows);
        const dInputs = inputGradient(dRows, matrix);
        const dx = side === 1 ? reshape(dInputs, input.shape) : foldNeighbourhoods(dInputs, input.shape);
        return [dx, reshape(dWeight, weight.shape), ...(bias === null ? [] : [dBias])];
      },
    };
  });
  return op(x, weight, ...(bias === null ? [] : [bias]));
}

function weightGradients(x: Tensor2D, dy: Tensor2D): { dWeight: Tensor; dBias: Tensor } {
  if (hasKernels(kernelNames.linearWeightGradient)) {
    const [dWeight, dBias] = runKernelOfSeveral(kernelNames.linearWeightGradient, { x, dy }, {}) as [Tensor, Tensor];
    return { dWeight, dBias };
  }
  return { dWeight: matMul(transpose(x), dy), dBias: sum(dy, 0) };
}

function inputGradient(dy: Tensor2D, weight: Tensor2D): Tensor {
  if (hasKernels(kernelNames.linearInputGradient)) {
    return runKernel(kernelNames.linearInputGradient, { dy, weight }, {});
  }
  return matMul(dy, transpose(weight));
}
