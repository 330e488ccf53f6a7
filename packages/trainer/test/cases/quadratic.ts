/** A task so small that thousands of steps take a moment: fit a line to seeded points. */

import type { SwinArchitecture } from '@sparsevit/windows';
import { createRandom } from '@sparsevit/windows';
import * as tf from '@tensorflow/tfjs-core';
import type { DataPosition, LossOptions, Trainable, TrainingBatch, TrainingData } from '../../src/index';

export interface Points {
  readonly x: Float32Array;
  readonly y: Float32Array;
}

export const architecture: SwinArchitecture = {
  patchSize: 4,
  embedDim: 8,
  depths: [2, 2],
  heads: [1, 2],
  window: 7,
  mlpRatio: 4,
};

/** y = slope * x + offset; `seen` is told what every loss was asked for. */
export function createLine(seen: (options: LossOptions) => void = () => {}): Trainable<Points> & { dispose(): void } {
  const parameters = new Map(
    ['slope', 'offset'].map((key) => {
      const initial = tf.tensor1d([key === 'slope' ? 0.5 : 0]);
      const variable = tf.variable(initial);
      initial.dispose();
      return [key, variable] as const;
    }),
  );
  const [slope, offset] = [...parameters.values()] as [tf.Variable, tf.Variable];
  return {
    architecture,
    parameters,
    loss({ x, y }, options) {
      seen(options);
      const error = tf.sub(tf.add(tf.mul(tf.tensor1d(x), slope), offset), tf.tensor1d(y));
      const fit = tf.mean(tf.square(error)) as tf.Scalar;
      const size = tf.mul(tf.sum(tf.square(slope)), 1e-3) as tf.Scalar;
      return { total: tf.add(fit, size), parts: { fit, size } };
    },
    dispose: () => tf.dispose([...parameters.values()]),
  };
}

/** Batches of an epoch of ten; the data of a place depends on the place alone. */
export function createPoints(
  options: { isBroken?: (at: DataPosition) => boolean; epochs?: number } = {},
): TrainingData<Points> {
  const { isBroken = () => false, epochs = Number.POSITIVE_INFINITY } = options;
  return {
    async *batches(from, signal): AsyncGenerator<TrainingBatch<Points>> {
      let { epoch, position } = from;
      while (epoch < epochs) {
        signal?.throwIfAborted();
        const random = createRandom(epoch * 1000 + position);
        const x = Float32Array.from({ length: 8 }, () => random.uniform() * 2 - 1);
        const y = x.map((value) => 3 * value - 1 + 0.1 * random.normal());
        if (isBroken({ epoch, position })) y.fill(Number.NaN);
        const items = [`points ${epoch}.${position}`];
        position++;
        if (position === 10) [epoch, position] = [epoch + 1, 0];
        yield { batch: { x, y }, size: 8, items, next: { epoch, position } };
      }
    },
  };
}
