/** The plans that were used last, so that an image of a size and sparsity seen before is run without tracing again. */

import { ConfigError } from '@sparsevit/windows';
import type { Plan } from './plan';

/** Plans by what they were asked for. */
export interface PlanCache<Request, Result> {
  /** Plans that are kept. */
  readonly size: number;
  /** The plan of a request, compiled when there is none; the one that was used longest ago makes room for it. */
  planFor(request: Request): Plan<Result>;
  /** Disposes all plans; later requests are compiled again. */
  dispose(): void;
}

/**
 * Keeps plans by request. A plan is a list of calls, and weights are shared, so that each costs little but the time to make it. One that makes
 * room is disposed: runs that were asked for end first.
 *
 * @param compile makes the plan of a request; requests that are equal as JSON share a plan
 * @param options `maxPlans`: how many plans are kept, at least 1
 * @throws ConfigError when `maxPlans` is not a whole number of at least 1
 * @example
 * const plans = createPlanCache(
 *   ({ shape, sparsity }) => engine.compile((image) => model.forward(image, { sparsity }), { shape }),
 *   { maxPlans: 4 },
 * );
 * const { features } = await plans.planFor({ shape: [1, 224, 224, 3], sparsity: null }).run(pixels);
 */
export function createPlanCache<Request, Result>(
  compile: (request: Request) => Plan<Result>,
  { maxPlans }: { readonly maxPlans: number },
): PlanCache<Request, Result> {
  if (!Number.isInteger(maxPlans) || maxPlans < 1) {
    throw new ConfigError(`createPlanCache: expected maxPlans to be a whole number of at least 1, got ${maxPlans}.`);
  }
  /** The latest used stands last. */
  const plans = new Map<string, Plan<Result>>();
  return {
    get size() {
      return plans.size;
    },
    planFor(request) {
      const key = JSON.stringify(request);
      const plan = plans.get(key) ?? compile(request);
      plans.delete(key);
      plans.set(key, plan);
      for (const [oldest, unused] of plans) {
        if (plans.size <= maxPlans) break;
        plans.delete(oldest);
        unused.dispose();
      }
      return plan;
    },
    dispose() {
      for (const plan of plans.values()) plan.dispose();
      plans.clear();
    },
  };
}
