/** What times a model where nothing else is given: the engine. */

import { createEngine } from '@sparsevit/engine';
import type { TaskCheckpoint } from '@sparsevit/tasks';
import { engineLatencyRunner } from '../../latency/engine-runner';
import type { LatencyRunnerOptions } from '../../latency/subject';
import type { LatencyHost } from '../latency-device';
import { engineDevice } from '../latency-device';
import type { PipelineSurroundings, TimedModel } from './context';

/** Starts an engine for a model. */
export async function startEngineModel(
  checkpoint: TaskCheckpoint,
  { threads, ...options }: LatencyRunnerOptions & { readonly threads: number | undefined },
): Promise<TimedModel> {
  const engine = await createEngine(threads === undefined ? {} : { threads });
  const runner = engineLatencyRunner(engine, checkpoint, options);
  const { backend, backendVersion, kernels, threads: used } = engineDevice(engine, unknownHost);
  return {
    runner,
    device: { backend, backendVersion, kernels, threads: used },
    async dispose() {
      runner.dispose();
      await engine.dispose();
    },
  };
}

const unknownHost: LatencyHost = { name: '', driver: null, platform: '', runtime: '' };

/** Times one configuration: the median of three runs after one that does not count. */
export async function timeOnce(
  { runner }: TimedModel,
  prunedRatios: Parameters<TimedModel['runner']['run']>[0],
  { now }: Pick<PipelineSurroundings, 'now'>,
): Promise<number> {
  await runner.prepare?.(prunedRatios);
  try {
    await runner.run(prunedRatios);
    const samples: number[] = [];
    for (let i = 0; i < 3; i++) {
      const begin = now();
      await runner.run(prunedRatios);
      samples.push(now() - begin);
    }
    return samples.sort((a, b) => a - b)[1] ?? Number.NaN;
  } finally {
    await runner.release?.(prunedRatios);
  }
}
