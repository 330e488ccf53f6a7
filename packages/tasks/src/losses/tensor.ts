/** The only import of TensorFlow.js in this package: what is used of it is listed here. */

export type { Scalar, Tensor, Tensor2D, Variable } from '@tensorflow/tfjs-core';
export {
  abs,
  add,
  customGrad,
  div,
  exp,
  log,
  max,
  mean,
  minimum,
  mul,
  neg,
  pad,
  reshape,
  sigmoid,
  sign,
  softmax,
  softplus,
  square,
  sub,
  sum,
  tensor,
  tensor4d,
  tidy,
} from '@tensorflow/tfjs-core';
