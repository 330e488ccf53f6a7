/** Our rows without TensorFlow.js: Swin-T in plans of `@sparsevit/engine`, with one thread, two, or all cores. */

import type { SwinModel } from '@sparsevit/backbone';
import { createSwin, randomWeights } from '@sparsevit/backbone';
import type { Engine, EngineValue } from '@sparsevit/engine';
import { createEngine } from '@sparsevit/engine';
import type { CaseSpec, EngineName } from '../cases';
import { architecture, caseId, family, sparsityOf } from '../cases';
import { seededImage } from '../image';
import type { Runnable } from '../runnable';
import { BenchError, checkOutput } from '../runnable';

/** The engines of a run: one for each number of threads, with one model for all sizes. */
export interface PlanEngines {
  /** Starts an engine and takes the weights in; a plan that needs them packs them. */
  start(name: EngineName): Promise<void>;
  prepare(spec: CaseSpec): Promise<Runnable & { readonly planMs: number }>;
  /** WebAssembly memory of an engine; null before it is started. */
  memoryBytes(name: EngineName): number | null;
  dispose(): Promise<void>;
}

const threadsOf: Partial<Record<EngineName, number | undefined>> = {
  'engine-1': 1,
  'engine-2': 2,
  'engine-all': undefined,
};

/** True for an engine that these rows run on. */
export const isPlanEngine = (engine: EngineName): boolean => Object.hasOwn(threadsOf, engine);

/** Makes engines as they are needed. */
export function createPlanEngines(): PlanEngines {
  const started = new Map<EngineName, Promise<{ engine: Engine; model: SwinModel<EngineValue> }>>();
  const startOnce = (name: EngineName): Promise<{ engine: Engine; model: SwinModel<EngineValue> }> => {
    const known = started.get(name);
    if (known !== undefined) return known;
    const made = start(name);
    started.set(name, made);
    return made;
  };
  const bytes = new Map<EngineName, () => number>();
  return {
    async start(name) {
      const { engine } = await startOnce(name);
      bytes.set(name, () => engine.memoryBytes);
    },
    memoryBytes: (name) => bytes.get(name)?.() ?? null,
    async prepare(spec) {
      const { engine, model } = await startOnce(spec.engine);
      const { configuration, sizePixels } = spec;
      const id = caseId(spec);
      const sparsity = sparsityOf(configuration);
      const pixels = seededImage(sizePixels);
      const begin = performance.now();
      const plan = engine.compile((image) => model.forward(image, { sparsity, outputs: [3] }).features[3], {
        shape: [1, sizePixels, sizePixels, 3],
      });
      const planMs = performance.now() - begin;
      return {
        id,
        spec,
        planMs,
        async run() {
          await plan.run(pixels);
        },
        async check() {
          const features = await plan.run(pixels);
          if (!features) throw new BenchError(`${id}: expected the features of the last stage, got none.`);
          return checkOutput(id, features.shape, features.values);
        },
        async dispose() {
          plan.dispose();
        },
      };
    },
    async dispose() {
      for (const made of started.values()) await (await made).engine.dispose();
      started.clear();
    },
  };
}

async function start(name: EngineName): Promise<{ engine: Engine; model: SwinModel<EngineValue> }> {
  const threads = threadsOf[name];
  const engine = await createEngine(threads === undefined ? {} : { threads });
  if (threads !== undefined && engine.threads !== threads) {
    throw new BenchError(`${name}: expected ${threads} threads, got ${engine.threads}: ${engine.whyOneThread}.`);
  }
  return { engine, model: createSwin(engine.ops, { architecture, family, weights: randomWeights(architecture, 0) }) };
}
