/** What computes outputs of a task on the host's images. */

import type { ForwardOptions } from '@sparsevit/backbone';
import type { DecodeMap, TaskOutput } from '@sparsevit/tasks';
import type { Sparsity } from '@sparsevit/windows';

/** An image batch, and at which sparsity. */
export interface TaskRequest {
  readonly pixels: Float32Array;
  readonly shape: readonly [number, number, number, number];
  readonly sparsity: Sparsity | null;
  /** Window ids to use instead of ranking, as of the backbone's forward. */
  readonly kept?: ForwardOptions['kept'];
}

/** Runs a task on images. */
export interface TaskRunner {
  run(request: TaskRequest): Promise<TaskOutput<DecodeMap>>;
  dispose(): Promise<void>;
}
