/** What is trained, and on what: something with parameters and a loss, and something that gives batches from a place on. */

import type { DropPathFactors } from '@sparsevit/backbone';
import type { Sparsity, SwinArchitecture } from '@sparsevit/windows';
import type { DataPosition } from './checkpoint';
import type { Scalar, Variable } from './tensor';

/** How a loss is to be computed. */
export interface LossOptions {
  readonly sparsity: Sparsity | null;
  readonly dropPath?: readonly (readonly DropPathFactors[])[];
}

/** What is trained. */
export interface Trainable<Batch> {
  readonly architecture: SwinArchitecture;
  /** The variables by key. */
  readonly parameters: ReadonlyMap<string, Variable>;
  /** The loss of a batch and what it is the sum of, scalars. Called while a gradient is recorded. */
  loss(
    batch: Batch,
    options: LossOptions,
  ): { readonly total: Scalar; readonly parts: Readonly<Record<string, Scalar>> };
}

/** One batch, what it is of, and where the data goes on after it. */
export interface TrainingBatch<Batch> {
  readonly batch: Batch;
  /** Images in it. */
  readonly size: number;
  /** What an error names. */
  readonly items: readonly string[];
  readonly next: DataPosition;
}

/** Gives batches from a place on, epoch after epoch; the same ones whenever it is asked for the same place. */
export interface TrainingData<Batch> {
  batches(from: DataPosition, signal: AbortSignal | undefined): AsyncIterable<TrainingBatch<Batch>>;
}
