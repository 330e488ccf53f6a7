/** Linear layers with their epilogues, layer norm and GELU, over the last axis. */

import type { LinearEpilogue, LinearWeights, NormWeights } from '@sparsevit/windows';
import { checkLayerNormShape, checkLinearShape, layerNormEpsilon } from '@sparsevit/windows';
import { hasKernel, kernelNames, runKernel } from './kernels';
import type { Tensor, Tensor2D } from './tensor';
import { add, engine, erf, fused, matMul, mean, mul, rsqrt, square, sub, tidy } from './tensor';

/**
 * gelu(x) = x * (1 + erf(x / sqrt 2)) / 2, exact (not the tanh approximation), any shape.
 *
 * @example
 * gelu(tf.tensor1d([-1, 0, 1])); // [-0.1587, 0, 0.8413]
 */
export function gelu(x: Tensor): Tensor {
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
  if (hasKernel(kernelNames.linear)) {
    const optional = { ...(bias && { bias }), ...(residual && { residual }), ...(scale && { scale }) };
    return runKernel(kernelNames.linear, { x, weight, ...optional }, { gelu: epilogue.gelu ?? false });
  }
  return tidy(() => {
    let y = product(x as Tensor2D, weight as Tensor2D, bias);
    if (epilogue.gelu) y = gelu(y);
    if (scale) y = mul(y, scale);
    return residual ? add(y, residual) : y;
  });
}

/** x W + b. Under a gradient tape not fused: the fused op would save its result too, and on wasm whatever is saved is copied. */
function product(x: Tensor2D, weight: Tensor2D, bias: Tensor | null): Tensor {
  if (!engine().isTapeOn()) return fused.matMul({ a: x, b: weight, ...(bias && { bias }) });
  return bias === null ? matMul(x, weight) : add(matMul(x, weight), bias);
}

/**
 * y = (x - mean) / sqrt(variance + 1e-5) * weight + bias over the last axis, any shape [..., C].
 *
 * @throws ShapeError when the weights do not have C values
 * @example
 * layerNorm(tf.ones([2, 4]), { weight: tf.ones([4]), bias: tf.zeros([4]) }); // zeros
 */
export function layerNorm(x: Tensor, { weight, bias }: NormWeights<Tensor>): Tensor {
  checkLayerNormShape(x.shape, weight.shape, bias.shape);
  if (hasKernel(kernelNames.layerNorm)) {
    return runKernel(kernelNames.layerNorm, { x, weight, bias }, { epsilon: layerNormEpsilon });
  }
  return tidy(() => {
    const centred = sub(x, mean(x, -1, true));
    const deviation = rsqrt(add(mean(square(centred), -1, true), layerNormEpsilon));
    return add(mul(mul(centred, deviation), weight), bias);
  });
}
