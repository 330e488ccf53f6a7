/** A model in the engine: a plan for each shape and way to run it, of which the latest used are kept. */

import type { Engine, EngineValue, HostValues, Materialized } from '@sparsevit/engine';
import { createPlanCache, hostWindowIds } from '@sparsevit/engine';
import type { TaskOutput } from '@sparsevit/tasks';
import type {
  HostForward,
  HostMap,
  ModelForward,
  ModelInput,
  ModelRequest,
  ModelSubject,
  RunnableModel,
  RuntimeReport,
} from './model';

/**
 * Takes a model into an engine, which it then owns.
 *
 * @param options.maxPlans how many plans are kept
 */
export function createEngineModel(
  engine: Engine,
  subject: Pick<ModelSubject, 'take'>,
  options: { maxPlans: number; why: Pick<RuntimeReport, 'chosenBecause' | 'refused'> },
): RunnableModel {
  const { maxPlans, why } = options;
  const model = subject.take(engine.ops);
  const plans = createPlanCache(
    ({ shape, request }: { shape: ModelInput['shape']; request: ModelRequest }) =>
      engine.compile((image) => model.forward(image, request), { shape }),
    { maxPlans },
  );

  const threads = `${engine.threads} ${engine.threads === 1 ? 'thread' : 'threads'}`;
  return {
    report: {
      backend: 'engine',
      detail: `${engine.build}, ${threads}`,
      chosenBecause: why.chosenBecause,
      refused: [
        ...why.refused,
        ...(engine.whyOneThread === null ? [] : [{ what: 'threads', reason: engine.whyOneThread }]),
      ],
    },
    async predict({ values, shape }, request, signal) {
      return onHost(await plans.planFor({ shape, request }).run(values, signal ? { signal } : {}));
    },
    async dispose() {
      plans.dispose();
      await engine.dispose();
      model.dispose();
    },
  };
}

function onHost({ features, logits, output, windows }: Materialized<ModelForward<EngineValue>>): HostForward {
  const mapOf = (map: HostValues | null): HostMap | null =>
    map === null ? null : { values: map.values as Float32Array, shape: map.shape };
  return {
    features: features.map(mapOf),
    logits: mapOf(logits),
    output: output as TaskOutput<HostMap> | null, // maps of a task are floats
    windows: windows.map(hostWindowIds),
  };
}
