/** What the engine refuses because only training has it. */

import { BackendError } from '@sparsevit/windows';

/** The error of an operation that only training needs. */
export function trainingOnly(what: string): BackendError {
  return new BackendError(
    `engine: expected a forward for inference, got ${what}, which only training needs. Train on TensorFlow.js with createTensorOps().`,
  );
}
