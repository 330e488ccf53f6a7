/** A task in the engine, as something that runs on the host's images. No TensorFlow.js. */

import type { Engine, EngineValue, Plan } from '@sparsevit/engine';
import { createPlanCache } from '@sparsevit/engine';
import type { DecodeMap, TaskCheckpoint, TaskOutput } from '@sparsevit/tasks';
import { createTask } from '@sparsevit/tasks';
import type { TaskRequest, TaskRunner } from './runner';

/**
 * A task in the engine, which stays the caller's; plans for the latest sizes and sparsities are kept.
 *
 * @param engine where it runs
 * @param checkpoint the task and its weights
 * @param options `maxPlans`: default 4
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
