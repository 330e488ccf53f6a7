/** What TensorFlow.js's own ops compute, on the backend that is active. */

import { createSwin } from '@sparsevit/backbone';
import { createTensorOps, withoutKernels } from '@sparsevit/ops';
import type { Sparsity } from '@sparsevit/windows';
import * as tf from '@tensorflow/tfjs-core';
import { checkpoint } from './cases/checkpoint';

/** The maps of the stages on the windows that were kept elsewhere, so that a near-tie is no difference. */
export async function referenceFeatures(
  values: Float32Array,
  shape: readonly [number, number, number, number],
  { sparsity, kept }: { sparsity: Sparsity | null; kept?: readonly (readonly (Int32Array | null)[])[] },
): Promise<Float32Array[]> {
  const model = createSwin(createTensorOps(), checkpoint);
  const image = tf.tensor4d(values, [...shape]);
  const { features } = withoutKernels(() => model.forward(image, { sparsity, ...(kept ? { kept } : {}) }));
  const results: Float32Array[] = [];
  for (const map of features) if (map !== null) results.push((await map.data<'float32'>()).slice());
  tf.dispose([image, ...features.filter((map) => map !== null)]);
  model.dispose();
  return results;
}
