/** A data set as batches to train a task on: augmented, collated, from any place on. */

import type { BrokenItem, Dataset, Transform } from '@sparsevit/data';
import { createBatches } from '@sparsevit/data';
import type { TaskBatch, TaskConfig } from '@sparsevit/tasks';
import { collate } from '@sparsevit/tasks';
import type { TrainingData } from '@sparsevit/trainer';

/** How batches are made. */
export interface TrainingDataOptions {
  readonly task: TaskConfig;
  /** Images in a batch. */
  readonly batch: number;
  readonly seed: number;
  /** Must give images of one size. */
  readonly transform: Transform;
  readonly normalization: { readonly mean: readonly number[]; readonly std: readonly number[] };
  /** What a broken item does; default `fail`. The event comes either way. */
  readonly onBroken?: 'skip' | 'fail';
  readonly onEvent?: (event: BrokenItem) => void;
}

/**
 * Batches for `train`, epoch after epoch without end; the same ones whenever they are asked for from the same place.
 *
 * @throws ConfigError for an empty data set, or one smaller than a batch
 * @example
 * const data = trainingData(createScenes({ count: 100, seed: 1, height: 256, width: 256 }), { task, batch: 4, seed: 0, transform, normalization });
 */
export function trainingData(dataset: Dataset, options: TrainingDataOptions): TrainingData<TaskBatch> {
  const { task, batch, seed, transform, normalization, onBroken = 'fail', onEvent = () => {} } = options;
  return {
    async *batches(from, signal) {
      const epochs = createBatches(dataset, {
        batch,
        seed,
        transform,
        dropLast: true,
        epoch: from.epoch,
        epochs: Number.POSITIVE_INFINITY,
        startAt: from.position,
        onBroken,
        onEvent,
        ...(signal ? { signal } : {}),
      });
      for await (const { samples, epoch, position } of epochs) {
        const collated = collate(task, samples, normalization);
        yield { batch: collated, size: samples.length, items: collated.ids, next: { epoch, position } };
      }
    },
  };
}
