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
  reverse,
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

/** x * weight + bias, in portions of rows whose neighbourhoods fit. */
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
    const shape: MapShape = [batch, height, width, outputs];
    if (side === 1) return reshape(ofRows(reshape(x, [batch * height * width, channels])), shape);
    const portions: Tensor[] = [];
    for (const rows of neighbourhoods(x, maxChunkBytes)) {
      portions.push(ofRows(rows()));
    }
    return portions.length === 1 ? reshape(portions[0] as Tensor, shape) : reshape(concat(portions, 0), shape);
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

/** The 3 x 3 neighbourhoods [n, 9C] of a map's tokens, portion by portion, each made when it is asked for. */
function neighbourhoods(x: Tensor4D, maxChunkBytes: number): (() => Tensor2D)[] {
  const [batch, height, width, channels] = x.shape;
  const portions = (count: number, bytesEach: number): { first: number; last: number }[] => {
    const most = Math.max(1, Math.min(count, Math.floor(maxChunkBytes / bytesEach)));
    return Array.from({ length: Math.ceil(count / most) }, (_, i) => ({
      first: i * most,
      last: Math.min(count, (i + 1) * most),
    }));
  };
  if (hasKernels(kernelNames.neighbourhoodRows)) {
    return portions(batch * height * width, 9 * channels * 4).map(
      ({ first, last }) =>
        () =>
          runKernel(kernelNames.neighbourhoodRows, { x }, { begin: first, end: last }) as Tensor2D,
    );
  }
  const padded = pad(x, border) as Tensor4D;
  // bands of one image each, so that portions stand in the order of tokens
  return Array.from({ length: batch }, (_, image) => image).flatMap((image) =>
    portions(height, width * 9 * channels * 4).map(({ first, last }) => () => {
      const rows = last - first;
      const parts = neighbours.map(([dy, dx]) => slice(padded, [image, first + dy, dx, 0], [1, rows, width, channels]));
      return reshape(concat(parts, 3), [rows * width, 9 * channels]) as Tensor2D;
    }),
  );
}

/** All of them: [B * H * W, 9C]. */
function allNeighbourhoods(x: Tensor4D): Tensor2D {
  const portions = neighbourhoods(x, Number.POSITIVE_INFINITY).map((rows) => rows());
  return portions.length === 1 ? (portions[0] as Tensor2D) : (concat(portions, 0) as Tensor2D);
}

/** A convolution that keeps its input, not the neighbourhoods, which are nine times as large: they are made again for the gradient. */
function recordedConvolution(x: Tensor4D, weight: Tensor, bias: Tensor | null, shape: MapShape): Tensor {
  const [side = 1, , channels = 1, outputs = 1] = weight.shape;
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
        const own = isVariable ? weight : (kept as Tensor);
        const dRows = reshape(dy, [dy.size / outputs, outputs]) as Tensor2D;
        const rows =
          side === 1 ? (reshape(input, [input.size / channels, channels]) as Tensor2D) : allNeighbourhoods(input);
        const { dWeight, dBias } = weightGradients(rows, dRows);
        const dx =
          side === 1
            ? reshape(inputGradient(dRows, reshape(own, [channels, outputs]) as Tensor2D), input.shape)
            : convolve(dy as Tensor4D, turned(own), null, input.shape, Number.POSITIVE_INFINITY);
        return [dx, reshape(dWeight, weight.shape), ...(bias === null ? [] : [dBias])];
      },
    };
  });
  return op(x, weight, ...(bias === null ? [] : [bias]));
}

/** The adjoint of a 3 x 3 convolution is one with the kernel turned by half a turn, from outputs to inputs. */
function turned(weight: Tensor): Tensor {
  const [side = 1, , inputs = 1, outputs = 1] = weight.shape;
  const places = reverse(reshape(weight, [side * side, inputs, outputs]), 0);
  return reshape(transpose(places, [0, 2, 1]), [side, side, outputs, inputs]);
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
