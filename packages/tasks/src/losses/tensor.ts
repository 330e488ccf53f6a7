/** The only import of TensorFlow.js in this package: what is used of it is listed here. */

export type { Scalar, Tensor, Tensor2D } from '@tensorflow/tfjs-core';
export {
  abs,
  add,
  customGrad,
  exp,
  log,
  max,
  minimum,
  mul,
  neg,
  sigmoid,
  sign,
  softmax,
  square,
  sub,
  sum,
  tensor,
  tidy,
} from '@tensorflow/tfjs-core';
