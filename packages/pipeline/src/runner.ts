/** What computes outputs of a task on the host's images: TensorFlow.js with the weights as they are, or the engine on all cores. */

import type { ForwardOptions } from '@sparsevit/backbone';
import type { Engine, EngineValue, Plan } from '@sparsevit/engine';
import { createPlanCache } from '@sparsevit/engine';
import type { DecodeMap, Task, TaskCheckpoint, TaskOutput } from '@sparsevit/tasks';
import { createTask } from '@sparsevit/tasks';
import type { Sparsity } from '@sparsevit/windows';
import type { Tensor } from '@tensorflow/tfjs-core';
import { dispose, tensor4d } from '@tensorflow/tfjs-core';

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

/**
 * A task on TensorFlow.js, with its weights as they are at each run; the task stays the caller's.
 *
 * @example
 * const output = await tensorRunner(task).run({ pixels, shape: [1, 512, 512, 3], sparsity: null });
 */
export function tensorRunner(task: Task<Tensor>): TaskRunner {
  return {
    async run(request) {
      const output = forward(task, request);
      try {
        switch (output.kind) {
          case 'detection':
            return { kind: 'detection', heatmap: await read(output.heatmap), box: await read(output.box) };
          case 'semantic':
            return { kind: 'semantic', logits: await read(output.logits), auxiliaryLogits: null };
          default:
            return { kind: 'classification', logits: await read(output.logits) };
        }
      } finally {
        dispose(output.kind === 'detection' ? [output.heatmap, output.box] : output.logits);
      }
    },
    dispose: async () => {},
  };
}

function forward(task: Task<Tensor>, { pixels, shape, sparsity, kept }: TaskRequest): TaskOutput<Tensor> {
  const image = tensor4d(pixels, [...shape]);
  try {
    return task.forward(image, { sparsity, ...(kept ? { kept } : {}) }).output;
  } finally {
    dispose(image);
  }
}

async function read(map: Tensor): Promise<DecodeMap> {
  return { values: (await map.data<'float32'>()).slice(), shape: map.shape };
}

/**
 * A task in the engine, which stays the caller's; plans for the latest sizes and sparsities are kept.
 *
 * @param options.maxPlans default 4
 * @example
 * const runner = engineRunner(await createEngine(), loadTask(bytes));
 */
export function engineRunner(
  engine: Engine,
  checkpoint: TaskCheckpoint,
  { maxPlans = 4 }: { maxPlans?: number } = {},
): TaskRunner {
  const task = createTask(engine.ops, checkpoint);
  const compile = ({ shape, sparsity, kept }: Omit<TaskRequest, 'pixels'>): Plan<TaskOutput<EngineValue>> =>
    engine.compile((image) => task.forward(image, { sparsity, ...(kept ? { kept } : {}) }).output, { shape });
  const plans = createPlanCache(compile, { maxPlans });
  return {
    async run(request) {
      const { pixels, shape, sparsity, kept } = request;
      if (kept !== undefined) {
        // ids are part of a plan, and no two images have the same
        const plan = compile(request);
        try {
          return (await plan.run(pixels)) as unknown as TaskOutput<DecodeMap>;
        } finally {
          plan.dispose();
        }
      }
      return (await plans.planFor({ shape, sparsity }).run(pixels)) as unknown as TaskOutput<DecodeMap>;
    },
    async dispose() {
      plans.dispose();
      task.dispose();
    },
  };
}
