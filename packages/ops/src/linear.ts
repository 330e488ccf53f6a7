/** Linear layers with their epilogues, layer norm and GELU, over the last axis. */

import type { LayerNormAttributes, LinearEpilogue, LinearWeights, NormWeights } from '@sparsevit/windows';
import { checkLayerNormShape, checkLinearShape, kernelNames, layerNormEpsilon } from '@sparsevit/windows';
import { hasKernels, isRecording, runKernel, runKernelOfSeveral } from './kernels';
import type { Tensor, Tensor1D, Tensor2D } from './tensor';
import {
  add,
  concat,
  customGrad,
  erf,
  fused,
  matMul,
  mean,
  mul,
  reshape,
  rsqrt,
  square,
  sub,
  tidy,
  Variable,
  zeros,
} from './tensor';

type Save = (tensors: Tensor[]) => void;

/**
 * gelu(x) = x * (1 + erf(x / sqrt 2)) / 2, exact (not the tanh approximation), any shape.
 *
 * @example
 * gelu(tf.tensor1d([-1, 0, 1])); // [-0.1587, 0, 0.8413]
 */
export function gelu(x: Tensor): Tensor {
  if (x.size > 0 && hasKernels(kernelNames.gelu)) {
    if (!isRecording()) return runKernel(kernelNames.gelu, { x }, {});
    if (hasKernels(kernelNames.geluGradient)) {
      return customGrad((x, save) => {
        (save as Save)([x as Tensor]);
        return {
          value: runKernel(kernelNames.gelu, { x: x as Tensor }, {}),
          gradFunc: (dy: Tensor, saved: Tensor[]) => runKernel(kernelNames.geluGradient, { x: saved[0], dy }, {}),
        };
      })(x);
    }
  }
  return tidy(() => mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1)));
}

/**
 * y = residual + scale * gelu(x W + b), each of GELU, scale and residual optional: x [n, in] -> [n, out].
 *
 * @throws ShapeError when weights, residual or scale do not fit
 * @example
 * linear(rows, { weight: tf.ones([4, 8]), bias: tf.zeros([8]) }, { gelu: true }); // [n, 8]
 */
export function linear(x: Tensor, weights: LinearWeights<Tensor>, epilogue: LinearEpilogue<Tensor> = {}): Tensor {
  const { weight, bias } = weights;
  const { residual, scale } = epilogue;
  checkLinearShape(x.shape, weight.shape, { bias: bias?.shape, residual: residual?.shape, scale: scale?.shape });
  const hasGelu = epilogue.gelu ?? false;
  if (x.size > 0 && hasKernels(kernelNames.linear)) {
    if (!isRecording()) return runKernel(kernelNames.linear, { x, weight, bias, residual, scale }, { gelu: hasGelu });
    if (hasKernels(kernelNames.linearInputGradient, kernelNames.linearWeightGradient)) {
      // GELU and scale have gradients of their own and need what went into them: only the residual stays in the epilogue
      if (!hasGelu && !scale) return recordedLinear(x, weight, bias, residual ?? null);
      return tidy(() => {
        let y = recordedLinear(x, weight, bias, null);
        if (hasGelu) y = gelu(y);
        if (scale) y = mul(y, scale);
        return residual ? add(y, residual) : y;
      });
    }
  }
  return tidy(() => {
    let y = product(x as Tensor2D, weight as Tensor2D, bias);
    if (hasGelu) y = gelu(y);
    if (scale) y = mul(y, scale);
    return residual ? add(y, residual) : y;
  });
}

/** x W + b + residual on kernels, with its gradients. */
function recordedLinear(x: Tensor, weight: Tensor, bias: Tensor | null, residual: Tensor | null): Tensor {
  // What is saved is copied on wasm. A variable outlives the gradient, so it need not be.
  const isVariable = weight instanceof Variable;
  const optional = [bias, residual].filter((input) => input !== null);
  const op = customGrad((...args) => {
    const save = args.pop() as unknown as Save;
    const [x, weightIn] = args as Tensor[];
    save(isVariable ? [x as Tensor] : [x as Tensor, weightIn as Tensor]);
    return {
      value: runKernel(kernelNames.linear, { x, weight: weightIn, bias, residual }, { gelu: false }),
      gradFunc: (dy: Tensor, saved: Tensor[]): Tensor[] => {
        const dx = runKernel(kernelNames.linearInputGradient, { dy, weight: isVariable ? weight : saved[1] }, {});
        const [dWeight, dBias] = runKernelOfSeveral(kernelNames.linearWeightGradient, { x: saved[0], dy }, {}) as [
          Tensor,
          Tensor,
        ];
        if (bias === null) dBias.dispose();
        return [
          dx,
          dWeight,
          ...(bias === null ? [] : [dBias]),
          ...(residual === null ? [] : [reshape(dy, dy.shape)]), // a tensor of its own: the tape frees each gradient once
        ];
      },
    };
  });
  return op(x, weight, ...optional);
}

/** x W + b. Under a gradient tape not fused: the fused op would save its result too, and on wasm whatever is saved is copied. */
function product(x: Tensor2D, weight: Tensor2D, bias: Tensor | null): Tensor {
  if (!isRecording()) return fused.matMul({ a: x, b: weight, ...(bias && { bias }) });
  return bias === null ? matMul(x, weight) : add(matMul(x, weight), bias);
}

/** True when layer norms run on kernels: with their gradient while one is recorded. */
export function hasLayerNormKernel(): boolean {
  return hasKernels(kernelNames.layerNorm) && (!isRecording() || hasKernels(kernelNames.layerNormGradient));
}

/**
 * y = (x - mean) / sqrt(variance + 1e-5) * weight + bias over the last axis, any shape [..., C].
 *
 * @throws ShapeError when the weights do not have C values
 * @example
 * layerNorm(tf.ones([2, 4]), { weight: tf.ones([4]), bias: tf.zeros([4]) }); // zeros
 */
export function layerNorm(x: Tensor, weights: NormWeights<Tensor>): Tensor {
  const { weight, bias } = weights;
  checkLayerNormShape(x.shape, weight.shape, bias.shape);
  if (x.size > 0 && hasLayerNormKernel()) {
    const rows = (): Tensor => reshape(x, [x.size / weight.size, weight.size]);
    const attributes = { epsilon: layerNormEpsilon, padRow: 'none' } as const;
    if (x.rank === 2) return layerNormKernel(x, weights, null, attributes);
    return tidy(() => reshape(layerNormKernel(rows(), weights, null, attributes), x.shape));
  }
  return tidy(() => {
    const centred = sub(x, mean(x, -1, true));
    const deviation = rsqrt(add(mean(square(centred), -1, true), layerNormEpsilon));
    return add(mul(mul(centred, deviation), weight), bias);
  });
}

/** The norm of rows [n, C] and after them one row for all pads: [n + 1, C]. */
export function paddedLayerNorm(x: Tensor2D, weights: NormWeights<Tensor>, padRow: 'bias' | 'zero'): Tensor {
  if (hasLayerNormKernel()) return layerNormKernel(x, weights, null, { epsilon: layerNormEpsilon, padRow });
  return tidy(() => {
    const pad = padRow === 'bias' ? reshape(weights.bias, [1, x.shape[1]]) : zeros([1, x.shape[1]]);
    return concat([layerNorm(x, weights), pad], 0);
  });
}

/** The norm of the rows of a map that an index names, -1 being a pad: [R, C], [n] -> [n, C]. Only where `hasLayerNormKernel`. */
export function gatheredLayerNorm(
  map: Tensor2D,
  index: Tensor1D,
  weights: NormWeights<Tensor>,
  padRow: 'bias' | 'zero',
): Tensor {
  return layerNormKernel(map, weights, index, { epsilon: layerNormEpsilon, padRow });
}

function layerNormKernel(
  x: Tensor,
  { weight, bias }: NormWeights<Tensor>,
  index: Tensor1D | null,
  attributes: LayerNormAttributes,
): Tensor {
  if (!isRecording()) return runKernel(kernelNames.layerNorm, { x, weight, bias, index }, attributes);
  return customGrad((x, weight, bias, save) => {
    (save as unknown as Save)([x as Tensor, weight as Tensor, ...(index === null ? [] : [index])]);
    return {
      value: runKernel(
        kernelNames.layerNorm,
        { x: x as Tensor, weight: weight as Tensor, bias: bias as Tensor, index },
        attributes,
      ),
      gradFunc: (dy: Tensor, saved: Tensor[]): Tensor[] => {
        const inputs = { x: saved[0], weight: saved[1], index: index === null ? null : saved[2], dy };
        return runKernelOfSeveral(kernelNames.layerNormGradient, inputs, attributes);
      },
    };
  })(x, weight, bias);
}
