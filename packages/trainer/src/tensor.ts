/** The only import of TensorFlow.js in this package: what is used of it is listed here. */

export type { Scalar, Tensor, Variable } from '@tensorflow/tfjs-core';
export {
  add,
  addN,
  dispose,
  div,
  keep,
  minimum,
  mul,
  scalar,
  sqrt,
  square,
  sum,
  tensor,
  tidy,
  variableGrads,
  zerosLike,
} from '@tensorflow/tfjs-core';
