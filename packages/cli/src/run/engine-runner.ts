/** Runs a model in the engine: all cores, no TensorFlow.js. */

import type { ForwardResult, SwinCheckpoint } from '@sparsevit/backbone';
import { createSwin } from '@sparsevit/backbone';
import type { EngineValue, HostValues, Materialized } from '@sparsevit/engine';
import { createEngine, hostWindowIds } from '@sparsevit/engine';
import type { Refusal, RunMap, Runner, RunOutput } from './runner';

/** How it is started. */
export interface EngineRunnerOptions {
  /** Default: all cores. */
  readonly threads: number | undefined;
  /** What was tried before. */
  readonly refused: readonly Refusal[];
  readonly chosenBecause: string | null;
  now(): number;
}

/**
 * Starts the engine and takes a model in.
 *
 * @throws BackendError without WebAssembly SIMD
 */
export async function createEngineRunner(
  readModel: () => Pick<SwinCheckpoint, 'architecture' | 'family' | 'weights'>,
  { threads, refused, chosenBecause, now }: EngineRunnerOptions,
): Promise<Runner> {
  const engine = await createEngine(threads === undefined ? {} : { threads });
  const model = createSwin(engine.ops, readModel());
  const { build, whyOneThread } = engine;
  const count = `${engine.threads} ${engine.threads === 1 ? 'thread' : 'threads'}`;
  return {
    facts: {
      backend: 'engine',
      detail: `${build}, ${count}`,
      chosenBecause,
      refused: [...refused, ...(whyOneThread === null ? [] : [{ reason: `threads: ${whyOneThread}` }])],
      more: '',
      json: { threads: engine.threads, build, whyOneThread },
    },
    async prepare({ values, shape }, sparsity) {
      const begin = now();
      const plan = engine.compile(
        (image) => model.forward(image, { sparsity, wantsWindows: true, wantsLogits: true }),
        { shape },
      );
      return {
        compileMs: now() - begin,
        run: async () => outputOf(await plan.run(values)),
        release: () => plan.dispose(),
      };
    },
    explain: (error) => error,
    async dispose() {
      model.dispose();
      await engine.dispose();
    },
  };
}

function outputOf({ features, logits, windows }: Materialized<ForwardResult<EngineValue>>): RunOutput {
  const mapOf = (stage: number | null, map: HostValues | null): RunMap[] =>
    map === null
      ? []
      : [
          {
            stage,
            shape: map.shape,
            sum: async () => (map.values as Float32Array).reduce((sum, value) => sum + value, 0),
            read: async () => map.values as Float32Array,
            release() {},
          },
        ];
  return {
    maps: [...features.flatMap((map, stage) => mapOf(stage, map)), ...mapOf(null, logits)],
    readWindows: async () => windows.map(hostWindowIds),
    release() {},
  };
}
